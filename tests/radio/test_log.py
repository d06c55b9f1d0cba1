import io
import json
import logging
import pickle

import pytest

from radio.config import Log
from radio.log import log_as, log_style, logging_station, setup_logging


@pytest.fixture
def lines():
    """Log into memory, and put logging back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()

    def set_up(secrets=(), **settings):
        setup_logging(Log(**settings), secrets, stream)
        return lambda: stream.getvalue().splitlines()

    yield set_up
    root.handlers[:] = handlers
    root.setLevel(level)


def test_text_has_time_level_station_and_message(lines):
    read = lines()
    with logging_station("lofi"):
        logging.getLogger("radio.x").warning("mood %s", "rainy")
    logging.getLogger("radio.x").info("plain")
    first, second = read()
    assert first.endswith(" WARNING lofi: mood rainy")
    assert second.endswith(" INFO    plain")
    assert first[:4].isdigit()


def test_a_station_that_names_itself_is_not_named_twice(lines):
    read = lines()
    with logging_station("lofi"):
        logging.getLogger("radio.x").info("station lofi: on air")
    assert read()[0].endswith(" INFO    station lofi: on air")


def test_json_is_one_object_a_line_even_with_a_traceback(lines):
    read = lines(format="json")
    with logging_station("lofi"):
        try:
            raise ValueError("broken\nin two")
        except ValueError:
            logging.getLogger("radio.x").exception("it failed ♭")
    (line,) = read()
    told = json.loads(line)
    assert (told["level"], told["station"], told["logger"]) == ("ERROR", "lofi", "radio.x")
    assert told["message"] == "it failed ♭"
    assert "broken" in told["error"]
    assert told["time"].endswith("+00:00")


def test_a_message_of_several_lines_stays_one_line(lines):
    read = lines()
    logging.getLogger("x").info("one\ntwo\r\n2026-01-01 ERROR forged")
    assert len(read()) == 1


def test_the_level_is_kept(lines):
    read = lines(level="ERROR")
    logging.getLogger("x").warning("no")
    logging.getLogger("x").error("yes")
    assert len(read()) == 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_never_reach_the_log(form, lines):
    read = lines(["hunter2!"], format=form)
    logging.getLogger("x").info("PUT with %s at http://source:abc123@host:8000/x", "hunter2!")
    try:
        raise RuntimeError("hunter2!")
    except RuntimeError:
        logging.getLogger("x").exception("again")
    text = "\n".join(read())
    assert "hunter2!" not in text
    assert "abc123" not in text
    assert "http://***@host:8000/x" in text


def test_setting_up_twice_does_not_double_lines(lines):
    lines()
    read = lines()
    logging.getLogger("x").info("once")
    assert len(read()) == 1


def test_a_process_that_we_start_can_log_alike(lines):
    lines(["hunter2!"], format="json", level="ERROR")
    stream = io.StringIO()
    with logging_station("lofi"):
        style = pickle.loads(pickle.dumps(log_style()))
    with logging_station(""):
        log_as(style, stream)
        logging.getLogger("x").warning("no")
        logging.getLogger("x").error("hunter2!")
    told = json.loads(stream.getvalue())
    assert (told["message"], told["station"]) == ("***", "lofi")


def test_without_setting_up_there_is_no_style_to_hand_on(lines):
    logging.getLogger().handlers[:] = []
    assert log_style() is None


def test_a_log_file_rotates_and_outlives_a_disk_that_fails(tmp_path, capsys):
    path = tmp_path / "logs" / "radio.log"
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        setup_logging(Log(file=path, max_bytes=10_000, backups=2), ["a-secret-word"], io.StringIO())
        logging.info("lost: there is no such folder")
        logging.info("lost, too")
        assert capsys.readouterr().err.count("cannot be written") == 1
        path.parent.mkdir()
        for number in range(300):
            logging.info("line %d says a-secret-word %s", number, "x" * 100)
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:], root.level = before, level
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["radio.log", "radio.log.1", "radio.log.2"]
    assert all(file.stat().st_size <= 10_000 for file in files)
    assert "line 299 says ***" in path.read_text()
