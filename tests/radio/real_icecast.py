"""A real Icecast on loopback, and a listener of it."""

import asyncio
import os
import shutil
import signal
import tempfile
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fakes_player import strip
from fakes_ports import free_port

PASSWORD = "hunter22-secret"


class RealIcecast:
    def __init__(self, folder):
        self.port, self.tls_port = free_port(), free_port()
        # not in the test's folder, which is closed to nobody: Icecast reads it when it is no longer root
        handle, name = tempfile.mkstemp(prefix="icecast-", suffix=".pem")
        os.write(handle, self_signed("127.0.0.1"))
        os.fchmod(handle, 0o644)
        os.close(handle)
        self.certificate = Path(name)
        self._config = folder / "icecast.xml"
        # Icecast refuses to be root; started by root it becomes nobody
        owner = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>" if os.getuid() == 0 else ""
        self._config.write_text(
            f"""<icecast><limits><sources>4</sources></limits><hostname>localhost</hostname>
            <authentication><source-password>{PASSWORD}</source-password>
            <admin-user>admin</admin-user><admin-password>admin-{PASSWORD}</admin-password></authentication>
            <listen-socket><port>{self.port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
            <listen-socket><port>{self.tls_port}</port><bind-address>127.0.0.1</bind-address><ssl>1</ssl></listen-socket>
            <paths><ssl-certificate>{self.certificate}</ssl-certificate><basedir>/usr/share/icecast2</basedir><logdir>/tmp</logdir>
            <webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot></paths>
            <logging><accesslog>-</accesslog><errorlog>-</errorlog><loglevel>1</loglevel></logging>
            <security><chroot>0</chroot>{owner}</security></icecast>"""
        )
        self._process = None

    async def start(self):
        """Start it and wait until it serves its own pages; from then on a crash is a failure.

        Icecast 2.4.4 segfaults when somebody connects within its first milliseconds, as our source does.
        """
        async with asyncio.timeout(60):
            while True:
                await self._spawn()
                while self._process.returncode is None:
                    if await self.page("/status-json.xsl"):
                        await asyncio.sleep(0.3)  # a source that came with the first page may still bring it down
                        if self._process.returncode is None:
                            return
                    await asyncio.sleep(0.1)

    async def page(self, path):
        """Fetch one of its pages; empty when it does not answer."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return ""
        try:
            writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
            return body if " 200 " in head.partition("\r\n")[0] else ""
        except OSError:
            return ""
        finally:
            writer.close()

    async def _spawn(self):
        self._process = await asyncio.create_subprocess_exec(
            shutil.which("icecast2") or shutil.which("icecast"), "-c", str(self._config),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def kill(self):
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            await self._process.wait()
            self._process = None

    async def hear(self, size_bytes, timeout_s, mount="/lofi.mp3"):
        """Listen until so much sound and a title are there: (sound, titles)."""
        async with asyncio.timeout(timeout_s):
            while True:
                assert self._process.returncode is None, "Icecast has crashed"
                try:
                    data, interval_bytes = await self._listen(size_bytes, mount)
                    sound, titles = strip(data, interval_bytes)
                    if titles:
                        return sound, titles
                except (OSError, asyncio.IncompleteReadError):
                    await asyncio.sleep(0.25)

    async def _listen(self, size_bytes, mount):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"GET {mount} HTTP/1.0\r\nIcy-MetaData: 1\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            if " 200 " not in head.splitlines()[0]:
                raise ConnectionError(head)
            interval_bytes = int(head.lower().split("icy-metaint:")[1].split()[0])
            return await reader.readexactly(size_bytes), interval_bytes
        finally:
            writer.close()


def self_signed(address):
    """A key and a certificate for one address, as one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "icecast of a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    form = serialization.PrivateFormat.TraditionalOpenSSL
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return private + made.public_bytes(serialization.Encoding.PEM)


@asynccontextmanager
async def real_icecast(folder):
    server = RealIcecast(folder)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()
        server.certificate.unlink()


needs_icecast = pytest.mark.skipif(
    not (shutil.which("icecast2") or shutil.which("icecast")),
    reason="Icecast is not installed: apt-get install icecast2",
)
