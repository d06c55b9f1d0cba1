"""The examples and tables are those of the format's description, made by running the public tokenizer."""

from dataclasses import replace
from itertools import pairwise

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import tokens
from training.errors import CorpusError
from training.midi import open_midi
from training.midi_decoder import decode
from training.midi_encoder import encode
from training.midicompact import COMPACT, DIALECTS, MAIN, PIANO, THESIS, Dialect

PIANO_ALL = replace(PIANO, shortest_piece_s=0)
MAIN_ALL = replace(MAIN, shortest_piece_s=0)


def midi(*events):
    """A file at 120 bpm and 480 ticks a beat from (tick, kind, ...) in any order."""
    track, now = mido.MidiTrack(), 0
    for tick, *event in sorted(events, key=lambda e: e[0]):
        track.append(message(*event, time=tick - now))
        now = tick
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(track)
    return file


def message(kind, *values, time, channel=0):
    if kind == "on":
        return mido.Message("note_on", note=values[0], velocity=values[1], channel=(*values, channel)[2], time=time)
    if kind == "off":
        return mido.Message("note_off", note=values[0], channel=(*values, channel)[1], time=time)
    if kind == "cc":
        return mido.Message("control_change", control=values[0], value=values[1], channel=channel, time=time)
    if kind == "program":
        return mido.Message("program_change", program=values[0], channel=values[1], time=time)
    return mido.MetaMessage("set_tempo", tempo=values[0], time=time)


def strict(file, dialect=PIANO_ALL):
    return encode(file, dialect, strict=True)


def absolute(file):
    now, out = 0, []
    for item in file.tracks[0]:
        now += item.time
        if item.type in ("note_on", "note_off"):
            out.append((now, item.type, item.note, item.velocity))
    return out


TWO_NOTES = midi((0, "on", 60, 100), (480, "off", 60), (480, "on", 64, 64), (960, "off", 64))
TOGETHER_STARTS = ((0, "on", 67, 80), (0, "on", 60, 80), (3, "on", 64, 80))
TOGETHER = midi(*TOGETHER_STARTS, *((480, "off", pitch) for pitch in (67, 60, 64)))


def test_example_1_in_both_forms_with_its_ids():
    assert strict(TWO_NOTES) == ["<start> p:3c:d t62 p:3c:0 p:40:a t62 p:40:0 <end>"]
    assert strict(TWO_NOTES, THESIS) == ["<start> 3c:d t62 3c:0 40:a t62 40:0 <end>"]
    assert tokens.parse(strict(TWO_NOTES, THESIS)[0]) == [1, 1101, 64, 1088, 1162, 64, 1152, 2]
    assert strict(TWO_NOTES, PIANO) == []  # upstream wants 30 s


def test_example_2_events_within_four_milliseconds_are_one_sorted_group_and_unsorted_in_the_thesis():
    assert strict(TOGETHER) == ["<start> p:3c:c p:40:c p:43:c t62 p:3c:0 p:40:0 p:43:0 <end>"]
    assert strict(TOGETHER, THESIS)[0].startswith("<start> 43:c 3c:c 40:c t62")


def test_example_3_a_pedal_holds_notes_until_it_is_lifted():
    file = midi(
        (0, "cc", 64, 127), (0, "on", 60, 80), (240, "off", 60), (240, "on", 62, 80), (480, "off", 62),
        (960, "cc", 64, 0),
    )  # fmt: skip
    assert strict(file) == ["<start> p:3c:c t31 p:3e:c t94 p:3c:0 p:3e:0 <end>"]
    assert strict(file, THESIS) == ["<start> 3c:c t31 3c:0 3e:c t31 3e:0 <end>"]


def test_example_4_a_note_struck_again_under_the_pedal_is_released_once():
    file = midi(
        (0, "cc", 64, 127), (0, "on", 60, 80), (240, "off", 60), (480, "on", 60, 80), (720, "off", 60),
        (960, "cc", 64, 0),
    )  # fmt: skip
    assert strict(file) == ["<start> p:3c:c t62 p:3c:c t62 p:3c:0 <end>"]


