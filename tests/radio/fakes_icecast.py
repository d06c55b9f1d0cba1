"""A server that talks like Icecast, as far as the test wants it to."""

import asyncio
from contextlib import asynccontextmanager


class FakeIcecast:
    """Takes one PUT after the other; `answer` is what it says to them, `reads` whether it takes their sound."""

    def __init__(self, answer=b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\n", *, reads=True):
        self.answer, self.reads = answer, reads
        self.sources = []
        """Head of each PUT."""
        self.titles = []
        """Target of each GET for a title."""
        self.sound = bytearray()
        self.port = 0
        self._writers = []

    async def handle(self, reader, writer):
        self._writers.append(writer)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        if head.startswith("GET"):
            self.titles.append(head.split()[1])
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n<return>1</return>")
            writer.close()
            return
        self.sources.append(head)
        writer.write(self.answer)
        if b" 200 " not in self.answer:
            writer.close()
            return
        if not self.reads:
            writer.transport.pause_reading()
            return
        while data := await reader.read(65_536):
            self.sound += data

    def hang_up(self):
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()


@asynccontextmanager
async def fake_icecast(*arguments, **options):
    fake = FakeIcecast(*arguments, **options)
    server = await asyncio.start_server(fake.handle, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        fake.hang_up()
        server.close()
