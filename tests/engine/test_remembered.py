from __future__ import annotations

from dataclasses import replace

from engine.form import Form
from engine.moods import MOODS
from engine.remembered import BARS, BarMemory, PieceMark, PieceMemory
from engine.snapshot import pack, unpack

MARK = PieceMark("amber tea", 3, True, 72.0, "dusk")


def test_a_title_is_known_and_another_is_not():
    memory = PieceMemory([MARK])
    assert memory.knows_title("amber tea")
    assert not memory.knows_title("amber tides")
    assert not memory.knows_title("no such words")


def test_the_age_of_a_kind_counts_pieces_and_forgets_the_title():
    memory = PieceMemory([MARK, replace(MARK, key=5)])
    assert memory.age_of(replace(MARK, title="plum tram")) == 2
    assert memory.age_of(replace(MARK, minor=False)) > 1000


def test_bars_are_known_once_their_piece_is_over():
    memory = BarMemory()
    bar = [(0, 60), (48, 64)]
    memory.add(bar)
    assert not memory.knows(bar)
    memory.end_piece()
    assert memory.knows(reversed(bar))
    assert not memory.knows([(0, 60), (48, 65)])


def test_the_oldest_bars_are_forgotten():
    memory = BarMemory()
    for number in range(BARS + 10):
        memory.add([(number % 192, number // 192)])
        memory.end_piece()
    assert not memory.knows([(0, 0)])
    assert memory.knows([((BARS + 9) % 192, (BARS + 9) // 192)])


def test_memories_survive_a_snapshot():
    pieces, bars = PieceMemory([MARK]), BarMemory()
    bars.add([(0, 60)])
    bars.end_piece()
    bars.add([(0, 61)])
    other_pieces, other_bars = PieceMemory(), BarMemory()
    other_pieces.restore(unpack(pack(pieces.snapshot())))
    other_bars.restore(unpack(pack(bars.snapshot())))
    other_bars.end_piece()
    assert other_pieces.age_of(MARK) == 1
    assert other_bars.knows([(0, 60)])
    assert other_bars.knows([(0, 61)])


def marks(form, count):
    found = {}
    while len(found) < count:
        plan = form.next(MOODS["sleep"])
        found[plan.piece.number] = (plan.piece.title, plan.piece.key, plan.piece.minor, plan.piece.bpm)
        form.cut()
    return list(found.values())


def test_no_title_comes_twice_in_a_day_and_no_kind_soon():
    day = marks(Form(1), 450)
    assert len({title for title, *_ in day}) == 450
    assert len({tuple(kind) for _, *kind in day[:40]}) >= 25  # keys, modes and tempos; loops differ, too


def test_what_was_heard_before_the_start_is_not_played_again():
    before = marks(Form(2), 30)
    heard = [PieceMark(*mark) for mark in before]
    assert not {title for title, *_ in marks(Form(2, heard), 30)} & {title for title, *_ in before}
