import mido
import pytest

from training.errors import CorpusError
from training.midi import MidiNote, read_midi


def write(path, *messages, meta=()):
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks += [mido.MidiTrack(meta), mido.MidiTrack(messages)]
    file.save(path)
    return path


def note(kind, key, time, velocity=80):
    return mido.Message(kind, note=key, velocity=velocity, time=time)


def test_notes_end_at_note_offs_and_at_note_ons_without_velocity(tmp_path):
    path = write(
        tmp_path / "a.mid",
        note("note_on", 60, 0), note("note_on", 64, 0), note("note_on", 60, 480, velocity=0), note("note_off", 64, 480),
    )  # fmt: skip
    assert read_midi(path).notes == (MidiNote(0, 480, 60, 80), MidiNote(0, 960, 64, 80))


def test_what_is_held_at_the_end_is_closed(tmp_path):
    path = write(tmp_path / "a.mid", note("note_on", 60, 0), note("note_on", 62, 240))
    assert {n.end for n in read_midi(path).notes} == {240}


def test_pedal_stretches_are_read(tmp_path):
    pedal = [mido.Message("control_change", control=64, value=v, time=t) for v, t in ((127, 100), (90, 50), (0, 200))]
    assert read_midi(write(tmp_path / "a.mid", *pedal)).pedals == ((100, 350),)


def test_seconds_become_ticks_through_the_tempo_map(tmp_path):
    meta = (mido.MetaMessage("set_tempo", tempo=500_000), mido.MetaMessage("set_tempo", tempo=1_000_000, time=960))
    score = read_midi(write(tmp_path / "a.mid", note("note_on", 60, 0), meta=meta))
    assert [score.tick_at(second) for second in (0, 0.5, 1.0, 2.0)] == [0, 480, 960, 1440]


@pytest.mark.parametrize(
    "content", [b"", b"MThd", b"RIFF....", b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk\x00\x00"]
)
def test_a_broken_file_is_named_in_the_error(tmp_path, content):
    path = tmp_path / "broken.mid"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=r"broken\.mid: not a readable MIDI file \(.+\)"):
        read_midi(path)


def test_a_missing_file_is_named_in_the_error(tmp_path):
    with pytest.raises(CorpusError, match=r"missing\.mid"):
        read_midi(tmp_path / "missing.mid")
