"""The limit of open files, this very process's."""

import resource

import pytest

from radio.limits import OWN_FILES, make_room_for


@pytest.fixture(autouse=True)
def low_limit():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_listeners_get_room_up_to_what_the_system_allows(caplog):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < 1_000 + OWN_FILES:
        pytest.skip(f"this system allows {hard} open files")
    assert make_room_for(500) == 1_000 + OWN_FILES
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (1_000 + OWN_FILES, hard)
    assert not caplog.text


def test_what_is_enough_is_left_alone():
    assert make_room_for(0) == 1024
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 1024


def test_a_system_that_allows_less_is_told_with_the_remedy(caplog):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        pytest.skip("this system allows any number of open files")
    assert make_room_for(hard) == hard
    assert "Raise it" in caplog.text
