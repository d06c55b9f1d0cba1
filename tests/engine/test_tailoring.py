from __future__ import annotations

import pytest

from engine.errors import OrderError
from engine.form import Form
from engine.moods import MOODS
from engine.tailoring import Key, parse_key, tailored


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("F# minor", Key(6, True)), ("f♯m", Key(6, True)), ("Gb", Key(6, False)), ("E♭ major", Key(3, False)),
        ("Am", Key(9, True)), ("AM", Key(9, False)), ("a minor", Key(9, True)), ("b", Key(11, False)),
        ("Bbm", Key(10, True)), ("B flat minor", Key(10, True)), ("C sharp", Key(1, False)), ("Cb", Key(11, False)),
    ],
)  # fmt: skip
def test_keys_are_read_as_people_write_them(text, key):
    assert parse_key(text) == key


@pytest.mark.parametrize("text", ["", "H", "F##", "minor", "F# mixolydian", "12"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(OrderError, match="not a key"):
        parse_key(text)


@pytest.mark.parametrize("name", sorted(MOODS))
@pytest.mark.parametrize("text", ["F# minor", "Eb major"])
def test_every_mood_can_be_played_in_any_key_and_tempo(name, text):
    key = parse_key(text)
    form = Form(3)
    mood = tailored(MOODS[name], 92.5, key)
    pieces = {plan.piece for plan in (form.next(mood) for _ in range(150))}
    assert {(piece.key, piece.minor, piece.bpm) for piece in pieces} == {(key.tonic, key.minor, 92.5)}


def test_a_tempo_that_cannot_be_played_is_refused():
    with pytest.raises(OrderError, match="tempo 30: must be 40 to 140"):
        tailored(MOODS["study"], 30)
