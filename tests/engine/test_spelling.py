"""Keys and chords are named as they are printed."""

import pytest

from engine.spelling import chord_name, key_name, tonic_name
from engine.tokens import QUALITIES
from engine.types import Chord

PITCHES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SCALES = {  # as a book of scales has them
    (0, False): "C D E F G A B", (1, False): "Db Eb F Gb Ab Bb C", (2, False): "D E F# G A B C#",
    (3, False): "Eb F G Ab Bb C D", (4, False): "E F# G# A B C# D#", (5, False): "F G A Bb C D E",
    (6, False): "F# G# A# B C# D# E#", (7, False): "G A B C D E F#", (8, False): "Ab Bb C Db Eb F G",
    (9, False): "A B C# D E F# G#", (10, False): "Bb C D Eb F G A", (11, False): "B C# D# E F# G# A#",
    (0, True): "C D Eb F G Ab Bb", (1, True): "C# D# E F# G# A B", (2, True): "D E F G A Bb C",
    (3, True): "Eb F Gb Ab Bb Cb Db", (4, True): "E F# G A B C D", (5, True): "F G Ab Bb C Db Eb",
    (6, True): "F# G# A B C# D E", (7, True): "G A Bb C D Eb F", (8, True): "G# A# B C# D# E F#",
    (9, True): "A B C D E F G", (10, True): "Bb C Db Eb F Gb Ab", (11, True): "B C# D E F# G A",
}  # fmt: skip
KEYS = pytest.mark.parametrize(("key", "minor"), SCALES, ids=lambda part: str(part))


def pitch(name):
    return (PITCHES[name[0]] + name.count("#") - name[1:].count("b")) % 12


@KEYS
def test_chords_of_the_scale_have_the_letters_of_the_key(key, minor):
    names = SCALES[key, minor].split()
    assert tonic_name(key, minor) == names[0]
    assert key_name(key, minor) == f"{names[0]} {'minor' if minor else 'major'}"
    for quality in ("maj7", "min7", "7", "hdim7"):
        assert [chord_name(Chord(pitch(name), quality), key, minor) for name in names] == [
            name + {"min7": "m7", "hdim7": "m7b5"}.get(quality, quality) for name in names
        ]


@KEYS
def test_every_name_means_its_chord_with_at_most_one_sign_before_the_quality(key, minor):
    for root in range(12):
        for quality in QUALITIES:
            name = chord_name(Chord(root, quality), key, minor)
            sign = name[1:2] if name[1:2] in ("#", "b") else ""
            assert pitch(name[0] + sign) == root
            assert name[1 + len(sign) :][:1] not in ("#", "b")


@pytest.mark.parametrize(
    ("key", "chord", "name"),
    [
        ("E major", Chord(10, "hdim7"), "A#m7b5"),  # #IV leads to V
        ("E major", Chord(10, "7"), "Bb7"),  # the tritone's stand-in for the dominant of A
        ("E major", Chord(5, "maj7"), "Fmaj7"),
        ("D major", Chord(3, "dim"), "D#dim"),  # vii of E minor
        ("D major", Chord(10, "maj7"), "Bbmaj7"),  # from D minor
        ("C major", Chord(8, "maj7"), "Abmaj7"),
        ("C major", Chord(3, "min7"), "Ebm7"),  # between iii and ii
        ("C major", Chord(6, "min7"), "F#m7"),
        ("A major", Chord(5, "maj7"), "Fmaj7"),
        ("Ab major", Chord(4, "maj7"), "Emaj7"),  # Fb
        ("Db major", Chord(9, "maj7"), "Amaj7"),  # Bbb
        ("A minor", Chord(8, "dim"), "G#dim"),  # the leading tone
        ("A minor", Chord(6, "hdim7"), "F#m7b5"),
        ("A minor", Chord(10, "maj7"), "Bbmaj7"),
        ("G# minor", Chord(7, "dim"), "Gdim"),  # F##
        ("Eb minor", Chord(11, "maj7"), "Cbmaj7"),  # in the scale it stays
    ],
)  # fmt: skip
def test_a_chord_outside_the_scale_is_named_by_what_it_does(key, chord, name):
    tonic, mode = key.split()
    assert chord_name(chord, pitch(tonic), mode == "minor") == name


def test_no_chord_is_written_as_players_do():
    assert chord_name(None) == "N.C."
    assert chord_name(Chord(10, "maj7")) == "Bbmaj7"
