"""Which banks are opened and which of them plays an instrument."""

from pathlib import Path

import pytest

from engine import banks
from engine.banks import DRUM_BANK, GENERAL_ONLY, OWN_BANK, OWN_ONLY, choices, find_bank, find_banks
from engine.errors import SoundBankError

GENERAL = Path("general.sf3")
BOTH = (OWN_BANK, GENERAL)


def test_our_own_bank_comes_first_and_needs_no_package(monkeypatch, tmp_path):
    monkeypatch.setattr(banks, "GENERAL_FOLDERS", (tmp_path,))
    assert find_banks(None) == (OWN_BANK,)
    general = tmp_path / "MuseScore_General_Lite.sf3"
    general.write_bytes(b"")
    (tmp_path / "default-GM.sf3").write_bytes(b"")
    assert find_banks(None) == (OWN_BANK, general)


def test_a_named_bank_comes_before_ours(tmp_path):
    named = tmp_path / "mine.sf2"
    named.write_bytes(b"")
    assert find_banks(named) == (named, OWN_BANK)
    assert find_bank(named) == named
    assert find_banks(OWN_BANK) == (OWN_BANK,)


def test_without_any_bank_the_remedies_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(banks, "GENERAL_FOLDERS", (tmp_path,))
    monkeypatch.setattr(banks, "OWN_BANK", tmp_path / "lofi.sf2")
    with pytest.raises(SoundBankError, match=r"make soundfont.*musescore-general-soundfont-small"):
        find_banks(None)


def test_the_first_bank_that_has_an_instrument_is_asked_first():
    assert list(choices(BOTH, 0, 59))[:2] == [(0, 0, 59), (1, 0, 59)]


def test_a_mood_may_ask_for_one_bank_first():
    assert next(choices(BOTH, GENERAL_ONLY, 0)) == (1, 0, 0)
    assert next(choices(BOTH, OWN_ONLY, 0)) == (0, 0, 0)
    assert next(choices((GENERAL, OWN_BANK), OWN_ONLY, 4)) == (1, 0, 4)
    assert next(choices((OWN_BANK,), GENERAL_ONLY, 0)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("program", "stand_in"), [(1, 0), (7, 5), (9, 10), (19, 48), (27, 26), (33, 32), (59, 81), (95, 89), (127, 89)]
)
def test_what_no_bank_has_is_played_by_the_nearest_of_its_family(program, stand_in):
    asked = [choice for place, *choice in choices(BOTH, 0, program) if place == 0]
    assert asked[-2:] == [[0, stand_in], [0, 0]]


def test_an_unknown_kit_becomes_the_first():
    assert list(choices(BOTH, DRUM_BANK, 16))[-2:] == [(0, DRUM_BANK, 0), (1, DRUM_BANK, 0)]
