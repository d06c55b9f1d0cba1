"""Listeners by the thousand in one thread: sockets that read, or never do. Knows nothing about who serves them."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from dataclasses import dataclass, field

_LISTENERS_AN_ADDRESS = 50
"""Everybody comes from 127.0.0.0/8, so that a limit of connections for each address lets them in."""
_BUFFER_BYTES = 65_536


@dataclass(slots=True)
class Ear:
    """One listener and what happened to it; times are seconds of the monotonic clock."""

    link: socket.socket
    reads: bool
    keeps: bool
    request: bytes
    began_s: float
    first_sound_s: float | None = None
    last_s: float = 0.0
    longest_gap_s: float = 0.0
    bytes_read: int = 0
    ended_s: float | None = None
    refused: bool = False
    kept: bytearray = field(default_factory=bytearray)

    def take(self, data: memoryview, now_s: float) -> None:
        """Note what came; the first bytes are the answer's head."""
        if self.first_sound_s is None:
            self.refused = b" 200 " not in bytes(data[:16])
            self.first_sound_s = self.last_s = now_s
        self.longest_gap_s = max(self.longest_gap_s, now_s - self.last_s)
        self.last_s = now_s
        self.bytes_read += len(data)
        if self.keeps:
            self.kept += data

    @property
    def sound(self) -> bytes:
        """What was kept, without the answer's head."""
        return bytes(self.kept).partition(b"\r\n\r\n")[2]


class Crowd:
    """Listeners of one stream."""

    def __init__(self, port: int, path: str) -> None:
        self.ears: list[Ear] = []
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        self._selector = selectors.DefaultSelector()
        self._buffer = bytearray(_BUFFER_BYTES)

    def add(self, *, reads: bool = True, keeps: bool = False) -> Ear:
        """Begin to connect one more."""
        number = len(self.ears)
        link = socket.socket()
        link.setblocking(False)
        link.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen with the far end known
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES if reads else 4_096)
        group = number // _LISTENERS_AN_ADDRESS
        link.bind((f"127.1.{group // 250}.{group % 250 + 1}", 0))
        begun = link.connect_ex(("127.0.0.1", self._port))
        if begun not in (0, errno.EINPROGRESS):
            raise OSError(begun, f"listener {number} cannot connect: {errno.errorcode.get(begun, begun)}")
        ear = Ear(link, reads, keeps, self._request, time.monotonic())
        self._selector.register(link, selectors.EVENT_WRITE, ear)
        self.ears.append(ear)
        return ear

    def arrive(self, count: int, within_s: float) -> None:
        """Connect so many readers, evenly, and listen meanwhile."""
        began_s = time.monotonic()
        for number in range(count):
            self.add()
            self.listen_until(began_s + within_s * (number + 1) / count)

    def listen_until(self, end_s: float) -> None:
        """Read whatever comes until then."""
        while (left_s := end_s - time.monotonic()) > 0:
            for key, events in self._selector.select(left_s):
                self._serve(key.data, events)

    def begin_measuring(self) -> None:
        """Forget the gaps so far: from here on everybody is there."""
        now_s = time.monotonic()
        for ear in self.ears:
            ear.longest_gap_s = 0.0
            ear.last_s = now_s if ear.first_sound_s is not None else ear.last_s

    def close(self) -> None:
        """Hang up, all of them."""
        for ear in self.ears:
            ear.link.close()
        self._selector.close()

    def _serve(self, ear: Ear, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                ear.link.send(ear.request)
                self._selector.unregister(ear.link)
                if ear.reads:
                    self._selector.register(ear.link, selectors.EVENT_READ, ear)
                return
            while True:
                size = ear.link.recv_into(self._buffer)
                if not size:
                    raise ConnectionError
                ear.take(memoryview(self._buffer)[:size], time.monotonic())
                if size < _BUFFER_BYTES:
                    return
        except BlockingIOError:
            return
        except OSError:
            ear.ended_s = time.monotonic()
            self._selector.unregister(ear.link)


def is_cut(ear: Ear) -> bool:
    """Tell whether the far end has given up one that never reads."""
    state = ear.link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state not in (1, 2)  # neither established nor connecting
