"""The limit of open files, this very process's."""

import resource

import pytest

from radio.limits import OTHERS, OWN_FILES, SPARE_CONNECTIONS, make_room_for


@pytest.fixture(autouse=True)
def limits():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def hard_limit_of_1024(monkeypatch):
    """A real one could not be taken back by this process."""
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, 1024))
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, limits: None)


def test_listeners_get_room_up_to_what_the_system_allows(caplog):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < 1_000 + SPARE_CONNECTIONS:
        pytest.skip(f"this system allows {hard} open files")
    room = make_room_for(500)
    assert room.files == 1_000 + SPARE_CONNECTIONS
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (room.files, hard)
    assert room.listeners == 500
    assert room.connections == room.files - OWN_FILES
    assert not caplog.text


def test_what_is_enough_is_left_alone():
    assert make_room_for(0).files == 1024
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 1024


def test_a_hard_limit_of_1024_lets_the_usual_500_listeners_in(hard_limit_of_1024, caplog):
    room = make_room_for(500)
    assert (room.files, room.connections, room.listeners) == (1024, 1024 - OWN_FILES, 500)
    assert not caplog.text


def test_a_hard_limit_of_1024_lets_fewer_in_than_were_asked_for_and_says_so(hard_limit_of_1024, caplog):
    room = make_room_for(5_000)
    assert room.listeners == 1024 - OWN_FILES - OTHERS, "files for the engines and places for pages stay free"
    assert "only 1024 files may be open here: 724 listeners are let in instead of 5000" in caplog.text
    assert "ulimit" in caplog.text


def test_even_a_tiny_limit_leaves_room_for_both(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (64, 64))
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, limits: None)
    room = make_room_for(500)
    assert 0 < room.listeners < room.connections < room.files == 64
