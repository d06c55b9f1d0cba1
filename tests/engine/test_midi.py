"""The score of what was played."""

from dataclasses import replace

import mido
import pytest

from engine.fallback import compose_rules
from engine.midi import CHANNELS, write_midi
from engine.moods import MOODS, find_mood
from engine.types import TICKS_PER_BAR, Bar, Chord, NoteEvent, Part, Piece, Section


def played(path):
    """Notes as (channel, tick, key, velocity, length), lengths of the tracks, and all messages."""
    file = mido.MidiFile(path)
    notes, ends, messages = [], [], []
    for track in file.tracks:
        tick, sounding = 0, {}
        for message in track:
            tick += message.time
            messages.append((tick, message))
            if message.type == "note_on":
                assert (message.channel, message.note) not in sounding
                sounding[message.channel, message.note] = (tick, message.velocity)
            elif message.type == "note_off":
                start, velocity = sounding.pop((message.channel, message.note))
                notes.append((message.channel, start, message.note, velocity, tick - start))
        assert not sounding
        ends.append(tick)
    return sorted(notes), ends, messages


def bar(events, index=0, bpm=80.0, title="Test", number=0):
    piece = Piece(number, title, 1, bpm, 0, False, 8)
    return Bar(index, piece, index, Section.A, (None, None), tuple(events), "study", "rules")


def test_the_score_is_as_long_as_the_bars_exactly_and_holds_every_note(tmp_path):
    composer = compose_rules(find_mood("study"), 3)
    bars = [next(composer) for _ in range(48)]
    write_midi(bars, MOODS, tmp_path / "x.mid")
    notes, ends, _ = played(tmp_path / "x.mid")
    assert set(ends) == {48 * TICKS_PER_BAR}
    expected = sorted(
        {
            (CHANNELS[note.part], max(place * TICKS_PER_BAR + note.tick, 0), note.pitch)
            for place, bar in enumerate(bars)
            for note in bar.events
        }
    )
    assert sorted({note[:3] for note in notes}) == expected


def test_a_key_struck_again_is_released_first_and_a_note_ends_with_the_score(tmp_path):
    events = [NoteEvent(0, 100, 60, 80, Part.KEYS), NoteEvent(48, 500, 60, 70, Part.KEYS)]
    write_midi([bar(events)], MOODS, tmp_path / "x.mid")
    notes, _, _ = played(tmp_path / "x.mid")
    assert notes == [(0, 0, 60, 80, 48), (0, 48, 60, 70, TICKS_PER_BAR - 48)]


def test_tempo_and_title_stand_where_a_piece_begins(tmp_path):
    bars = [bar([]), bar([], 1), bar([], 2, 66.0, "Später Schnee · 雪", 1)]
    write_midi(bars, MOODS, tmp_path / "x.mid")
    _, _, messages = played(tmp_path / "x.mid")
    tempos = [(tick, round(mido.tempo2bpm(m.tempo), 2)) for tick, m in messages if m.type == "set_tempo"]
    titles = [(tick, m.text) for tick, m in messages if m.type == "marker"]
    assert tempos == [(0, 80.0), (2 * TICKS_PER_BAR, 66.0)]
    assert [tick for tick, _ in titles] == [0, 2 * TICKS_PER_BAR]
    assert titles[1][1].startswith("Später Schnee")


def test_instruments_follow_the_mood_of_each_bar(tmp_path):
    bars = [bar([NoteEvent(0, 24, 60, 80, Part.KEYS)]), replace(bar([], 1), mood="cafe")]
    write_midi(bars, MOODS, tmp_path / "x.mid")
    _, _, messages = played(tmp_path / "x.mid")
    keys = [(tick, m.program) for tick, m in messages if m.type == "program_change" and m.channel == 0]
    assert keys == [(0, MOODS["study"].keys_program[1]), (TICKS_PER_BAR, MOODS["cafe"].keys_program[1])]


def test_a_drum_before_the_first_bar_line_is_moved_onto_it(tmp_path):
    write_midi([bar([NoteEvent(-5, 10, 36, 90, Part.DRUMS)])], MOODS, tmp_path / "x.mid")
    notes, _, _ = played(tmp_path / "x.mid")
    assert notes[0][:3] == (9, 0, 36)


@pytest.mark.parametrize("count", [0, 1])
def test_few_bars_make_a_valid_file(tmp_path, count):
    write_midi([bar([])] * count, MOODS, tmp_path / "x.mid")
    assert mido.MidiFile(tmp_path / "x.mid").length == pytest.approx(count * 3.0)


def test_keys_and_chords_stand_where_they_begin(tmp_path):
    first = replace(bar([]), chords=(Chord(9, "min7"), Chord(2, "7")))
    same = replace(bar([], index=1), chords=(Chord(2, "7"), Chord(2, "7")))
    other = replace(bar([], index=2, number=1), chords=(None, Chord(0, "maj7")))
    other = replace(other, piece=replace(other.piece, key=6, minor=True))
    write_midi([first, same, other], MOODS, tmp_path / "x.mid")
    _, _, messages = played(tmp_path / "x.mid")
    assert [(t, m.key) for t, m in messages if m.type == "key_signature"] == [(0, "C"), (2 * TICKS_PER_BAR, "F#m")]
    chords = [(tick, message.text) for tick, message in messages if message.type == "text"]
    assert chords == [(0, "Amin7"), (96, "D7"), (2 * TICKS_PER_BAR + 96, "Cmaj7")]
