import sys

import mido
import pytest

from training.errors import CorpusError
from training.mutopia import read_mutopia
from training.tunes import encode_abc, open_repeats, read_abc_tunes, read_midi_tunes, split_abc, title_key

ABC = """% a collection

X:1
T:The Lads, a reel
M:4/4
L:1/4
K:G
G A B c|d2 d2|

X:2
K:D
d|
"""


def write_piece(path, bars=4, metre=(4, 4), key="G", pitches=(67, 71, 74, 79)):
    meta = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=metre[0], denominator=metre[1])])
    if key:
        meta.append(mido.MetaMessage("key_signature", key=key))
    track = mido.MidiTrack()
    for step in range(bars * 16):
        track.append(mido.Message("note_on", note=pitches[step % 4], velocity=70))
        track.append(mido.Message("note_off", note=pitches[step % 4], time=120))
    path.parent.mkdir(parents=True, exist_ok=True)
    mido.MidiFile(ticks_per_beat=480, tracks=[meta, track]).save(path)


def test_tunes_of_one_title_share_a_name_whatever_the_collection():
    assert title_key("The Achonry Lasses (reel)") == title_key("AchonryLassesreelThe") == "achonrylasses"
    assert title_key("Jig, The") == "jig"


def test_a_folder_of_midi_becomes_text_and_a_broken_file_is_named(tmp_path):
    write_piece(tmp_path / "deep" / "MyTunereel.mid", bars=1)
    (tmp_path / "bad.mid").write_bytes(b"MThd")
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(tmp_path / "empty.mid")
    tunes, skipped = read_midi_tunes(tmp_path, workers=1)
    assert [tune.name for tune in tunes] == ["mytune"]
    assert tunes[0].text.startswith("<start> 43:b t16 43:0 47:b t16")
    assert sorted(reason.rpartition("/")[2].split(":")[0] for reason in skipped) == ["bad.mid", "empty.mid"]
    with pytest.raises(CorpusError, match=r"no \.mid file"):
        read_midi_tunes(tmp_path / "nowhere")


def test_a_collection_is_split_into_its_tunes():
    assert [(place, title) for place, title, _ in split_abc(ABC, "x.abc")] == [
        ("x.abc X:1", "The Lads, a reel"), ("x.abc X:2", "2"),
    ]  # fmt: skip


def test_abc_without_music21_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    (tmp_path / "x.abc").write_text(ABC)
    with pytest.raises(CorpusError, match=r"pip install music21.*--sets irish_cre"):
        read_abc_tunes(tmp_path, workers=1)


def test_abc_becomes_text_through_music21(tmp_path):
    pytest.importorskip("music21", reason="optional: only ABC files need it")
    (tmp_path / "x.abc").write_text(ABC)
    [tune], [reason] = read_abc_tunes(tmp_path, workers=1)
    assert tune.name == title_key("The Lads, a reel")
    assert (
        tune.text
        == "<start> 43:d t62 43:0 45:d t62 45:0 47:d t62 47:0 48:d t62 48:0 4a:d t125 4a:0 4a:d t125 4a:0 <end>"
    )
    assert reason.startswith("x.abc X:2 (2): music21 cannot read it (ABCHandlerException")  # it has neither M: nor L:
    [three_parts] = encode_abc(("x", "x", "X:1\nM:2/4\nL:1/8\nK:D\ndefg|abag:|\nd|dcd2|d4:|\ngggg|ffd2:|\n"))
    assert sum(word.endswith(":d") for word in three_parts.split()) == 2 * (8 + 5 + 7)  # 98 with music21 alone
    with pytest.raises(CorpusError, match=r"x X:3 \(odd\): holds no music"):
        encode_abc(("x X:3", "odd", "X:3\nT:odd\nM:4/4\nK:C\n"))


@pytest.mark.parametrize(
    ("music", "opened"),
    [
        ("de|fg:|\nab|ag:|", " |: de|fg:| |: \nab|ag:|"), ("|:de|fg:||:ab:|", "|:de|fg:||:ab:|"),
        ("de||fg:|ab|]", "de|| |: fg:|ab|]"), ("|:de||fg:|", "|:de||fg:|"), ("de::fg:|", " |: de::fg:|"),
        ("de|1fg:|2ga|ab|ag:|", " |: de|1fg:|2ga| |: ab|ag:|"), ("|:de|1fg:|2ga||ab:|", "|:de|1fg:|2ga|| |: ab:|"),
    ],
)  # fmt: skip
def test_each_part_that_ends_in_a_repeat_begins_with_one(music, opened):
    head = "X:1\nT:a|b:|\n% c:|\nK:G\n"
    assert open_repeats(head + music) == head + opened


def test_mutopia_s_pieces_come_in_c_with_chords_and_the_others_with_reasons(tmp_path):
    rows = ["file,composer,title,licence,style,source"]
    for name, licence in (
        ("good", "Public Domain"), ("waltz", "Public Domain"), ("keyless", "Public Domain"),
        ("shared", "Creative Commons Attribution-ShareAlike 3.0"),
    ):  # fmt: skip
        rows.append(f"midi/{name}.mid,X,Y,{licence},Romantic,z")
    (tmp_path / "index.csv").write_text("\n".join(rows))
    write_piece(tmp_path / "midi" / "good.mid", pitches=(67, 71, 74, 79))
    write_piece(tmp_path / "midi" / "waltz.mid", metre=(3, 4))
    write_piece(tmp_path / "midi" / "keyless.mid", key=None)
    songs, skipped = read_mutopia(tmp_path, workers=1)
    [song] = songs
    assert (song.name, song.minor, len(song.chords)) == ("mutopia/good", False, 4)
    assert {(chord.root, chord.quality) for pair in song.chords for chord in pair} == {(0, "maj")}
    assert [reason.split(": ")[1].split(" ")[0] for reason in skipped] == ["licence", "not", "0"]
