import mido
import pytest

from engine.types import TICKS_PER_BAR, Chord
from training.errors import CorpusError
from training.midi import read_midi
from training.music import PARTS, read_music
from training.programme import drums_of_programme, is_programme, piano_of_programme


def track(*messages):
    """A track of messages whose times are absolute ticks."""
    out, last = mido.MidiTrack(), 0
    for message in sorted(messages, key=lambda message: message.time):
        out.append(message.copy(time=message.time - last))
        last = message.time
    return out


def notes(channel, *struck):
    for tick, length, pitch, velocity in struck:
        yield mido.Message("note_on", channel=channel, note=pitch, velocity=velocity, time=tick)
        yield mido.Message("note_off", channel=channel, note=pitch, time=tick + length)


@pytest.fixture
def programme(tmp_path):
    """Two pieces of four bars: D minor seventh in C, then the same in F sharp; drums in the second alone."""
    half = 4 * TICKS_PER_BAR
    file = mido.MidiFile(type=1, ticks_per_beat=48)
    file.tracks.append(
        track(
            mido.MetaMessage("key_signature", key="C", time=0),
            mido.MetaMessage("text", text="Dmin7", time=0),
            mido.MetaMessage("text", text="G7", time=96),
            mido.MetaMessage("key_signature", key="Gb", time=half),
            mido.MetaMessage("text", text="Abmin7", time=half),
        )
    )
    file.tracks.append(track(*notes(0, (0, 48, 62, 60), (half, 48, 68, 60), (2 * half - 48, 40, 68, 60))))
    file.tracks.append(track(*notes(1, (0, 48, 38, 60))))
    file.tracks.append(track(*notes(9, (half - 1, 12, 36, 90), (half + 48, 12, 38, 90), (half + 400, 12, 42, 50))))
    file.save(tmp_path / "x.mid")
    return tmp_path / "x.mid"


def test_each_piece_is_a_song_in_c_with_the_chords_that_were_meant(programme):
    first, second = piano_of_programme(read_midi(programme), "x")
    assert [note.pitch for note in first.notes] == [62]
    assert first.chords[0] == (Chord(2, "min7"), Chord(7, "7"))
    assert len(first.chords) == 4
    assert {note.pitch for note in second.notes} == {62}
    assert second.chords == ((Chord(2, "min7"),) * 2,) * 4


def test_bars_without_drums_are_left_out_and_an_early_kick_belongs_to_its_down_beat(programme):
    (song,) = drums_of_programme(read_midi(programme), "x")
    assert song.bars == 2
    assert [(hit.tick, hit.pitch) for hit in song.hits] == [(5, 36), (54, 38), (TICKS_PER_BAR + 22, 42)]


def test_a_file_of_the_station_is_known_by_its_keys_and_chords(programme, tmp_path):
    assert is_programme(read_midi(programme))
    assert len(read_music(programme, PARTS["piano"])) == 2
    plain = mido.MidiFile(type=1, ticks_per_beat=48)
    plain.tracks.append(track(*notes(0, (0, 48, 62, 60))))
    plain.save(tmp_path / "plain.mid")
    assert not is_programme(read_midi(tmp_path / "plain.mid"))


def test_a_text_that_is_no_chord_is_named(programme):
    file = mido.MidiFile(programme)
    file.tracks[0].insert(0, mido.MetaMessage("text", text="made by hand", time=0))
    file.save(programme)
    with pytest.raises(CorpusError, match="names a chord that we do not know"):
        piano_of_programme(read_midi(programme), "x.mid")
