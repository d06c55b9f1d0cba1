"""What several tests of the engine stand on."""

import pytest

from engine import StationSetup, find_mood
from engine.loops import LoopLibrary


@pytest.fixture
def setup(root):
    """A station that composes by rules."""
    return StationSetup(find_mood("study"), seed=7, composer="rules", loops=root / "loops")


@pytest.fixture
def library(root):
    """The loops we ship."""
    return LoopLibrary(root / "loops")
