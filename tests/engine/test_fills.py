"""Fills and the needle: they fall where the form wants them, at the piece's tempo."""

from dataclasses import replace

import numpy as np
import pytest

from engine.fills import Fills, fit_to_tempo
from engine.loops import LoopLibrary
from engine.mixer import MIX_LUFS
from engine.moods import find_mood
from engine.sequencer import LOOKAHEAD_FRAMES
from engine.snapshot import pack, unpack
from engine.types import SAMPLE_RATE_HZ, Bar, BarStart, NoteEvent, Part, Piece, Section

BAR_FRAMES = 3 * SAMPLE_RATE_HZ

ONE_FILL = replace(find_mood("study"), fills=("swell",), fills_db=-10.0)


def bar(section, next_section, number=0, drums=False):
    piece = Piece(number, "Test", 1, 80.0, 0, False, 32)
    hits = (NoteEvent(0, 12, 36, 90, Part.DRUMS),) if drums else ()
    about = Bar(0, piece, 0, section, (None, None), hits, "study", "rules", next_section)
    return BarStart(0, BAR_FRAMES, about)


def started(library, mood):
    """Fills whose first needle has sounded."""
    fills = Fills(mood, library, MIX_LUFS)
    fills.begin(bar(Section.A, Section.A))
    fills.process(3 * BAR_FRAMES)
    return fills


def test_the_needle_falls_on_the_down_beat_of_a_new_piece_only(library):
    fills = Fills(ONE_FILL, library, MIX_LUFS)
    heard = []
    for number in (0, 0, 1):
        fills.begin(bar(Section.A, Section.A, number))
        heard.append(np.flatnonzero(np.abs(fills.process(BAR_FRAMES)).max(axis=0) > 1e-4))
    assert [len(frames) > 0 for frames in heard] == [True, False, True]
    assert LOOKAHEAD_FRAMES <= heard[0][0] < LOOKAHEAD_FRAMES + 2000


def test_a_fill_ends_on_the_down_beat_of_the_next_section(library):
    fills = started(library, ONE_FILL)
    fills.begin(bar(Section.A, Section.B))
    sound = np.concatenate([fills.process(BAR_FRAMES), fills.process(BAR_FRAMES)], axis=1)
    heard = np.flatnonzero(np.abs(sound).max(axis=0) > 1e-3)
    assert BAR_FRAMES + LOOKAHEAD_FRAMES - 4800 < heard[-1] <= BAR_FRAMES + LOOKAHEAD_FRAMES
    assert np.abs(np.diff(sound, 2)[:, heard[-1] - 100 :]).max() < 0.01


def test_a_drum_fill_only_follows_drums_and_never_leads_into_a_breakdown(library):
    mood = replace(ONE_FILL, fills=("drums-toms",))
    for now, following, drums, expected in (
        (Section.A, Section.B, True, True),
        (Section.INTRO, Section.A, False, False),
        (Section.B, Section.BREAKDOWN, True, False),
    ):
        fills = started(library, mood)
        fills.begin(bar(now, following, drums=drums))
        assert bool(fills.process(BAR_FRAMES).any()) is expected


@pytest.mark.parametrize("bpm", [56.0, 74.0, 92.0])
def test_a_drum_fill_is_fitted_to_the_tempo_without_a_change_of_pitch(library, bpm):
    loop = library.get("fills", "drums-toms")
    fitted = fit_to_tempo(loop, bpm, 0.5)
    envelope = np.abs(fitted).max(axis=0)
    for beat in (0, 0.5, 1, 1.5):
        place = round(beat * 60 / bpm * SAMPLE_RATE_HZ)
        before = envelope[max(place - 900, 0) : place].max(initial=0.0)
        assert envelope[place : place + 900].max() > 1.5 * before
    low_tom = [round(s * SAMPLE_RATE_HZ) for s in (60 / bpm, 1.0)]
    spectra = [
        np.abs(np.fft.rfft(s[0, at + 800 : at + 8000])) for s, at in zip((fitted, loop.sound), low_tom, strict=True)
    ]
    assert abs(int(spectra[0].argmax()) - int(spectra[1].argmax())) <= 1


def test_fills_are_cut_and_saved_without_a_trace(library):
    mood = replace(ONE_FILL, fills=("drums-roll",))
    whole, cut = Fills(mood, library, MIX_LUFS), Fills(mood, library, MIX_LUFS)
    for fills in (whole, cut):
        fills.begin(bar(Section.A, Section.B, drums=True))
    expected = whole.process(200_000)
    pieces = []
    for at in range(0, 200_000, 7777):
        pieces.append(cut.process(min(7777, 200_000 - at)))
        saved = unpack(pack(cut.snapshot()))
        cut = Fills(mood, library, MIX_LUFS)
        cut.restore(saved)
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), expected)


def test_missing_fills_are_silent(tmp_path):
    fills = Fills(ONE_FILL, LoopLibrary(tmp_path), MIX_LUFS)
    fills.begin(bar(Section.A, Section.B))
    assert not fills.process(2 * BAR_FRAMES).any()
