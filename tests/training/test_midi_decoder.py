"""The examples are those of the format's description, made by running the public decoder."""

from dataclasses import replace

import pytest
from test_midi_encoder import absolute

from training.errors import TokenTextError
from training.midi_decoder import Decoder, decode
from training.midicompact import MAIN, PIANO, THESIS


def test_example_10_a_note_held_too_long_is_released_and_the_last_ones_ring_for_three_seconds():
    out = absolute(decode("p:3c:c t125 t125 t125 t125 t125 t125 p:40:a t62 <end>", PIANO, strict=True))
    assert out == [
        (0, "note_on", 60, 88), (5760, "note_off", 60, 64), (5760, "note_on", 64, 68), (5760 + 3356, "note_off", 64, 64)
    ]  # fmt: skip


def test_example_11_a_repeated_note_is_ended_first():
    out = absolute(decode("p:3c:c t10 p:3c:c t10 p:3c:0", PIANO, strict=True))
    assert [(tick, kind) for tick, kind, *_ in out] == [
        (0, "note_on"), (76, "note_off"), (76, "note_on"), (152, "note_off")
    ]  # fmt: skip


def test_ticks_are_cut_off_at_each_event_in_strict_mode_and_kept_in_ours():
    text = "3c:d t1 3c:0 t62 3e:d t62 3e:0"
    assert [tick for tick, *_ in absolute(decode(text, THESIS, strict=True))] == [0, 7, 483, 959]
    assert [tick for tick, *_ in absolute(decode(text, THESIS))] == [0, 8, 484, 960]


def test_one_wait_releases_one_note_that_was_held_too_long_in_strict_mode_and_all_in_ours():
    text = "3c:d 40:d t125 t125 t125 t125 t125 t1 t1"
    assert [(tick, note) for tick, kind, note, _ in absolute(decode(text, THESIS, strict=True)) if "off" in kind] == [
        (4807, 60), (4814, 64)
    ]  # fmt: skip
    assert [(tick, note) for tick, kind, note, _ in absolute(decode(text, THESIS)) if "off" in kind] == [
        (4808, 60), (4808, 64)
    ]  # fmt: skip


def test_notes_may_be_held_for_ever_and_struck_twice_where_the_dialect_says_so():
    patient = replace(THESIS, held_note_limit_s=0, ends_repeated_notes=False)
    out = absolute(decode(f"3c:d 3c:5 {'t125 ' * 9}3e:0 <end>", patient, strict=True))
    assert [(kind, note) for _, kind, note, _ in out] == [("note_on", 60), ("note_on", 60), ("note_off", 62)]


def test_a_file_names_its_tempo_and_the_programs_of_its_channels():
    file = decode("<start> b:28:9 t1 p:24:a <extra0> <pad>", MAIN, strict=True)
    assert (file.type, file.ticks_per_beat, len(file.tracks)) == (1, 480, 1)
    assert [m.tempo for m in file.tracks[0] if m.type == "set_tempo"] == [500_000]
    programs = {m.channel: m.program for m in file.tracks[0] if m.type == "program_change"}
    assert programs == {
        0: 118, 1: 58, 2: 12, 3: 32, 4: 25, 5: 40, 6: 56, 7: 0, 8: 66, 9: 0, 10: 73, 11: 80, 12: 88,
    }  # fmt: skip
    assert [(m.channel, m.note) for m in file.tracks[0] if m.type == "note_on"] == [(3, 40), (9, 36)]


def test_a_word_that_is_no_token_is_named_or_skipped_when_lenient():
    with pytest.raises(TokenTextError, match="'3c:1g'"):
        decode("3c:d t62 3c:1g", THESIS)
    reader = Decoder(THESIS, lenient=True)
    assert [len(reader.read(word)) for word in ("3c:d", "nonsense", "<bar>", "t62", "3C:0", "p:3c:d")] == [
        1, 0, 0, 0, 1, 0,
    ]  # fmt: skip
    assert reader.skipped_words == 2
