"""Soak the radio: `python -m tests.soak fast`, `real`, `kills` or `reloads`; each writes a report and prints it."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from tests.soak import fast, kills, real, reloads


def main() -> int:
    """Run one soak and print what it found."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("kind", choices=["fast", "real", "kills", "reloads"])
    parser.add_argument("--out", type=Path, default=Path("build/soak"), help="folder; what is in it is deleted")
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    parser.add_argument("--minutes", type=float, help="60 for `real`, 10 for `reloads`; `fast` ends after so many")
    parser.add_argument("--every-s", type=float, default=120.0, help="time from one fault to the next")
    parser.add_argument("--hours", type=float, default=48.0, help="of audio, for `fast`")
    parser.add_argument("--only", default="", help="only faults whose name holds this")
    parser.add_argument("--count", type=int, help="20 kills, 200 reloads")
    parser.add_argument("--priority", type=int, default=0, help="0-19: of the radio against other sessions")
    options = parser.parse_args()
    folder = options.out.absolute()
    if options.kind == "real":
        plan = real.Plan(options.minutes or 60.0, options.seed, options.every_s, options.only, options.priority)
        found = asyncio.run(real.soak(folder, plan))
        print("\n".join(real.table(found)))
        return 0
    if options.kind == "fast":
        longest_s = 60 * options.minutes if options.minutes else 1e9
        print(json.dumps(asyncio.run(fast.fast(folder, options.hours, options.seed, longest_s)).result, indent=1))
        return 0
    if options.kind == "kills":
        report = asyncio.run(kills.kills(folder, options.count or 20, options.seed, options.priority))
    else:
        report = asyncio.run(reloads.reloads(folder, options.count or 200, options.minutes or 10.0, options.priority))
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
