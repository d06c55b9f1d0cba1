"""Measure in a real Chromium how far what the page shows is from what is heard: `python -m bench.timing --seconds 40`.

A station whose every bar is one tone is on air with the real clock, encoders, hubs and HLS. What sounds is told by the
pitch of what the browser plays, what is shown by the page's text. The sound is taken before the sound card: a card or a
Bluetooth link that does not tell its delay comes on top.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("tests/radio", "tests")]

from fakes_browser import chromium, opened, play  # noqa: E402
from fakes_tones import ToneStation, served  # noqa: E402
from real_ear import listen  # noqa: E402

SETTLED_S = 6.0
"""HLS is lined up with the first segment that is wholly in the player's buffer."""


async def measure(seconds: float, joins: int) -> None:
    """Print the offsets of both transports, each joined several times."""
    with tempfile.TemporaryDirectory() as folder:
        station = ToneStation(Path(folder))
        async with station.on_air(), served(station) as address, chromium() as browser:
            await asyncio.sleep(26)  # six segments: as any station that is on air for longer
            for via in ("mp3", "hls"):
                for join in range(joins):
                    async with opened(browser, f"{address}?via={via}") as page:
                        await play(page)
                        await asyncio.sleep(SETTLED_S)
                        offsets = await listen(page, seconds)
                        load = os.getloadavg()[0]
                        print(f"{via}, join {join + 1}: {offsets} (load {load:.1f})", flush=True)


def main() -> None:
    """Take the options and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.timing", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--joins", type=int, default=3)
    options = parser.parse_args()
    asyncio.run(measure(options.seconds, options.joins))


if __name__ == "__main__":
    main()
