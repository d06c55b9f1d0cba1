import re
import tarfile
from pathlib import Path

import mido
import pytest

from engine.types import Chord
from training.errors import CorpusError
from training.pop909 import identify, pitch_class, read_pop909, read_song, tidy, transposition
from training.songs import decode_piano, encode_piano

SHARED = Path(__file__).parents[3] / "shared" / "data"
OFFSET = 40
TRIADS = {"G:maj": (67, 71, 74), "C:maj": (60, 64, 67), "D:maj": (62, 66, 69), "E:min": (64, 67, 71)}


def save(path, events, meta=()):
    track = mido.MidiTrack(meta)
    now = 0
    for tick, message in sorted(events, key=lambda event: (event[0], event[1].type == "note_on")):
        track.append(message.copy(time=tick - now))
        now = tick
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(track)
    file.save(path)


def struck(tick, length, key):
    return [(tick, mido.Message("note_on", note=key, velocity=80)), (tick + length, mido.Message("note_off", note=key))]


def write_song(folder, metre=(4, 4), label_shift=0, bars=16):
    """A song in G: one triad a bar in quavers, its reviewed grid 40 ticks away."""
    folder.mkdir(parents=True)
    names = [list(TRIADS)[bar % 4] for bar in range(bars)]
    chords, piano, labels = [], [], []
    for bar, name in enumerate(names):
        start = bar * 1920
        for key in TRIADS[name]:
            chords += struck(start, 1920, key)
        for eighth in range(8):
            piano += struck(start + OFFSET + 240 * eighth, 200, TRIADS[name][eighth % 3])
        seconds = (start + OFFSET) / 480 * 0.5
        labels.append(f"{seconds:.6f}\t{seconds + 2:.6f}\t{list(TRIADS)[(bar + label_shift) % 4]}")
    key = mido.MetaMessage("key_signature", key="G")
    save(folder / "chords_cl.mid", chords, (mido.MetaMessage("time_signature", numerator=metre[0], denominator=4), key))
    save(folder / "piano.mid", piano, (mido.MetaMessage("set_tempo", tempo=500_000),))
    (folder / "chord_midi.txt").write_text("\n".join(labels) + "\n")
    (folder.parent / "index.csv").touch()


def test_a_song_is_put_on_the_reviewed_grid_and_moved_to_c(tmp_path):
    write_song(tmp_path / "001")
    song = read_song(tmp_path / "001")
    assert (song.name, song.style, song.minor) == ("pop909/001", "pop", False)
    assert song.chords[:4] == tuple(
        (c, c) for c in (Chord(0, "maj"), Chord(5, "maj"), Chord(7, "maj"), Chord(9, "min"))
    )
    assert all(note.start % 24 == 0 for note in song.notes)
    assert song.notes[0].pitch % 12 == 0
    assert decode_piano(encode_piano(song), song.name) == song


@pytest.mark.parametrize(
    ("options", "reason"), [({"metre": (3, 4)}, "not in 4/4"), ({"bars": 4}, "hardly a note")], ids=["metre", "short"]
)
def test_songs_that_do_not_fit_are_left_out_by_name(tmp_path, options, reason):
    write_song(tmp_path / "001")
    write_song(tmp_path / "002", **options)
    songs, skipped = read_pop909(tmp_path)
    assert [song.name for song in songs] == ["pop909/001"]
    assert len(skipped) == 1
    assert skipped[0].startswith("002")
    assert reason in skipped[0]


def test_a_song_whose_two_sources_disagree_is_left_out(tmp_path):
    write_song(tmp_path / "001")
    labels = [f"{n}.0 {n + 1}.0 Bb:maj" for n in range(8)]
    (tmp_path / "001" / "chord_midi.txt").write_text("\n".join(labels))
    _, skipped = read_pop909(tmp_path)
    assert "the grid cannot be found" in skipped[0]
    assert skipped[0].startswith("001")


def test_a_broken_file_is_left_out_by_name(tmp_path):
    write_song(tmp_path / "001")
    (tmp_path / "001" / "piano.mid").write_bytes(b"MThd")
    songs, skipped = read_pop909(tmp_path)
    assert not songs
    assert "001/piano.mid" in skipped[0]


def test_a_missing_set_says_where_to_get_it_and_its_licence(tmp_path):
    with pytest.raises(CorpusError, match=r"index\.csv: not found.*POP909.*MIT"):
        read_pop909(tmp_path)


@pytest.mark.parametrize(
    ("pitches", "chord"),
    [
        ([60, 64, 67], Chord(0, "maj")), ([62, 65, 69, 72], Chord(2, "min7")), ([64, 67, 72], Chord(0, "maj")),
        ([59, 62, 65, 69], Chord(11, "hdim7")), ([55, 60, 62], Chord(7, "sus")),
        ([60, 63, 67, 69, 74], Chord(0, "min")),
    ],
)  # fmt: skip
def test_chords_are_named_from_their_pitches(pitches, chord):
    assert identify(pitches) == chord


@pytest.mark.parametrize(("name", "value"), [("C", 0), ("F#", 6), ("Bb", 10), ("B-", 10), ("Cb", 11), ("G#m", 8)])
def test_note_names(name, value):
    assert pitch_class(name) == value


def test_a_name_that_is_no_note_is_refused():
    with pytest.raises(CorpusError, match="not a note name"):
        pitch_class("H")


@pytest.mark.parametrize("minor", [False, True])
@pytest.mark.parametrize("tonic", range(12))
def test_every_key_moves_to_c_or_a_by_at_most_a_tritone(tonic, minor):
    shift = transposition(tonic, minor)
    assert -6 <= shift <= 5
    assert (tonic + shift) % 12 == (9 if minor else 0)


def test_notes_on_one_pitch_never_overlap_and_none_is_empty():
    tidied = tidy([(0, 500, 60, 80), (48, 49, 60, 80), (48, 90, 60, 20), (50.4, 60, 62, 0.5)])
    assert [(n.start, n.end, n.pitch) for n in tidied] == [(0, 48, 60), (48, 54, 60), (50, 60, 62)]
    assert all(note.velocity_bin >= 1 for note in tidied)


@pytest.fixture(scope="module")
def real_songs(tmp_path_factory):
    archive = SHARED / "pop909_piano.tar.xz"
    if not archive.is_file():
        pytest.skip(f"{archive} is not here: the data sets are not part of the repository")
    folder = tmp_path_factory.mktemp("pop909")
    wanted = re.compile(r"pop909_piano/(index\.csv|(001|003|251)/.*)")
    with tarfile.open(archive) as packed:
        for member in packed:
            if member.isfile() and wanted.fullmatch(member.name):
                (folder / member.name).parent.mkdir(parents=True, exist_ok=True)
                (folder / member.name).write_bytes(packed.extractfile(member).read())
    return read_pop909(folder / "pop909_piano")


def test_real_songs_land_on_the_grid_and_in_key(real_songs):
    songs, skipped = real_songs
    assert [song.name for song in songs] == ["pop909/001", "pop909/003", "pop909/251"], skipped
    notes = [note for song in songs for note in song.notes]
    assert sum(note.start % 12 == 0 for note in notes) > 0.85 * len(notes)
    assert sum(note.pitch % 12 in {0, 2, 4, 5, 7, 9, 11} for note in notes) > 0.93 * len(notes)
    assert all(decode_piano(encode_piano(song), song.name) == song for song in songs)