def test_example_5_a_single_note_under_a_pedal_that_is_never_lifted_is_lost_in_strict_mode_only():
    file = midi((0, "cc", 64, 127), (0, "on", 60, 80), (240, "off", 60), (480, "cc", 1, 0))
    assert strict(file) == []
    assert encode(file, COMPACT) == ["<start> 3c:c t63 3c:0 <end>"]


def test_example_6_volume_and_expression_scale_the_velocity():
    file = midi((0, "cc", 7, 64), (0, "cc", 11, 64), (0, "on", 60, 100), (480, "off", 60))
    assert strict(file) == ["<start> p:3c:5 t62 p:3c:0 <end>"]
    assert strict(file, THESIS) == ["<start> 3c:d t62 3c:0 <end>"]


def test_example_7_long_silence_parts_pieces_unless_a_note_is_held():
    gap = 480 * 2 * 12
    parted = midi(
        (0, "on", 60, 80), (480, "off", 60), (480 + gap, "on", 62, 80), (960 + gap, "off", 62)
    )  # fmt: skip
    assert strict(parted) == ["<start> p:3c:c t62 p:3c:0 <end>", "<start> p:3e:c t62 p:3e:0 <end>"]
    held = midi((0, "on", 60, 80), (gap, "on", 62, 80), (gap + 480, "off", 62), (gap + 480, "off", 60))
    assert strict(held) == [f"<start> p:3c:c {'t125 ' * 10}p:3e:c t62 p:3c:0 p:3e:0 <end>"]


def eight_notes():
    events = [(n * 120, "on", 60 + n, 80) for n in range(8)] + [((n + 1) * 120, "off", 60 + n) for n in range(8)]
    return midi(*events)


def waited(text):
    return sum(int(word[1:]) for word in text.split() if word[0] == "t") * 8


def test_example_8_rhythm_drifts_in_strict_mode_and_does_not_in_ours():
    assert waited(strict(eight_notes())[0]) == 1024
    assert waited(encode(eight_notes(), COMPACT)[0]) == 1000


def test_example_9_thirteen_instruments():
    file = midi(
        (0, "program", 33, 1), (0, "on", 36, 110, 9), (0, "on", 40, 90, 1), (0, "on", 60, 70, 0), (60, "off", 36, 9),
        (480, "off", 40, 1), (480, "off", 60, 0),
    )  # fmt: skip
    assert strict(file, MAIN_ALL) == ["<start> p:24:a b:28:9 pi:3c:7 t8 p:24:0 t55 b:28:0 pi:3c:0 <end>"]
    assert strict(file) == ["<start> p:3c:b t62 p:3c:0 <end>"]


@pytest.mark.parametrize(
    ("delta_ms", "expected"),
    [
        (0, ""), (4, ""), (4.01, "t1"), (12, "t1"), (12.01, "t2"), (100, "t12"), (125, "t16"), (250, "t31"),
        (500, "t62"), (996, "t124"), (996.01, "t125"), (1004, "t125"), (1004.01, "t125 t1"), (1250, "t125 t31"),
        (2500, "t125 t125 t62"), (9999, " ".join(["t125"] * 10)), (60_000, " ".join(["t125"] * 10)),
    ],
)  # fmt: skip
def test_strict_waits_are_those_of_the_table(delta_ms, expected):
    assert " ".join(THESIS.strict_waits(delta_ms)) == expected


BINS = [(0, 0), (1, 5), (6, 10), (11, 16), (17, 22), (23, 29), (30, 36), (37, 43), (44, 51), (52, 59), (60, 68),
        (69, 78), (79, 88), (89, 100), (101, 113), (114, 127)]  # fmt: skip


