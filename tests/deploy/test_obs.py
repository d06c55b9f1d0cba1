"""The OBS scene collection in deploy/ holds together and shows what the station serves."""

import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from engine import MOODS

TREE = json.loads((Path(__file__).parents[2] / "deploy/obs/lofi-radio.json").read_text(encoding="utf-8"))
SOURCES = {source["uuid"]: source for source in TREE["sources"]}
SCENES = [source for source in TREE["sources"] if source["id"] == "scene"]


def addresses():
    for source in TREE["sources"]:
        for name in ("url", "input"):
            if name in source["settings"]:
                yield urlsplit(source["settings"][name])


def test_every_scene_plays_the_music_and_shows_the_card():
    assert [scene["name"] for scene in SCENES] == [scene["name"] for scene in TREE["scene_order"]]
    for scene in SCENES:
        items = [SOURCES[item["source_uuid"]] for item in scene["settings"]["items"]]
        assert [item["name"] for item in scene["settings"]["items"]] == [source["name"] for source in items]
        assert [source["id"] for source in items].count("ffmpeg_source") == 1
        assert [source["id"] for source in items].count("browser_source") == 2
    assert TREE["current_scene"] in {scene["name"] for scene in SCENES}
    assert len(SOURCES) == len(TREE["sources"])


def test_it_asks_for_what_the_station_serves():
    assert {(url.scheme, url.netloc) for url in addresses()} == {("http", "127.0.0.1:8000")}
    assert {url.path for url in addresses()} == {"/stream.mp3", "/overlay", "/obs-control"}


def test_every_scene_has_a_mood_that_there_is():
    (control,) = [url for url in addresses() if url.path == "/obs-control"]
    moods = dict(parse_qsl(control.fragment))
    assert moods.pop("token") == "PUT-YOUR-CONTROL-TOKEN-HERE"
    assert set(moods) == {scene["name"] for scene in SCENES}
    assert set(moods.values()) <= set(MOODS)
