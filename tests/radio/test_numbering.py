"""Numbering: a station's numbers go on whatever engine plays."""

from fakes_station import FakeSetup, FakeStation

from radio.numbering import Numbering, renumbered


def blocks(count):
    station = FakeStation(FakeSetup())
    return [station.render_bar().block for _ in range(count)]


def test_an_engine_that_begins_anew_goes_on_with_the_numbers_of_the_last_one():
    numbering = Numbering()
    for block in blocks(3):
        last = numbering.counted(block, block.start_frame).bars[0].bar
    numbering.fresh = True
    again, more = blocks(2)
    first = numbering.counted(again, 1_000_000)
    assert first.start_frame == 1_000_000
    assert first.bars[0].bar.index == last.index + 1 == 3
    assert first.bars[0].bar.piece.number == last.piece.number + 1
    assert numbering.counted(more, 0).bars[0].bar.index == 4, "only the first bar tells how far the engine is behind"


def test_an_engine_that_was_brought_to_its_place_keeps_its_numbers():
    numbering = Numbering(fresh=False, add_bars=7, add_pieces=2)
    block = blocks(1)[0]
    counted = numbering.counted(block, 0)
    assert counted.bars[0].bar.index == block.bars[0].bar.index + 7
    assert (numbering.next_bar, numbering.next_piece) == (8, 3)


def test_renumbering_moves_frames_bars_and_pieces_and_nothing_else():
    block = blocks(1)[0]
    moved = renumbered(block, 777, 5, 2)
    assert (moved.start_frame, moved.bars[0].frame) == (777, 777)
    assert (moved.bars[0].bar.index, moved.bars[0].bar.piece.number) == (5, 2)
    assert moved.samples is block.samples
    assert renumbered(block, 0, 0, 0) is block
