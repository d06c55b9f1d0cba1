"""Whose word counts: config.yaml, the schedule or the control interface; and that it is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from engine import Hands
from radio.config_file import parse_config
from radio.direction import Director
from radio.orders import Orders, Word, load, save

BEGIN = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # a Monday
LINES = "[{at: '08:00', mood: morning}, {at: '22:00', mood: sleep, drift_minutes: 20}]"


class WallClock:
    """A clock on the wall that the test turns."""

    def __init__(self):
        self.time = BEGIN

    def wall(self):
        return self.time

    def pass_by(self, **time):
        self.time += timedelta(**time)


class Desk:
    """A director with its configuration and its clock."""

    def __init__(self, folder, mood="study", schedule="[]", more=""):
        self.folder, self.clock = folder, WallClock()
        self.director = Director("lofi", self.config(mood, schedule, more), folder / "lofi.orders.json", self.clock)

    def config(self, mood="study", schedule="[]", more=""):
        text = f"stations: {{lofi: {{mood: {mood}, schedule: {schedule}{more}}}}}"
        return parse_config(text, self.folder / "config.yaml")

    @property
    def said(self):
        return self.director.said(self.director.now())

    @property
    def mood(self):
        return (self.said.mood.name, self.said.by)


def test_without_a_schedule_the_configuration_has_its_say_until_somebody_speaks(tmp_path):
    desk = Desk(tmp_path)
    assert desk.mood == ("study", "config")
    desk.director.speak("rainy")
    desk.clock.pass_by(days=100)
    assert desk.mood == ("rainy", "control")
    desk.director.release()
    assert desk.mood == ("study", "config")


def test_the_schedule_speaks_over_the_configuration_and_a_word_holds_until_it_speaks_again(tmp_path):
    desk = Desk(tmp_path, schedule=LINES)
    assert desk.mood == ("morning", "schedule")
    desk.director.speak({"study": 0.7, "rainy": 0.3})
    assert desk.mood == ("study 70 % + rainy 30 %", "control")
    assert desk.said.until == BEGIN + timedelta(hours=2)
    desk.clock.pass_by(hours=2)
    assert desk.mood == ("sleep", "schedule")
    assert desk.said.mood.drift_minutes == 20
    desk.clock.pass_by(hours=10)
    assert desk.mood == ("morning", "schedule")


def test_a_word_with_an_end_holds_through_the_schedule_and_not_longer(tmp_path):
    desk = Desk(tmp_path, schedule=LINES)
    desk.director.speak("rainy", BEGIN + timedelta(hours=13))
    desk.clock.pass_by(hours=12, minutes=59)
    assert desk.mood == ("rainy", "control")
    desk.clock.pass_by(minutes=1)
    assert desk.mood == ("morning", "schedule")


def test_a_schedule_that_pauses_says_nothing_until_it_goes_on(tmp_path):
    desk = Desk(tmp_path, schedule=LINES)
    desk.director.pause(True)
    assert desk.mood == ("study", "config")
    desk.clock.pass_by(hours=3)
    assert desk.mood == ("study", "config")
    desk.director.pause(False)
    assert desk.mood == ("sleep", "schedule")


def test_an_edit_of_the_mood_is_the_last_word_until_the_schedule_speaks_next(tmp_path):
    desk = Desk(tmp_path, schedule=LINES)
    desk.director.speak("rainy")
    desk.director.lay(Hands(bpm=70))
    desk.director.follow(desk.config("snow", LINES))
    assert desk.mood == ("snow", "config")
    assert desk.director.orders.hands == Hands(), "what was asked for before is void"
    desk.clock.pass_by(hours=2)
    assert desk.mood == ("sleep", "schedule")


def test_an_edit_of_anything_else_leaves_what_was_asked_for(tmp_path):
    desk = Desk(tmp_path)
    desk.director.speak("rainy")
    desk.director.follow(desk.config("study", LINES, ", title: another"))
    assert desk.mood == ("rainy", "control")
    desk.clock.pass_by(hours=2)
    assert desk.mood == ("sleep", "schedule")


def test_a_schedule_is_edited_while_on_air(tmp_path):
    desk = Desk(tmp_path, schedule=LINES)
    desk.director.follow(desk.config("study", "[{at: '19:00', mood: cafe}]", ", drift_minutes: 7"))
    assert desk.mood == ("cafe", "schedule")
    assert desk.said.mood.drift_minutes == 7


def test_a_drift_of_nothing_can_be_asked_for(tmp_path):
    desk = Desk(tmp_path, more=", drift_minutes: 10")
    assert desk.said.mood.drift_minutes == 10
    desk.director.speak("rainy", drift_minutes=0)
    assert desk.said.mood.drift_minutes == 0


def test_a_clock_that_is_set_back_a_little_undoes_nothing_and_one_that_jumps_is_believed(tmp_path):
    desk = Desk(tmp_path, schedule=LINES)
    desk.clock.pass_by(hours=2)
    assert desk.mood[0] == "sleep"
    desk.clock.pass_by(minutes=-10)
    assert desk.mood[0] == "sleep"
    desk.clock.pass_by(minutes=-30)
    assert desk.mood[0] == "morning"
    desk.clock.pass_by(days=3, hours=3)
    assert desk.mood[0] == "sleep", "of the entries that a jump passes over the last one counts"


async def test_what_was_asked_for_survives_a_restart_until_the_mood_is_edited(tmp_path):
    desk = Desk(tmp_path)
    desk.director.speak({"rainy": 2.0, "snow": 1.0}, BEGIN + timedelta(days=2), 5)
    desk.director.lay(Hands(66, 3, -2, (("fire", -30.0),)))
    desk.director.pause(True)
    assert await desk.director.keep()
    again = Desk(tmp_path)
    assert again.director.orders == desk.director.orders
    assert again.mood == ("rainy 67 % + snow 33 %", "control")
    assert Desk(tmp_path, mood="cafe").director.orders == Orders("cafe")


async def test_a_disk_that_refuses_is_told(tmp_path, caplog):
    desk = Desk(tmp_path)
    (tmp_path / "lofi.orders.json.new").mkdir()
    assert not await desk.director.keep()
    assert "a restart forgets what was asked for" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b'{"config_mood": "study"}', b"\xff",
        b'{"config_mood": "study", "word": {"choice": 7, "by": "x", "at": "2026-01-01T00:00:00+00:00", "until": null, '
        b'"drift_minutes": null}, "hands": {"bpm": null, "vinyl_db": 0, "ambience_db": 0, "layers": null}, '
        b'"paused": 0}',
        b'{"config_mood": "study", "word": null, "hands": {"bpm": 7, "vinyl_db": 0, "ambience_db": 0, "layers": null}, '
        b'"paused": false}',
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_told_and_means_nothing(content, tmp_path, caplog):
    path = tmp_path / "lofi.orders.json"
    path.write_bytes(content)
    assert load(path, "study") == Orders("study")
    assert "cannot be used" in caplog.text


def test_a_mood_that_is_there_no_more_gives_way_and_is_told_once(tmp_path, caplog):
    save(tmp_path / "lofi.orders.json", Orders("study", Word("gone", "control", BEGIN)))
    desk = Desk(tmp_path)
    assert desk.mood == desk.mood == ("study", "config")
    assert caplog.text.count("cannot be played") == 1
