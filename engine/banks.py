"""Sound banks: where they are, and which of them plays an instrument. Knows nothing about FluidSynth or moods.

The first bank of the row that has an instrument plays it: our own, made for the station, then the distribution's
General MIDI bank. An instrument that none has is played by the nearest of its General MIDI family.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from engine.errors import SoundBankError

OWN_BANK = Path(__file__).parent.parent / "soundfonts" / "lofi.sf2"
"""Made by soundfonts/make.py; needs no package."""
GENERAL_FOLDERS = (Path("soundfonts"), Path("/usr/share/sounds/sf3"), Path("/usr/share/sounds/sf2"))
GENERAL_NAMES = (
    "MuseScore_General_Lite.sf3",
    "MuseScore_General.sf3",
    "FluidR3_GM.sf2",
    "default-GM.sf3",
    "default-GM.sf2",
)
REMEDY = (
    "Restore soundfonts/lofi.sf2 (git checkout soundfonts, or make soundfont), install the Debian package "
    "musescore-general-soundfont-small, or name an .sf2/.sf3 file as the sound bank."
)

OWN_ONLY, GENERAL_ONLY = 1000, 2000
"""Added to a bank number: take the instrument from our own bank, or from the General MIDI bank, where it has it."""
DRUM_BANK = 128

_FAMILIES = (
    (0, 0), (4, 4), (6, 5), (8, 10), (11, 11), (16, 48), (24, 24), (26, 26), (32, 32), (36, 38), (40, 48), (56, 81),
    (88, 89), (104, 24), (108, 11), (112, 10), (119, 89),
)  # fmt: skip
"""First General MIDI program of a family, and who stands in for it."""

Choice = tuple[int, int, int]
"""Place of a bank in the row, bank number, program."""


def find_banks(named: Path | None) -> tuple[Path, ...]:
    """Return the banks in the order they are asked: the named one or our own, then whatever fills its gaps.

    Raises:
        SoundBankError: the named one is missing, or there is none at all.
    """
    if named is not None and not named.is_file():
        raise SoundBankError(f"{named}: no such sound bank. {REMEDY}")
    general = [folder / name for folder, name in product(GENERAL_FOLDERS, GENERAL_NAMES)]
    wanted = [named, OWN_BANK] if named else [OWN_BANK, *general]
    found: list[Path] = []
    for path in wanted:
        if path is not None and path.is_file() and path not in found:
            found.append(path)
            if path in general:
                break
    if not found:
        raise SoundBankError(f"No sound bank: {OWN_BANK.name} is gone and the system has none. {REMEDY}")
    return tuple(found)


def find_bank(named: Path | None) -> Path:
    """Return the bank that is asked first."""
    return find_banks(named)[0]


def choices(banks: tuple[Path, ...], bank: int, program: int) -> Iterator[Choice]:
    """Yield where to look for an instrument, best first."""
    own = [place for place, path in enumerate(banks) if path == OWN_BANK]
    row = list(range(len(banks)))
    only, number = bank // OWN_ONLY * OWN_ONLY, bank % OWN_ONLY
    if only:
        row.sort(key=lambda place: (place in own) != (only == OWN_ONLY))
    stand_ins = [(DRUM_BANK, 0)] if number == DRUM_BANK else [(0, program), (0, _nearest(program)), (0, 0)]
    for wanted in [(number, program), *stand_ins]:
        for place in row:
            yield (place, *wanted)


def _nearest(program: int) -> int:
    """Return the program that stands in for a family."""
    return _FAMILIES[bisect_right(_FAMILIES, (program, 127)) - 1][1]
