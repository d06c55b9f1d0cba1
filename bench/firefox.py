"""Listen in a real Firefox: `python -m bench.firefox` (needs firefox-esr; `--url` for a station that runs already).

The browser is driven by WebDriver BiDi (W3C), which Firefox speaks itself. A station of its own is ended and started
again while the page plays; the command ends with 1 when a line of the table says no.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bench.ports import free_port
from bench.screenshots import on_air, station

FIREFOX = Path("/usr/bin/firefox-esr")
PREFERENCES = {
    "remote.active-protocols": 1, "app.update.enabled": False, "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False, "media.volume_scale": "0.0",
}  # fmt: skip
PATIENCE_S = 90.0
PLAYED_S = 20.0

READY = "document.documentElement.dataset.ready === 'yes'"
PLAYING = "document.documentElement.dataset.state === 'playing'"
CENTRE = "(({x, y, width, height}) => [x + width / 2, y + height / 2].map(Math.round))(document.querySelector('#play')"
HEARD_S = "[...document.querySelectorAll('audio')].reduce((most, one) => Math.max(most, one.currentTime), 0)"


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.complaints: list[str] = []
        """What the console said at level error."""
        self.hosts: set[str] = set()
        """Whom the browser asked for something."""
        self._socket, self._numbers, self._tab = socket, itertools.count(1), ""

    async def open(self, address: str) -> str:
        """Begin a session and go to an address; returns the browser's version."""
        began = await self._call("session.new", capabilities={})
        await self._call("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self._tab = (await self._call("browsingContext.getTree"))["contexts"][0]["context"]
        await self._call("browsingContext.navigate", context=self._tab, url=address, wait="complete")
        return str(began["capabilities"]["browserVersion"])

    async def ask(self, expression: str) -> Any:  # noqa: ANN401 - any JSON value
        """Evaluate an expression in the page; its value comes back as JSON."""
        answer = await self._call(
            "script.evaluate", expression=f"JSON.stringify({expression})", target={"context": self._tab},
            awaitPromise=False,
        )  # fmt: skip
        if answer["type"] != "success":
            raise RuntimeError(f"Firefox could not evaluate {expression}: {answer['exceptionDetails']['text']}")
        return json.loads(answer["result"]["value"])

    async def becomes_true(self, expression: str) -> bool:
        """Wait for an expression; false when it never holds."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await self.ask(expression):  # noqa: ASYNC110 - the event is in another process
                    await asyncio.sleep(0.2)
        except TimeoutError:
            return False
        return True

    async def click(self, x: int, y: int) -> None:
        """Press the mouse as a person does."""
        steps = [{"type": "pointerMove", "x": x, "y": y}, {"type": "pointerDown", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "actions": [*steps, {"type": "pointerUp", "button": 0}]}
        await self._call("input.performActions", context=self._tab, actions=[mouse])

    async def picture(self) -> bytes:
        """Return what is seen, as PNG."""
        shot = await self._call("browsingContext.captureScreenshot", context=self._tab)
        return base64.b64decode(shot["data"])

    async def _call(self, method: str, **parameters: object) -> Any:  # noqa: ANN401 - any JSON value
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            told = await self._socket.receive_json(timeout=PATIENCE_S)
            if told.get("id") != number:
                self._note(told)
            elif told["type"] == "success":
                return told["result"]
            else:
                raise RuntimeError(f"Firefox refused {method}: {told['message']}")

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "log.entryAdded" and event["params"]["level"] == "error":
            self.complaints.append(event["params"]["text"])
        elif event.get("method") == "network.beforeRequestSent":
            self.hosts.add(urlsplit(event["params"]["request"]["url"]).netloc)


@contextmanager
def browser() -> Iterator[int]:
    """Run Firefox in a fresh profile; yields the port that it listens on."""
    port = free_port()
    with tempfile.TemporaryDirectory() as profile:
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items())
        (Path(profile) / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [str(FIREFOX), "--headless", "--no-remote", "--profile", profile, f"--remote-debugging-port={port}"]
        environment = {**os.environ, "HOME": profile}
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        ) as firefox:
            try:
                yield port
            finally:
                firefox.terminate()


async def _connected(client: aiohttp.ClientSession, address: str) -> aiohttp.ClientWebSocketResponse:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await client.ws_connect(address, max_msg_size=0)
            except aiohttp.ClientError:  # it is still starting
                await asyncio.sleep(0.2)


async def listen(address: str, page: Page) -> dict[str, bool]:
    """Open the page, press play and listen."""
    print(f"Firefox {await page.open(address)}")
    found = {"its scripts run": await page.becomes_true(READY)}
    await page.click(*await page.ask(f"{CENTRE}.getBoundingClientRect())"))
    found["it plays"] = await page.becomes_true(PLAYING)
    before_s = await page.ask(HEARD_S)
    await asyncio.sleep(PLAYED_S)
    heard_s = await page.ask(HEARD_S) - before_s
    print(f"{heard_s:.1f} s heard within {PLAYED_S:g} s, title: {await page.ask('document.title')}")
    found["it goes on"] = heard_s > PLAYED_S - 2
    return found


async def again(address: str, page: Page) -> dict[str, bool]:
    """Listen on once the station has been started again."""
    await on_air(address)
    found = {"it plays on after a restart": await page.becomes_true(PLAYING)}
    before_s = await page.ask(HEARD_S)
    return found | {"and its sound advances": await page.becomes_true(f"{HEARD_S} > {before_s} + 3")}


async def walk(url: str | None, browser_port: int) -> tuple[dict[str, bool], bytes]:
    """Do all of it; returns what was found, and a picture of the page while it played."""
    port = free_port()
    async with aiohttp.ClientSession() as client:
        page = Page(await _connected(client, f"ws://127.0.0.1:{browser_port}/session"))
        with nullcontext(url) if url else station(port) as address:
            await on_air(address)
            found = await listen(address, page)
            picture = await page.picture()
        if not url:
            with station(port) as address:
                found |= await again(address, page)
    print("\n".join(page.complaints))
    errors = [text for text in page.complaints if "NetworkError" not in text]  # a station that is down is one
    return found | {
        "no error on its console": not errors,
        "nobody else was asked": len(page.hosts - {""}) == 1,
    }, picture


def main() -> int:
    """Walk and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.firefox", description=__doc__)
    parser.add_argument("--url", help="of a station that runs; else one is started, and started again")
    parser.add_argument("--picture", type=Path, default=Path("build/screenshots/firefox.png"))
    options = parser.parse_args()
    with browser() as port:
        found, picture = asyncio.run(walk(options.url, port))
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    options.picture.write_bytes(picture)
    print("\n".join(f"| {name} | {'yes' if right else 'NO'} |" for name, right in found.items()))
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
