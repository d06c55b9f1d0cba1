"""Synthesise the station's own sound bank, lofi.sf2. Everything from arithmetic and seeds: ours to give away (CC0).

    python -m soundfonts.make [FILE]

The same numpy and scipy give the same bytes; other versions may differ in a sample's last bit.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from soundfonts.maker import air, keys, kits, strings
from soundfonts.maker.sf2 import Labels, bank_bytes

LABELS = Labels(
    name="lofi-radio",
    copyright="CC0-1.0, the lofi-radio project",
    date="2026",
    comment="Synthesised by soundfonts/make.py. No recordings.",
)


def main(path: Path) -> None:
    """Write the bank and print its facts."""
    presets = [*keys.presets(), *strings.presets(), *air.presets(), *kits.presets()]
    data = bank_bytes(LABELS, presets)
    path.write_bytes(data)
    samples = {id(zone.sample): zone.sample for preset in presets for zone in preset.zones}.values()
    seconds = sum(len(sample.sound) / sample.rate_hz for sample in samples)
    digest = hashlib.sha256(data).hexdigest()
    print(f"{path.name}: {len(presets)} presets, {len(samples)} samples, {seconds:.0f} s, {len(data)} bytes, {digest}")  # noqa: T201


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m soundfonts.make", description="Synthesise the bank, print its facts."
    )
    parser.add_argument("path", type=Path, nargs="?", default=Path(__file__).parent / "lofi.sf2")
    main(parser.parse_args().path)
