"""The schedule: what a clock on the wall asks for, in any zone, through the hours that do not exist or come twice."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radio.config import Config
from radio.config_file import parse_config
from radio.config_schedule import moment, weekdays
from radio.errors import ConfigError
from radio.schedule import Entry, Schedule, instant

BERLIN, NEW_YORK, LORD_HOWE, APIA = (
    ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")
)
MINUTE = timedelta(minutes=1)


def wall(*parts, zone=None):
    """What a clock on the wall shows."""
    return datetime(*parts, tzinfo=zone)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def mood(schedule, now):
    slot = schedule.at(now)
    return None if slot is None else slot.entry.choice


EVENINGS = Schedule([Entry("study", time(8)), Entry("sleep", time(22, 30), weekdays("mon-fri"))], BERLIN)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (utc(2026, 11, 23, 21, 29, 59), "study"),  # Monday, an hour behind Berlin
        (utc(2026, 11, 23, 21, 30), "sleep"),
        (utc(2026, 11, 24, 6, 59), "sleep"),
        (utc(2026, 11, 24, 7, 0), "study"),
        (utc(2026, 11, 28, 23, 0), "study"),  # Saturday
        (utc(2026, 7, 1, 20, 30), "sleep"),  # in summer two hours behind
    ],
)
def test_moods_come_by_time_of_day_and_weekday_in_their_zone(now, expected):
    assert mood(EVENINGS, now) == expected


def test_a_slot_says_since_when_and_until_when_it_is_in_force():
    slot = EVENINGS.at(utc(2026, 11, 28, 12, 0))
    assert (slot.since, slot.until) == (utc(2026, 11, 28, 7, 0), utc(2026, 11, 29, 7, 0))
    assert [(s.entry.choice, s.since) for s in EVENINGS.slots(utc(2026, 11, 23, 20), utc(2026, 11, 24, 8))] == [
        ("study", utc(2026, 11, 23, 7)), ("sleep", utc(2026, 11, 23, 21, 30)), ("study", utc(2026, 11, 24, 7)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("local", "zone", "expected"),
    [
        (wall(2027, 3, 28, 2, 30), BERLIN, utc(2027, 3, 28, 1, 0)),  # does not exist: at the jump
        (wall(2027, 3, 28, 3, 0), BERLIN, utc(2027, 3, 28, 1, 0)),
        (wall(2026, 10, 25, 2, 30), BERLIN, utc(2026, 10, 25, 0, 30)),  # comes twice: the first time
        (wall(2027, 3, 14, 2, 15), NEW_YORK, utc(2027, 3, 14, 7, 0)),
        (wall(2026, 10, 4, 2, 10), LORD_HOWE, utc(2026, 10, 3, 15, 30)),  # half an hour of daylight saving
        (wall(2011, 12, 30, 12, 0), APIA, utc(2011, 12, 30, 10, 0)),  # a day that never was
        (wall(2026, 12, 24, 18, 0, zone=NEW_YORK), BERLIN, utc(2026, 12, 24, 23, 0)),
    ],
)
def test_local_times_that_do_not_exist_or_come_twice_are_settled(local, zone, expected):
    assert instant(local, zone) == expected


@given(
    st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE]),
    st.datetimes(wall(2026, 1, 1), wall(2028, 1, 1)),
)
def test_a_local_time_counts_at_the_first_moment_at_which_the_wall_shows_it_or_later(zone, local):
    local = local.replace(second=0, microsecond=0)
    found = instant(local, zone)
    shown, before = ((found - back).astimezone(zone).replace(tzinfo=None) for back in (timedelta(0), MINUTE))
    assert before < local <= shown
    assert shown == local or (found - MINUTE).astimezone(zone).utcoffset() < found.astimezone(zone).utcoffset()


DAYS = st.frozensets(st.integers(0, 6), min_size=1)
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
WEEKLY = st.builds(lambda at, days: (at, days, None), TIMES, DAYS)
ONCE = st.builds(
    lambda at, hours: (at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0), frozenset(range(7)), hours),
    st.datetimes(wall(2026, 10, 18), wall(2026, 10, 31)),
    st.one_of(st.none(), st.sampled_from([0.25, 1.0, 3.0, 30.0])),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(WEEKLY, ONCE), min_size=1, max_size=6), st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE]))
def test_it_agrees_with_a_clock_that_is_watched_for_three_weeks(lines, zone):
    """The reference walks through the hours and lets every entry begin when the wall first shows its time."""
    schedule = Schedule([Entry(str(place), *line[:2], None, line[2]) for place, line in enumerate(lines)], zone)
    begun, ends, shown_before = {}, {}, wall(2026, 10, 5)
    now = utc(2026, 10, 6)
    while now < utc(2026, 11, 3):
        shown = now.astimezone(zone).replace(tzinfo=None)
        if shown > shown_before:  # an hour that comes twice begins nothing
            for place, (at, days, hours) in enumerate(lines):
                if isinstance(at, datetime):
                    due = shown_before < at <= shown
                else:
                    due = any(
                        shown_before < datetime.combine(day, at) <= shown and day.weekday() in days
                        for day in {shown.date(), shown_before.date()} | {shown.date() - timedelta(days=1)}
                    )
                if due:
                    begun[place] = now
                    if hours is not None:
                        ends[place] = now + timedelta(hours=hours)
            shown_before = shown
        if now >= utc(2026, 10, 18):
            rank = lambda place: (begun[place], isinstance(lines[place][0], datetime), place)  # noqa: E731
            lasting = [place for place in begun if place in ends and now < ends[place]]
            endless = [place for place in begun if place not in ends]
            wanted = max(lasting or endless, key=rank, default=None)
            assert mood(schedule, now) == (None if wanted is None else str(wanted)), now
        now += timedelta(minutes=15)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.one_of(WEEKLY, ONCE), min_size=1, max_size=5),
    st.datetimes(wall(2026, 10, 20), wall(2026, 11, 1)),
)
def test_slots_follow_each_other_without_a_gap_where_one_is_due_and_agree_with_what_is_in_force(lines, begin):
    schedule = Schedule([Entry(str(place), *line[:2], None, line[2]) for place, line in enumerate(lines)], BERLIN)
    begin = begin.replace(tzinfo=UTC)
    slots = list(schedule.slots(begin, begin + timedelta(days=4)))
    for one, other in pairwise(slots):
        assert one.until == other.since or schedule.at(one.until) is None, "a gap, and something is in force in it"
    for slot in slots:
        fresh = Schedule([Entry(str(place), *line[:2], None, line[2]) for place, line in enumerate(lines)], BERLIN)
        first = max(slot.since, begin)
        for inside in (first, slot.until - timedelta(seconds=1) if slot.until else first):
            assert fresh.at(inside) == slot


def test_an_event_lies_on_top_of_the_week_and_gives_back_what_the_week_has_reached():
    party = Entry("jazzhop", wall(2026, 12, 31, 20, 0), hours=6)
    toast = Entry("sunset", wall(2026, 12, 31, 23, 55), hours=0.25)
    schedule = Schedule([Entry("study", time(8)), Entry("sleep", time(22, 30)), party, toast], UTC)
    found = [(s.entry.choice, s.since) for s in schedule.slots(utc(2026, 12, 31, 19), utc(2027, 1, 1, 9))]
    assert found == [
        ("study", utc(2026, 12, 31, 8)),
        ("jazzhop", utc(2026, 12, 31, 20)),
        ("sunset", utc(2026, 12, 31, 23, 55)),
        ("jazzhop", utc(2027, 1, 1, 0, 10)),
        ("sleep", utc(2027, 1, 1, 2)),
        ("study", utc(2027, 1, 1, 8)),
    ]


def test_without_entries_or_before_the_first_one_there_is_none():
    assert Schedule([], UTC).at(utc(2026, 1, 1)) is None
    once = Schedule([Entry("snow", wall(2026, 12, 24, 18))], UTC)
    assert once.at(utc(2026, 12, 24, 17, 59)) is None
    assert once.at(utc(2029, 1, 1)).entry.choice == "snow"
    assert [s.since for s in once.slots(utc(2026, 12, 1), utc(2027, 1, 1))] == [utc(2026, 12, 24, 18)]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("daily", range(7)), ("mon-fri", range(5)), ("sat,sun", (5, 6)), ("weekends", (5, 6)),
        ("Fri-Mon", (4, 5, 6, 0)), ("mon, wed-thu", (0, 2, 3)), ("sunday", (6,)),
    ],
)  # fmt: skip
def test_weekdays_are_read(text, days):
    assert weekdays(text) == frozenset(days)


def test_moments_are_read():
    assert moment("7:05") == time(7, 5)
    assert moment("2026-12-24T18:00") == wall(2026, 12, 24, 18)
    assert moment("2026-12-24 18:00+01:00").astimezone(UTC) == utc(2026, 12, 24, 17)
    assert moment("2026-12-24T18:00").date() == date(2026, 12, 24)


def config(lines, more=""):
    return f"stations:\n  lofi:\n    schedule:\n{lines}\n{more}"


def test_a_schedule_is_read_from_the_configuration(tmp_path):
    lines = "    - {at: '22:30', days: mon-fri, mood: sleep, drift_minutes: 20}\n"
    lines += "    - {at: '7:00', mood: {study: 0.7, rainy: 0.3}}"
    text = config(lines, "    timezone: Europe/Berlin")
    station = parse_config(text, tmp_path / "config.yaml").stations["lofi"]
    slot = station.clockwork().at(utc(2026, 11, 24, 21, 30))
    assert (slot.entry.choice, slot.entry.drift_minutes) == ("sleep", 20)
    assert station.clockwork().at(slot.until).entry.choice == {"study": 0.7, "rainy": 0.3}
    assert Config().stations["lofi"].clockwork().at(utc(2026, 1, 1)) is None


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("    - {at: 22:30, mood: sleep}", "in quotes"),
        ("    - {at: '25:00', mood: sleep}", "no time"),
        ("    - {at: '2026-12-24', mood: sleep}", "no time"),
        ("    - {at: '22:30', mood: sleeep}", "Did you mean 'sleep'"),
        ("    - {at: '22:30', mood: {study: 1, raini: 1}}", "Did you mean 'rainy'"),
        ("    - {at: '22:30', mood: sleep, days: mo-fr}", "names no weekdays"),
        ("    - {at: '22:30', mood: sleep, hours: 3}", "hours belongs to a one-off"),
        ("    - {at: '2026-12-24T18:00', mood: sleep, days: mon}", "days belongs to a time of day"),
        ("    - {at: '22:30'}", "mood: is missing"),
        ("     []\n    timezone: Mars/Olympus", "no time zone"),
        ("     []\n    timezone: ../../etc/passwd", "no time zone"),
        ("     []\n    timezone: Europe", "no time zone"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_schedule_is_told_with_the_remedy(lines, said, tmp_path):
    with pytest.raises(ConfigError, match=said):
        parse_config(config(lines), tmp_path / "config.yaml")
