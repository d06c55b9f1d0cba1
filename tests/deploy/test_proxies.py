"""The station behind the proxies whose configurations are in deploy/proxy: sound and events come through at once."""

import asyncio
import os
import shutil
import ssl
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

PROXY = Path(__file__).parents[2] / "deploy/proxy"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CADDY = shutil.which("caddy")
NAME = "radio.example.org"


@asynccontextmanager
async def dripping_station():
    """A server that sends one piece of sound and then waits; tells what it was asked."""
    asked, release = [], asyncio.Event()

    async def stream(request):
        asked.append(request)
        answer = web.StreamResponse(headers={"Content-Type": "audio/mpeg", "icy-name": "lofi"})
        await answer.prepare(request)
        await answer.write(b"first sound")
        await release.wait()
        return answer

    async def playlist(request):
        asked.append(request)
        return web.Response(text="#EXTM3U\n", headers={"Cache-Control": "max-age=1"})

    async def socket(request):
        ready = web.WebSocketResponse()
        await ready.prepare(request)
        await ready.send_str("bar")
        await ready.close()
        return ready

    app = web.Application()
    app.router.add_get("/stream.mp3", stream)
    app.router.add_get("/hls/live.m3u8", playlist)
    app.router.add_get("/api/ws", socket)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1], asked
    finally:
        release.set()
        await runner.cleanup()


def nginx_config(folder, station_port, port, certificate):
    """The file as it is shipped, but for places and ports that a test may use."""
    text = (PROXY / "nginx.conf").read_text(encoding="utf-8")
    for old, new in (
        ("listen 80;", f"listen 127.0.0.1:{port + 1};"), ("    listen [::]:80;\n", ""),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;"), ("    listen [::]:443 ssl http2;\n", ""),
        (f"/etc/letsencrypt/live/{NAME}/fullchain.pem", str(certificate)),
        (f"/etc/letsencrypt/live/{NAME}/privkey.pem", str(certificate)),
        ("http://127.0.0.1:8000", f"http://127.0.0.1:{station_port}"), ("/var/log/nginx", str(folder)),
        ("/var/cache/nginx", str(folder)),
    ):  # fmt: skip
        assert old in text, f"expected {old!r} in nginx.conf"
        text = text.replace(old, new)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    as_root = "user root;" if os.getuid() == 0 else ""
    config.write_text(
        f"{as_root} daemon off; pid {folder}/nginx.pid; error_log stderr; events {{}}\nhttp {{\n{temporary}{text}\n}}\n"
    )
    return config


async def first_bytes(session, url):
    """Connect, trying until the proxy is up; the answer and what came at once."""
    async with asyncio.timeout(20):
        while True:
            try:
                answer = await session.get(url, ssl=_any_certificate(), headers={"Host": NAME})
                break
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)
        return answer, await answer.content.readexactly(11)


def _any_certificate():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.mark.skipif(NGINX is None, reason="needs nginx: apt-get install nginx-light")
async def test_sound_passes_nginx_at_once_and_it_says_whom_it_speaks_for(tmp_path, free_port, certificate):
    async with dripping_station() as (station_port, asked), aiohttp.ClientSession() as session:
        config = nginx_config(tmp_path, station_port, port := free_port(), certificate)
        nginx = await asyncio.create_subprocess_exec(NGINX, "-c", str(config), "-p", str(tmp_path))
        try:
            answer, sound = await first_bytes(session, f"https://127.0.0.1:{port}/stream.mp3?token=secret")
            assert (sound, answer.headers["icy-name"]) == (b"first sound", "lofi")
            assert asked[0].headers["X-Forwarded-For"] == "127.0.0.1"
            assert asked[0].headers["Host"] == NAME
            answer.close()
            options = {"ssl": _any_certificate(), "headers": {"Host": NAME}}
            before = len(asked)
            for _ in range(3):
                async with session.get(f"https://127.0.0.1:{port}/hls/live.m3u8", **options) as answer:
                    assert await answer.text() == "#EXTM3U\n"
            assert len(asked) - before < 3  # the playlist was asked for once a second, whoever wants it
            async with session.ws_connect(f"https://127.0.0.1:{port}/api/ws", **options) as socket:
                assert await socket.receive_str() == "bar"
        finally:
            nginx.terminate()
            await nginx.wait()
    assert "secret" not in (tmp_path / "lofi-radio.log").read_text()


@pytest.mark.skipif(CADDY is None, reason="needs caddy: apt-get install caddy")
async def test_sound_passes_caddy_at_once(tmp_path, free_port):
    async with dripping_station() as (station_port, asked), aiohttp.ClientSession() as session:
        text = (PROXY / "Caddyfile").read_text(encoding="utf-8")
        port = free_port()
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{station_port}").replace(
            f"{NAME} {{", f"{{\n\tadmin off\n\tauto_https off\n}}\nhttp://:{port} {{\n\tbind 127.0.0.1", 1
        )
        (tmp_path / "Caddyfile").write_text(text)
        with (tmp_path / "log").open("wb") as log:
            caddy = await asyncio.create_subprocess_exec(
                CADDY, "run", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile",
                stdout=log, stderr=log, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            )  # fmt: skip
        try:
            answer, sound = await first_bytes(session, f"http://127.0.0.1:{port}/stream.mp3?token=secret")
            assert (sound, answer.headers["icy-name"]) == (b"first sound", "lofi")
            assert asked[0].headers["X-Forwarded-For"] == "127.0.0.1"
            answer.close()
        finally:
            caddy.kill()  # asked politely it waits for its clients
            await caddy.wait()
    assert "secret" not in (tmp_path / "log").read_text()
