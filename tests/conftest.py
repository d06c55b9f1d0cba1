"""What every test shares: the repository's folders, and the rule that nothing is left running."""

import logging
import threading
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True)
settings.load_profile("same")
"""The same examples in every run: what passes here passes there. `--hypothesis-profile=default` looks for new ones."""

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def root():
    """The repository's root folder."""
    return ROOT


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """Fail a test that leaves a non-daemon thread of its own behind."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in left:
        thread.join(timeout=5)
    assert not [thread.name for thread in left if thread.is_alive()]


@pytest.fixture(autouse=True)
def logging_is_as_before():
    """Undo what a command sets up for its own process: the tests after it must still see what is logged."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
