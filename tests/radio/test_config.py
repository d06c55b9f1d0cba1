"""?"""

from pathlib import Path

import pytest
from config_text import HERE, problems
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from radio.config import Change, Config, diff
from radio.config_file import load_config, parse_config
from radio.config_help import allowed_at, keys_at
from radio.config_outputs import Bucket, Device, Icecast, Push, Record, Rendition
from radio.config_parts import Live
from radio.errors import ConfigError


def test_the_shipped_file_equals_the_defaults(root):
    shipped = load_config(root / "config.yaml")
    assert shipped.model_copy(update={"moods": {}}) == Config().anchored(root)


def test_the_shipped_file_shows_every_option(root):
    text = (root / "config.yaml").read_text(encoding="utf-8")

    def names(part):
        for name, field in part.model_fields.items():
            yield name
            annotation = field.annotation
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                yield from names(annotation)

    items = (Icecast, Device, Push, Record, Rendition, Bucket)
    wanted = {*names(Config), *(name for item in items for name in item.model_fields)}
    assert [name for name in sorted(wanted) if f"{name}:" not in text] == []


def test_an_empty_file_means_the_defaults():
    assert parse_config("", HERE) == Config().anchored(HERE.parent)
    assert parse_config("# nothing\n", HERE) == Config().anchored(HERE.parent)


def test_paths_start_at_the_files_folder():
    config = parse_config("engine: {piano_model: a/b, soundfont: /banks/x.sf2}\njournal: {path: j.sqlite3}", HERE)
    assert config.engine.piano_model == Path("/somewhere/a/b")
    assert config.engine.soundfont == Path("/banks/x.sf2")
    assert config.journal.path == Path("/somewhere/j.sqlite3")


def test_a_home_folder_is_found_and_an_unknown_one_left_alone(monkeypatch):
    monkeypatch.setenv("HOME", "/somebody")
    config = parse_config("engine: {piano_model: ~/m, drums_model: ~nobody-of-that-name/m}", HERE)
    assert config.engine.piano_model == Path("/somebody/m")
    assert config.engine.drums_model == Path("/somewhere/~nobody-of-that-name/m")


def test_the_tree_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Config().server.port = 1


