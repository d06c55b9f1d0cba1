"""What was on air at any moment: through restarts, gaps, repeats, noise and clocks that were set."""

import pytest
from fakes_journal import BAR_MS, BEGAN_MS, Evening

from radio.airtime import What, aired_at
from radio.journal_reader import JournalReader
from radio.replay_plan import Span, make_plan


@pytest.fixture
def evening(tmp_path):
    return Evening(tmp_path / "j.sqlite3")


def at(evening, seconds):
    with JournalReader(evening.write() if evening.rows else evening.path) as reader:
        evening.rows = []
        return aired_at(reader, "lofi", BEGAN_MS + round(seconds * 1000))


def test_each_moment_of_a_bar_belongs_to_it(evening):
    evening.happens("on air").bars(5)
    for seconds, bar in ((0, 0), (2.999, 0), (3.0, 1), (7.5, 2), (14.999, 4)):
        (found,) = at(evening, seconds)
        assert (found.what, found.bar.bar, found.into_ms) == (What.MUSIC, bar, round(seconds * 1000) - bar * BAR_MS)


def test_a_bar_line_is_one_moment_though_the_clock_trembles(evening):
    evening.happens("on air").bars(2)
    evening.wall_ms -= 40  # the next block went out 40 ms early by the clock
    evening.bars(1)
    evening.wall_ms += 700  # and the one after it late
    evening.bars(1)
    assert [found.bar.bar for found in at(evening, 5.97)] == [2]
    assert [found.bar.bar for found in at(evening, 9.5)] == [2]


def test_repeats_and_noise_are_told_as_what_they_are(evening):
    evening.happens("on air").bars(2).bars(1, repeated=True).happens("bed").passes(10, sound=True).bars(1)
    assert [at(evening, s)[0].what for s in (1, 7, 9.5, 18.9, 19.1)] == [
        What.MUSIC, What.REPEAT, What.BED, What.BED, What.MUSIC,
    ]  # fmt: skip
    (noise,) = at(evening, 12)
    assert (noise.into_ms, noise.before.bar, noise.after.bar) == (3_000, 2, 3)


def test_between_two_runs_the_station_was_off_the_air(evening):
    evening.happens("on air").bars(2).happens("fade", "1 s").passes(1).happens("off air").passes(20)
    evening.happens("on air").bars(1)
    assert at(evening, 15)[0].what is What.OFF
    assert at(evening, 27.5)[0].what is What.MUSIC


def test_a_bar_that_a_crash_cut_short_ends_where_the_next_run_begins(evening):
    evening.happens("on air").bars(2).passes(-2)
    evening.frame = 0  # the run goes on from a state 10 s old
    evening.happens("on air").bars(2)
    (found,) = at(evening, 4.5)
    assert (found.bar.bar, found.into_ms) == (2, 500)
    assert [one.bar.bar for one in at(evening, 3.5)] == [1]


def test_a_crash_without_a_word_leaves_a_gap_that_was_off_the_air(evening):
    evening.happens("on air").bars(2).passes(60)
    evening.happens("on air").bars(1)
    assert at(evening, 30)[0].what is What.OFF


def test_a_clock_set_back_shows_a_moment_twice_and_both_are_told(evening):
    evening.happens("on air").bars(4).passes(-9).bars(4)
    latest, first = at(evening, 7)
    assert (latest.bar.bar, first.bar.bar) == (5, 2)


def test_a_clock_set_forward_leaves_no_sound_out(evening):
    evening.happens("on air").bars(2).passes(3_600).bars(2)
    assert at(evening, 1_000)[0].what is What.CLOCK_SET


def test_a_broadcast_that_was_held_up_is_told_from_a_clock_that_was_set(evening):
    evening.happens("on air").bars(2).passes(40).happens("skip", "40.0 s").bars(2)
    assert at(evening, 20)[0].what is What.HELD_UP


def test_rows_that_the_disk_refused_are_no_silence(evening):
    evening.happens("on air").bars(2).passes(60, sound=True).bars(2)
    assert at(evening, 30)[0].what is What.UNKNOWN


def test_before_the_first_and_after_the_last_bar_nothing_is_claimed(evening):
    evening.happens("on air").bars(2)
    assert at(evening, -5)[0].what is What.UNKNOWN
    assert at(evening, 7)[0].what is What.UNKNOWN
    assert at(evening, 3_600)[0].what is What.OFF


def gaps(evening, seconds, length_s):
    evening.write()
    with JournalReader(evening.path) as reader:
        plan = make_plan(reader, Span("lofi", BEGAN_MS + round(seconds * 1000), round(length_s * 48_000)))
    covered = sorted([(slot.at, slot.frames) for slot in plan.slots] + [(gap.at, gap.frames) for gap in plan.gaps])
    ends = [at + frames for at, frames in covered]
    assert covered[0][0] <= 0
    assert [at for at, _ in covered[1:]] == ends[:-1], "there are no holes, and nothing sounds twice"
    assert ends[-1] >= length_s * 48_000
    return [gap.what for gap in plan.gaps]


def test_a_span_knows_what_lies_between_its_bars(evening):
    evening.happens("on air").bars(2).happens("bed").passes(10, sound=True).bars(2).passes(9, sound=True).bars(1)
    evening.passes(-1.5, sound=True).happens("fade", "1 s").passes(1, sound=True).happens("off air").passes(20).happens(
        "on air"
    ).bars(2)
    assert gaps(evening, 0.5, 12) == [What.BED]
    evening.rows = []
    assert gaps(evening, 9, 12) == [What.BED]
    assert gaps(evening, 20, 14) == [What.UNKNOWN]
    assert gaps(evening, 31.5, 10) == [What.OFF]
    assert gaps(evening, 31.5, 25) == [What.OFF]
    assert gaps(evening, 40, 15) == [What.OFF]
