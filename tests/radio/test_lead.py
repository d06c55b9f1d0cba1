"""The lead: any cut gives the same sound, and a bar line can be taken back."""

import numpy as np
import pytest
from fakes_station import BAR_FRAMES, RAINY, FakeSetup, FakeStation, expected

from engine import Turn
from radio.lead import Lead, LeadBar, Resume


def bars(count, station=None):
    station = station or FakeStation(FakeSetup())
    rendered = [station.render_bar() for _ in range(count)]
    return [LeadBar(one.block, one.snapshot) for one in rendered]


def filled(count):
    lead = Lead(wanted_frames=3 * BAR_FRAMES)
    for bar in bars(count):
        lead.add(bar)
    return lead


@pytest.mark.parametrize("frames", [1, 64, 2048, BAR_FRAMES, BAR_FRAMES + 1, 5 * BAR_FRAMES])
def test_pulling_in_any_size_gives_the_same_sound_and_bar_lines(frames):
    lead, pieces, lines, at = filled(3), [], [], 0
    if frames == 1:
        lead.pull(BAR_FRAMES - 50)  # a bar one frame at a time would take a while
        at = BAR_FRAMES - 50
    while lead.frames:
        pulled = lead.pull(frames)
        lines += [at + offset for offset, _ in pulled.bars]
        pieces.append(pulled.samples)
        at += len(pulled.samples)
    skipped = BAR_FRAMES - 50 if frames == 1 else 0
    np.testing.assert_array_equal(np.concatenate(pieces), expected(3)[skipped:])
    assert lines == [line for line in (0, BAR_FRAMES, 2 * BAR_FRAMES) if line >= skipped]


def test_an_empty_lead_gives_what_it_has():
    lead = filled(1)
    assert len(lead.pull(BAR_FRAMES + 100).samples) == BAR_FRAMES
    pulled = lead.pull(100)
    assert pulled.samples.shape == (0, 2)
    assert pulled.bars == ()


def test_it_is_full_when_it_holds_what_is_wanted():
    lead = filled(3)
    assert lead.full
    lead.pull(1)
    assert not lead.full


def test_only_waiting_bars_that_begin_late_enough_can_be_replaced():
    lead = filled(4)
    lead.pull(BAR_FRAMES - 1000)
    assert lead.bar_after(1000).block.start_frame == BAR_FRAMES
    assert lead.bar_after(1001).block.start_frame == 2 * BAR_FRAMES
    assert lead.bar_after(5 * BAR_FRAMES) is None


def test_replacing_a_bar_forgets_those_after_it():
    station = FakeStation(FakeSetup())
    lead = Lead(10**9)
    for bar in bars(4, station):
        lead.add(bar)
    lead.pull(100)
    old = lead.bar_after(0)
    station.restore(old.before)
    station.turn(Turn(RAINY))
    lead.replace_from(old, bars(1, station)[0])
    assert lead.frames == 2 * BAR_FRAMES - 100
    assert not lead.holds(old)
    heard = lead.pull(10**6).samples
    np.testing.assert_array_equal(heard, expected(2, lambda bar: "rainy" if bar else "study")[100:])


def test_the_next_bar_is_where_a_later_run_goes_on():
    lead = filled(2)
    assert lead.next_bar_resume == Resume(b'[0, 0, "study"]', 0)
    lead.pull(10)
    assert lead.next_bar_resume == Resume(b'[1, 9600, "study"]', 0)
    lead.pull(BAR_FRAMES)
    assert lead.next_bar_resume == Resume(b'[1, 9600, "study"]', 1), "nothing waits: play the sounding bar for nobody"
    assert Lead(1).next_bar_resume is None