@pytest.mark.parametrize(
    ("text", "line", "path", "wanted"),
    [
        ("server: {prot: 1}", 1, "server.prot", "unknown key. Did you mean 'port'?"),
        ("servers: {}", 1, "servers", "unknown key. Did you mean 'server'?"),
        ("server:\n  port: 99999", 2, "server.port", "a whole number from 0 to 65535; got 99999."),
        ("server:\n  port: '8000'", 2, "server.port", "a whole number from 0 to 65535; got '8000'."),
        ("server: {port: 80.5}", 1, "server.port", "a whole number from 0 to 65535; got 80.5."),
        ("server: {port: true}", 1, "server.port", "from 0 to 65535; got true."),
        ("server: {host: on}", 1, "server.host", "got on, which YAML reads as true. Put it in quotes: 'on'."),
        ("stations: {lofi: {title: 12:30}}", 1, "stations.lofi.title", "got 12:30, which YAML reads as 750."),
        ("stations: {lofi: {title: 2024}}", 1, "stations.lofi.title", "got the number 2024. Put it in quotes: '2024'."),
        ("stations: {lofi: {title: \"a\\tb\"}}", 1, "stations.lofi.title", "one line of text"),
        ("stations: {lofi: {seed: -1}}", 1, "stations.lofi.seed", "a whole number from 0 up, or null; got -1."),
        ("stations: {}", 1, "stations", "a map"),
        ("stations: {Lofi: {}}", 1, "stations.Lofi", "lower-case letters"),
        ("stations: {api: {}}", 1, "stations.api", "belongs to the web server"),
        ("stations: {lofi: {mood: studdy}}", 1, "stations.lofi.mood", "Did you mean 'study'?"),
        ("stations:\n  lofi:\n    mood:", 3, "stations.lofi.mood", "got nothing"),
        ("engine: {lead_s: 1e9}", 1, "engine.lead_s", "a number from 2 to 60; got 1e9, which YAML reads as a text"),
        ("engine: {lead_s: .nan}", 1, "engine.lead_s", "a number from 2 to 60; got"),
        ("engine: {composer: rule}", 1, "engine.composer", "one of models, rules; got 'rule'."),
        ("engine: {loops: [a]}", 1, "engine.loops", "got a list."),
        ("encoders: {mp3: {bitrate_kbps: 129}}", 1, "encoders.mp3.bitrate_kbps", "one of 64, 80,"),
        ("log: {level: info}", 1, "log.level", "one of DEBUG, INFO, WARNING, ERROR; got 'info'."),
        ("journal:", 1, "journal", "a map with keys such as path, keep_days; got nothing"),
        ("journal: 3", 1, "journal", "a map with keys such as path, keep_days; got 3."),
        ("- a\n- b", 1, "", "a map with keys such as server"),
        ("on: 1", 1, "", "True is no key: YAML reads"),
        ("server: {host: a..b}", 1, "server.host", "a host name or address, such as"),
        ("icecast: [{host: h}]", 1, "icecast[0].name", "is missing; it must be 1-32 lower-case"),
        ("icecast: [{name: a, host: h}]", 1, "icecast[0]", "name exactly one place for the password"),
        ("icecast: {name: a}", 1, "icecast", "a list, each a map with keys such as name"),
        ("icecast: [{name: a, host: h, password_env: E, station: x}]", 1, "icecast[0].station", "no station is called"),
        ("icecast: [{name: a, host: h, password_env: E, mount: x}]", 1, "icecast[0].mount", "a path that starts"),
        ("moods: {mine: {base: rany}}", 1, "moods.mine.base", "Did you mean 'rainy'?"),
        ("moods: {mine: {bmp_low: 60}}", 1, "moods.mine.bmp_low", "Did you mean 'bpm_low'?"),
        ("moods: {mine: {bpm_low: 500}}", 1, "moods.mine", "bpm_low is 500: must be 40 to 140."),
        ("moods: {mine: {sampling: {top_q: 1}}}", 1, "moods.mine.sampling.top_q", "Did you mean 'top_p'?"),
        ("moods: {mine: {name: x}}", 1, "moods.mine.name", "unknown key"),
        ("moods: {mine: 3}", 1, "moods.mine", "got 3."),
    ],
)  # fmt: skip
def test_a_mistake_gets_its_place_and_what_is_allowed(text, line, path, wanted):
    found = problems(text)
    at = f"config.yaml:{line}: {path}" if path else f"config.yaml:{line}"
    assert any(one.startswith(f"{at}: ") and wanted in one for one in found), found


def test_all_mistakes_are_reported_at_once():
    text = "server: {prot: 1, port: -1}\nstations: {lofi: {mood: x}}\nlog: {level: 3}\nmoods: {a: {room: 7}}\nlog: {}"
    said = "\n".join(problems(text))
    for part in ("server.prot", "server.port", "stations.lofi.mood", "moods.a", "log is given twice (first on line 3)"):
        assert part in said


def test_keys_given_twice_are_refused_even_deep_inside():
    found = problems("stations:\n  lofi:\n    mood: study\n    mood: rainy\n")
    assert found == ("config.yaml:4: stations.lofi.mood is given twice (first on line 3). Keep one.",)


def test_a_password_in_the_file_is_refused_without_being_shown():
    said = "\n".join(problems("icecast: [{name: a, host: h, password: hunter2}]\nserver: {admin_token: hunter2}"))
    assert "secrets do not belong in this file" in said
    assert "password_env" in said
    assert "hunter2" not in said