def test_velocity_bins_are_those_of_the_table_and_the_engine_s():
    for number, (low, top) in enumerate(BINS):
        assert {THESIS.velocity_bin(v, strict=True) for v in range(low, top + 1)} == {number}
        assert THESIS.velocity(number) == top
    assert [MAIN.velocity(b) for b in range(12)] == [0, 8, 17, 27, 37, 47, 58, 70, 83, 97, 111, 127]
    assert all(tokens.velocity_to_bin(v) == THESIS.velocity_bin(v, strict=True) for v in range(128))


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_a_bin_plays_back_as_itself_and_never_softer_than_it_was(dialect):
    assert all(dialect.velocity_bin(dialect.velocity(b), strict=True) == b for b in range(dialect.velocity_bins))
    tops = [dialect.velocity(b) for b in range(dialect.velocity_bins)]
    for low, top in pairwise(tops):
        louder = [dialect.velocity(dialect.velocity_bin(v, strict=True)) - v for v in range(low + 1, top + 1)]
        assert louder == [top - v for v in range(low + 1, top + 1)]
    # The description says "up to +12"; by its own tables the loudest bin makes 13 (114 to 127), in 12 bins 15 (112).
    assert max(top - low - 1 for low, top in pairwise(tops)) == {16: 13, 12: 15}[len(tops)]


def test_linear_and_listed_velocities_follow_their_formulas():
    linear = Dialect("x", velocity_bins=5, velocity_exponent=1)
    assert [linear.velocity_bin(v) for v in (0, 1, 32, 33, 127)] == [0, 1, 1, 2, 4]
    assert [linear.velocity(b) for b in range(5)] == [0, 31, 63, 95, 127]
    listed = Dialect("y", velocity_bins=3, velocity_tops=(0, 60, 100))
    assert [listed.velocity_bin(v) for v in (0, 1, 60, 61, 127)] == [0, 1, 1, 2, 2]
    assert listed.velocity_bin(127, strict=True) == 0  # upstream's bug: a loud note becomes a note-off


def test_vocabularies_have_the_public_sizes_and_ids():
    words = {name: list(dialect.words()) for name, dialect in DIALECTS.items()}
    assert {name: len(found) for name, found in words.items()} == {
        "thesis": 2176, "midicompact": 2176, "piano": 2176, "main": 20096,
    }  # fmt: skip
    assert words["thesis"] == [tokens.text(token) for token in range(tokens.MIDICOMPACT_SIZE)]
    assert [word.removeprefix("p:") for word in words["piano"]] == words["thesis"]
    assert words["main"].index("p:24:a") == 128 + (0 * 128 + 36) * 12 + 10
    assert MAIN.prefixes == ("p", "d", "t", "m", "b", "g", "v", "tr", "pi", "s", "f", "l", "pa")
    assert MAIN.channels == (9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12)


def test_the_default_mode_keeps_a_very_quiet_note_and_closes_what_is_held():
    file = midi((0, "cc", 7, 0), (0, "on", 60, 100), (480, "on", 62, 100), (960, "cc", 1, 0))
    assert strict(file) == ["<start> p:3c:0 t62 p:3e:0 <end>"]
    assert encode(file, COMPACT) == ["<start> 3c:1 t63 3e:1 t62 3c:0 3e:0 <end>"]


def test_the_fine_volume_controller_is_a_volume_in_strict_mode_only():
    file = midi((0, "cc", 39, 0), (0, "on", 60, 100), (480, "off", 60))
    assert strict(file) == ["<start> p:3c:0 t62 p:3c:0 <end>"]
    assert encode(file, COMPACT) == ["<start> 3c:d t63 3c:0 <end>"]


def test_all_notes_off_means_every_channel_in_strict_mode_and_its_own_in_ours():
    file = midi((0, "on", 60, 80, 0), (0, "on", 64, 80, 1), (480, "cc", 123, 0), (960, "off", 64, 1))
    assert strict(file) == ["<start> p:3c:c p:40:c t62 p:3c:0 p:40:0 t62 p:40:0 <end>"]
    assert encode(file, COMPACT) == ["<start> 3c:c 40:c t63 3c:0 t62 40:0 <end>"]


