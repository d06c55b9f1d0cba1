"""Solo renders stand where a mood's mix puts them."""

import pytest

from bench.solos import places_lu
from engine.moods import find_mood
from engine.station_setup import StationSetup


@pytest.mark.parametrize("mood", ["study", "night-drive"])
def test_every_part_holds_its_place_in_the_mix_within_1_5_lu(root, mood):
    setup = StationSetup(find_mood(mood), 1, loops=root / "loops", composer="rules")
    places = places_lu(setup, seconds=60.0)
    assert len(places) >= 3
    assert max(map(abs, places.values())) < 1.5, places