def test_a_password_where_its_variables_name_belongs_is_not_shown():
    said = "\n".join(problems("icecast: [{name: a, host: h, password_env: 'hunter 2'}]"))
    assert "environment variable" in said
    assert "hunter" not in said


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: [1, 2", "config.yaml:1, column 9: this is not YAML"),
        ("a: 'b", "this is not YAML"),
        ("a:\n\t- b", "Indent with spaces"),
        ("a: b: c", "this is not YAML"),
        ("!!python/object:os.system {}", "this is not YAML"),
        ("a: &a [*a]", "anchor contains itself"),
        ("a: &a [1,1,1,1,1,1,1,1]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 8)}]\n" for n in range(8)
        ), "more than 20000 values"),
        ("a: 1\n---\nb: 2", "this is not YAML"),
        ("\x01", "not YAML"),
    ],
)  # fmt: skip
def test_what_is_not_yaml_is_said_with_line_and_column(text, wanted):
    found = problems(text)
    assert len(found) == 1
    assert wanted in found[0]


def test_files_that_cannot_be_read_say_why(tmp_path):
    def refusal(path):
        with pytest.raises(ConfigError) as refused:
            load_config(path)
        return str(refused.value)

    (tmp_path / "latin.yaml").write_bytes(b"stations: {lofi: {title: caf\xe9}}")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (1 << 20) + b"\n")
    assert "not found. Name another file with --config" in refusal(tmp_path / "none.yaml")
    assert "this is a folder" in refusal(tmp_path)
    assert "byte 28 is not UTF-8" in refusal(tmp_path / "latin.yaml")
    assert "Is this the right file?" in refusal(tmp_path / "huge.yaml")


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"\xef\xbb\xbfserver: {port: 81}")
    assert load_config(tmp_path / "config.yaml").server.port == 81


def places():
    def walk(part, path):
        yield path
        for name, field in part.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                yield from walk(field.annotation, (*path, name))

    return [*walk(Config, ()), ("stations", "lofi"), ("moods", "mine"), ("moods", "mine", "sampling")]


@settings(max_examples=60, deadline=None)
@given(place=st.sampled_from(places()), key=st.from_regex(r"[a-z][a-z_]{0,12}", fullmatch=True))
def test_any_unknown_key_is_reported_with_its_place(place, key):
    if key in keys_at(place) or key in ("null", "true", "false", "yes", "no", "on", "off", "y", "n"):
        return
    text = "".join(f"{'  ' * depth}{step}:\n" for depth, step in enumerate(place)) + f"{'  ' * len(place)}{key}: 1\n"
    found = problems(text)
    dotted = ".".join((*place, key))
    assert any(f"config.yaml:{len(place) + 1}: {dotted}: " in one for one in found), found


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_no_text_at_all_makes_it_crash(text):
    found = ()
    try:
        parse_config(text, HERE)
    except ConfigError as refused:
        found = refused.problems
    assert all(one.startswith("config.yaml") for one in found)


def test_every_place_can_say_what_it_takes():
    for place in places():
        for key in keys_at(place):
            assert allowed_at((*place, key)) != "something else", (*place, key)


def test_a_difference_says_what_takes_effect_on_air():
    old = parse_config("", HERE)
    new = parse_config("server: {port: 81}\nstations: {lofi: {mood: rainy}, two: {}}\nmoods: {a: {swing: 0.6}}", HERE)
    changes = {change.path: change for change in diff(old, new)}
    assert changes["server.port"] == Change("server.port", 8000, 81, live=False)
    assert changes["stations.lofi.mood"] == Change("stations.lofi.mood", "study", "rainy", live=True)
    assert not changes["stations.two"].live
    assert changes["moods.a"].live
    assert str(changes["server.port"]) == "server.port: 8000 → 81"
    assert diff(new, new) == ()


def test_only_moods_are_live():
    live = {name for name, field in Config.model_fields.items() if any(isinstance(m, Live) for m in field.metadata)}
    assert live == {"moods"}


def test_the_configuration_inside_the_docker_image_is_right(root):
    config = load_config(root / "deploy" / "docker.yaml")
    assert config.server.host == "0.0.0.0"
    assert config.icecast[0].password({"ICECAST_PASSWORD": "hush"}) == "hush"
    assert config.state.folder == config.journal.path.parent == Path("/state")
