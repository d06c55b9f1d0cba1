"""A written score in the composer's place."""

import mido
import pytest
import soundfile

from engine.banks import find_bank
from engine.errors import ScoreError, SoundBankError
from engine.midi import write_midi
from engine.moods import MOODS, find_mood
from engine.play import main
from engine.score import ScoreComposer, read_score
from engine.types import NoteEvent, Part


def write(path, notes, bpm=90, ticks_per_beat=480):
    """Notes are (start beat, length, pitch, velocity, channel), in beats."""
    file = mido.MidiFile(ticks_per_beat=ticks_per_beat)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))])
    events = []
    for start, length, pitch, velocity, channel in notes:
        events += [(start, 1, pitch, velocity, channel), (start + length, 0, pitch, 0, channel)]
    now = 0
    for beat, _, pitch, velocity, channel in sorted(events):
        tick = round(beat * ticks_per_beat)
        track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=velocity, time=tick - now))
        now = tick
    file.tracks.append(track)
    file.save(path)
    return path


NOTES = [(0, 1, 36, 100, 9), (0, 2, 60, 70, 0), (1.5, 1, 64, 60, 4), (4, 6, 40, 80, 1), (5, 0.5, 72, 50, 2)]


def test_notes_keep_their_place_part_and_strength(tmp_path):
    bars = read_score(write(tmp_path / "a.mid", NOTES), find_mood("study"))
    assert [bar.index for bar in bars] == [0, 1]
    assert bars[0].bpm == pytest.approx(90, abs=0.01)
    assert bars[0].events == (
        NoteEvent(0, 96, 60, 70, Part.KEYS),
        NoteEvent(0, 48, 36, 100, Part.DRUMS),
        NoteEvent(72, 48, 64, 60, Part.KEYS),
    )
    assert bars[1].events == (NoteEvent(0, 288, 40, 80, Part.BASS), NoteEvent(48, 24, 72, 50, Part.SECOND))


def test_what_was_read_is_written_again_as_it_was(tmp_path):
    first = read_score(write(tmp_path / "a.mid", [*NOTES[:3], (4, 3, 40, 80, 1)]), find_mood("study"))
    write_midi(first, MOODS, tmp_path / "b.mid")
    again = read_score(tmp_path / "b.mid", find_mood("study"))
    assert [bar.events for bar in again] == [bar.events for bar in first]


def test_after_the_last_bar_come_empty_ones_and_a_place_is_found_again(tmp_path):
    bars = read_score(write(tmp_path / "a.mid", NOTES), find_mood("study"))
    composer = ScoreComposer(bars)
    played = [next(composer) for _ in range(3)]
    assert played[:2] == bars
    assert played[2].events == ()
    composer.restore(ScoreComposer(bars).snapshot())
    assert next(composer) == bars[0]


def test_what_is_no_score_is_refused_by_name(tmp_path):
    (tmp_path / "x.mid").write_bytes(b"MThd nonsense")
    with pytest.raises(ScoreError, match=r"x\.mid: not a readable MIDI file"):
        read_score(tmp_path / "x.mid", find_mood("study"))
    nine_sharps = b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\6\0\xff\x59\2\x09\0"
    (tmp_path / "x.mid").write_bytes(nine_sharps)
    with pytest.raises(ScoreError, match=r"x\.mid: not a readable MIDI file"):
        read_score(tmp_path / "x.mid", find_mood("study"))
    with pytest.raises(ScoreError, match="no notes in it"):
        read_score(write(tmp_path / "empty.mid", []), find_mood("study"))
    with pytest.raises(SystemExit, match=r"y\.mid: not a readable MIDI file"):
        main([str(tmp_path / "y.mid"), "--out", str(tmp_path)])


def test_a_file_becomes_sound_as_long_as_its_bars_and_one_more(monkeypatch, tmp_path, root):
    try:
        find_bank(None)
    except SoundBankError as error:
        pytest.skip(str(error))
    monkeypatch.chdir(root)
    main([str(write(tmp_path / "a.mid", NOTES)), "--out", str(tmp_path / "sound")])
    samples, rate = soundfile.read(tmp_path / "sound" / "a.flac")
    assert len(samples) / rate == pytest.approx(3 * 4 * 60 / 90, abs=0.01)
    assert abs(samples[: 2 * rate]).max() > 0.05
