"""Take the pictures for the docs from a real station: `python -m bench.screenshots` (or `--url` of one that runs).

Page by day and by night, on a phone and a tablet, and the overlay over a colour. The fonts are those of the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from bench.ports import free_port

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("tests/radio", "tests")]

from fakes_browser import chromium, opened, play  # noqa: E402

HEARD_S = 12.0
"""Until the roll is full of what was heard and what comes."""
START_S = 120


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture."""

    name: str
    width: int
    height: int
    scheme: str
    path: str = ""
    sharp: float = 1.0


SHOTS = (
    Shot("page-night", 1440, 1000, "dark"),
    Shot("page-day", 1440, 1000, "light"),
    Shot("tablet", 834, 1112, "light"),
    Shot("phone", 390, 844, "dark", sharp=2.0),
    Shot("overlay", 1280, 720, "dark", "overlay?hold=0&delay=0"),
    Shot("overlay-tape", 1280, 720, "dark", "overlay?hold=0&delay=0&theme=tape&corner=top-right"),
)


@contextmanager
def station(port: int | None = None) -> Iterator[str]:
    """Run a radio of its own for as long as it is needed; yields its address."""
    port = port or free_port()
    with tempfile.TemporaryDirectory() as folder:
        engine = {
            name: str(ROOT / "models" / part) for name, part in (("piano_model", "piano"), ("drums_model", "drums"))
        }
        config = {"server": {"port": port}, "engine": {**engine, "loops": str(ROOT / "loops"), "spare": False}}
        path = Path(folder) / "config.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        command = [str(Path(sys.executable).parent / "lofi-radio"), "run", "--config", str(path)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as radio:
            try:
                yield f"http://127.0.0.1:{port}/"
            finally:
                radio.terminate()


async def on_air(address: str) -> None:
    """Wait until the station plays."""
    import aiohttp

    async with asyncio.timeout(START_S), aiohttp.ClientSession() as client:
        while True:
            try:
                async with client.get(f"{address}readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass  # it is still starting
            await asyncio.sleep(0.5)


async def take(address: str, folder: Path) -> None:
    """Take every picture."""
    await on_air(address)
    async with chromium() as browser:
        for shot in SHOTS:
            wishes = {
                "viewport": {"width": shot.width, "height": shot.height}, "color_scheme": shot.scheme,
                "device_scale_factor": shot.sharp, "reduced_motion": "no-preference",
            }  # fmt: skip
            async with opened(browser, address + shot.path.partition("?")[0], **wishes) as page:
                if shot.path:
                    await page.goto(address + shot.path)
                    await page.evaluate("document.documentElement.style.background = '#2f6f5e'")
                else:
                    await play(page)
                await asyncio.sleep(HEARD_S)
                path = folder / f"{shot.name}.jpg"
                await page.screenshot(path=path, type="jpeg", quality=82)
                print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Take the options and the pictures."""
    parser = argparse.ArgumentParser(prog="python -m bench.screenshots", description=__doc__)
    parser.add_argument("--url", help="a station that runs; without it one is started")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/pictures")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.url:
        asyncio.run(take(options.url.rstrip("/") + "/", options.out))
        return
    with station() as address:
        asyncio.run(take(address, options.out))


if __name__ == "__main__":
    main()