def test_a_tempo_change_counts_from_where_it_stands():
    file = midi((0, "on", 60, 80), (480, "tempo", 1_000_000), (960, "off", 60))
    assert waited(encode(file, COMPACT)[0]) == 1504  # 0.5 s, then 1 s; units of 8 ms


def test_tracks_are_merged_and_the_thesis_merges_channels_programs_and_drums_too():
    drums = midi((0, "on", 36, 80, 9), (240, "off", 36, 9))
    bass = midi((0, "program", 33, 1), (240, "on", 40, 80, 1), (480, "off", 40, 1))
    drums.tracks += bass.tracks
    assert strict(drums, THESIS) == ["<start> 24:c t31 24:0 28:c t31 28:0 <end>"]
    assert strict(drums, MAIN_ALL) == ["<start> p:24:8 t31 p:24:0 b:28:8 t31 b:28:0 <end>"]


def test_notes_that_a_dialect_drops_take_no_time_away():
    taps = [(58, "on", 36, 80, 9), (115, "off", 36, 9)]
    file = midi((0, "on", 60, 80), *taps, (173, "off", 60))  # 180.2 ms
    assert strict(file) == ["<start> p:3c:c t23 p:3c:0 <end>"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CorpusError, match=r"gone\.mid"):
        open_midi(tmp_path / "gone.mid")


@st.composite
def texts(draw):
    """Canonical text: groups of releases and strikes, every note released within the held-note limit."""
    held, words, first = set(), [], True
    for _ in range(draw(st.integers(1, 12))):
        released = draw(st.sets(st.sampled_from(sorted(held)))) if held else set()
        free = st.sampled_from(sorted(set(range(128)) - held))
        struck = draw(st.sets(free, min_size=not released, max_size=3))
        if not first:
            words.append(f"t{draw(st.integers(1, 50))}")
        first = False
        group = [(p, 0) for p in released] + [(p, draw(st.integers(1, 15))) for p in struck]
        words += [f"{pitch:x}:{velocity:x}" for pitch, velocity in sorted(group)]
        held = (held - released) | struck
    if held:
        words += ["t7", *(f"{pitch:x}:0" for pitch in sorted(held))]
    return " ".join(["<start>", *words, "<end>"])


@given(texts())
@settings(max_examples=50, deadline=None)
def test_text_comes_back_from_the_midi_it_tells(text):
    assert encode(decode(text, COMPACT), COMPACT) == [text]


@st.composite
def files(draw):
    events = []
    for pitch in draw(st.sets(st.integers(20, 100), min_size=1, max_size=5)):
        cuts = sorted(draw(st.sets(st.integers(0, 3000), min_size=2, max_size=8)))
        for start, end in zip(cuts[::2], cuts[1::2], strict=False):
            events += [(start, "on", pitch, draw(st.integers(1, 127))), (end, "off", pitch)]
    return midi(*events, (3100, "on", 60, 80), (3200, "off", 60))


@given(files())
@settings(max_examples=60, deadline=None)
def test_any_file_keeps_its_notes_within_one_wait_unit_in_the_default_mode(file):
    before = absolute(file)
    texts_ = encode(file, replace(COMPACT, held_note_limit_s=0, sorted_groups=False))
    after = [event for text in texts_ for event in absolute(decode(text, replace(COMPACT, held_note_limit_s=0)))]
    assert sorted((kind, pitch) for _, kind, pitch, _ in after) == sorted((kind, pitch) for _, kind, pitch, _ in before)
    first = before[0][0]
    for was, now in zip(before, after, strict=True):
        assert abs((was[0] - first) - now[0]) <= 8 * 0.96 / 2 + 1


@given(files())
@settings(max_examples=40, deadline=None)
def test_strict_text_has_only_words_of_the_vocabulary(file):
    words = set(THESIS.words())
    for text in encode(file, THESIS, strict=True):
        assert words.issuperset(text.split())
        assert text.startswith("<start> ")
        assert text.endswith(" <end>")
