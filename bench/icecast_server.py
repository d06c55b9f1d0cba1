"""A real Icecast on loopback: started, killed, and heard by a listener of its own. Knows nothing about who sends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

PASSWORD = "chaos-test"
MOUNT = "/lofi.mp3"
_CONFIG = """\
<icecast><limits>{limits}</limits><hostname>localhost</hostname>
<authentication><source-password>{password}</source-password><admin-user>admin</admin-user>
<admin-password>{password}</admin-password></authentication>
<listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
<paths><basedir>/usr/share/icecast2</basedir><logdir>{folder}</logdir><webroot>/usr/share/icecast2/web</webroot>
<adminroot>/usr/share/icecast2/admin</adminroot></paths><logging><loglevel>1</loglevel></logging>
<security><chroot>0</chroot>{owner}</security></icecast>
"""
_AS_NOBODY = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"
_FEW = "<clients>50</clients><sources>4</sources><burst-on-connect>0</burst-on-connect>"
_PATIENCE_S = 90.0


class Icecast:
    """A real server."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port, self._config = port, folder / "icecast.xml"
        self._config.write_text(config_of(folder, port, PASSWORD, _FEW))
        self._process: subprocess.Popen[bytes] | None = None
        self.crashes = 0
        """Icecast 2.4.4 may segfault on who connects within its first milliseconds; systemd would start it again."""

    async def start(self) -> None:
        """Start it and wait until it serves its own pages."""
        program = shutil.which("icecast2") or shutil.which("icecast") or "icecast2"
        while True:
            self._process = await asyncio.to_thread(
                subprocess.Popen,
                [program, "-c", str(self._config)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            while self._process.poll() is None:
                if await self.page("/status-json.xsl"):
                    return
                await asyncio.sleep(0.1)
            self.crashes += 1

    async def page(self, path: str) -> bytes:
        """Fetch a page; empty when it does not answer."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                    return await reader.read()
                finally:
                    writer.close()
        return b""

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    async def back_s(self, title: Callable[[], Awaitable[str]]) -> float:
        """Seconds until a fresh listener has a second of new sound and the station's title; 90: never."""
        began_s = time.monotonic()
        while time.monotonic() - began_s < _PATIENCE_S:
            with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
                async with asyncio.timeout(5):
                    if await self._hear(await title()):
                        return time.monotonic() - began_s
            await asyncio.sleep(0.1)
        return _PATIENCE_S

    async def _hear(self, title: str) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"GET {MOUNT} HTTP/1.0\r\nIcy-MetaData: 1\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            if " 200 " not in head.splitlines()[0]:
                return False
            interval_bytes = int(head.split("icy-metaint:")[1].split()[0])
            await reader.readexactly(interval_bytes)  # of live sound: this Icecast has no burst
            told = (await reader.readexactly((await reader.readexactly(1))[0] * 16)).decode("utf-8", "replace")
            return f"StreamTitle='{_plain(title)}" in told
        finally:
            writer.close()


def _plain(title: str) -> str:
    return title.translate(str.maketrans({"·": "-", "♭": "b", "♯": "#", "’": "'"}))


def config_of(folder: Path, port: int, password: str, limits: str) -> str:
    """Return a configuration with some `<limits>`; the folder is for its logs, root's Icecast turns into nobody."""
    folder.chmod(0o777)
    owner = _AS_NOBODY if os.geteuid() == 0 else ""
    return _CONFIG.format(password=password, port=port, folder=folder, owner=owner, limits=limits)
