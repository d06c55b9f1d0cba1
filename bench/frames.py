"""How much the page's main thread works while it plays: `python -m bench.frames --url http://127.0.0.1:8000/`.

Counts the pictures that the page draws, and the time its main thread spends on each, against the 16.7 ms that 60
pictures a second leave. With reduced motion it must do far less. Rasterising is the browser's, and here without a GPU.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("tests/radio", "tests")]

from fakes_browser import chromium, opened, play  # noqa: E402

_COUNT = """
() => {
const pen = CanvasRenderingContext2D.prototype, clear = pen.clearRect;
window.drawn = 0;
pen.clearRect = function (...box) { window.drawn += 1; return clear.apply(this, box); };
}
"""


async def measure(url: str, seconds: float) -> None:
    """Print a line for each way of looking at the page."""
    async with chromium() as browser:
        for motion in ("no-preference", "reduce"):
            async with opened(browser, url, reduced_motion=motion, viewport={"width": 1440, "height": 900}) as page:
                await play(page)
                await page.evaluate(_COUNT)
                talk = await page.context.new_cdp_session(page)
                await talk.send("Performance.enable")
                before = await _times(talk), await page.evaluate("drawn")
                await asyncio.sleep(seconds)
                after = await _times(talk), await page.evaluate("drawn")
                drawn = max(1, after[1] - before[1])
                script_s, task_s = (after[0][name] - before[0][name] for name in ("ScriptDuration", "TaskDuration"))
                print(
                    f"motion {motion}: {drawn / seconds:.1f} pictures a second, {script_s / drawn * 1000:.2f} ms "
                    f"of script and {task_s / drawn * 1000:.2f} ms of the main thread each, "
                    f"{task_s / seconds:.1%} of a core (load {os.getloadavg()[0]:.1f})"
                )


async def _times(talk: object) -> dict[str, float]:
    told = await talk.send("Performance.getMetrics")  # type: ignore[attr-defined]
    return {one["name"]: one["value"] for one in told["metrics"]}


def main() -> None:
    """Take the options and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.frames", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000/")
    parser.add_argument("--seconds", type=float, default=15.0)
    options = parser.parse_args()
    asyncio.run(measure(options.url, options.seconds))


if __name__ == "__main__":
    main()
