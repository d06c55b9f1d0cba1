import hashlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from fakes_web import BAR_FRAMES, bar_start

from engine import AudioBlock, RenderedBar, SoundBankError
from radio.config import Config, Engine
from radio.config_outputs import Icecast
from radio.doctor import examine
from radio.journal_store import JournalStore


class FakeStation:
    """A station that renders one bar without a synthesiser."""

    troubles = ()
    assets = ()
    loudness = 0.1

    def __init__(self, setup):
        self.composer = setup.composer

    def render_bar(self):
        samples = np.full((BAR_FRAMES, 2), self.loudness, np.float32)
        return RenderedBar(AudioBlock(0, samples, (bar_start(0),)), b"")

    def close(self):
        pass


@pytest.fixture
def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


@pytest.fixture
def config(tmp_path, free_port):
    for part in ("piano", "drums"):
        folder = tmp_path / "models" / part
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(part.encode())
        card = {"file": "model.onnx", "sha256": hashlib.sha256(part.encode()).hexdigest()}
        (folder / "card.json").write_text(json.dumps(card))
    (tmp_path / "loops" / "vinyl").mkdir(parents=True)
    (tmp_path / "loops" / "vinyl" / "vinyl.flac").write_bytes(b"")
    config = Config().anchored(tmp_path)
    return config.model_copy(update={"server": config.server.model_copy(update={"port": free_port})})


def found(config, build=FakeStation):
    return {finding.what: finding for finding in examine(config, build)}


def test_a_healthy_house_is_all_ok(config):
    findings = found(config)
    assert {one.what: one.said for one in findings.values() if one.state != "ok"} == {}
    assert {"FluidSynth", "onnxruntime", "av", "MP3 encoder", "piano model", "drums model", "sound", "loops"} <= set(
        findings
    )
    assert {"web address", "state folder", "journal"} <= set(findings)


def test_the_doctor_changes_nothing(config, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    found(config)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "card.json").unlink(), "card.json: not found"),
        (lambda folder: (folder / "model.onnx").unlink(), "model.onnx: not found"),
        (lambda folder: (folder / "model.onnx").write_bytes(b"x"), "is damaged, its sha256 is not the card's"),
        (lambda folder: (folder / "card.json").write_text("{"), "is not a model card"),
        (lambda folder: (folder / "card.json").write_text("[]"), "is not a model card"),
    ],
    ids=["no card", "no model", "damaged", "half a card", "no map"],
)
def test_a_model_that_is_broken_is_named_and_the_rules_are_tried(damage, said, config, tmp_path):
    damage(tmp_path / "models" / "drums")
    composers = []

    def build(setup):
        composers.append(setup.composer)
        return FakeStation(setup)

    findings = found(config, build)
    assert findings["drums model"].state == "warn"
    assert said in findings["drums model"].said
    assert "git checkout models" in findings["drums model"].said
    assert findings["piano model"].state == "ok"
    assert composers == ["rules"]


@pytest.mark.parametrize(("kind", "state", "said"), [("AVX2", "ok", "AVX2"), ("", "warn", "Install gcc and libc6-dev")])
def test_a_step_that_was_not_built_is_told_with_its_price(kind, state, said, config, monkeypatch):
    monkeypatch.setattr("radio.doctor.native_kind", lambda: kind)
    finding = found(config)["models' step"]
    assert finding.state == state
    assert said in finding.said


def test_models_are_not_asked_for_when_the_rules_compose(config):
    config = config.model_copy(update={"engine": Engine(composer="rules")})
    assert found(config)["models"].state == "ok"


def test_a_sound_bank_that_is_missing_or_silent_fails(config):
    def broken(setup):
        raise SoundBankError("x.sf2: not found. Set engine.soundfont.")

    class Silent(FakeStation):
        loudness = 0.0

    assert found(config, broken)["sound"].said == "x.sf2: not found. Set engine.soundfont."
    assert found(config, broken)["sound"].state == "fail"
    assert "silence" in found(config, Silent)["sound"].said


def test_the_stations_own_troubles_are_told(config):
    class Troubled(FakeStation):
        troubles = ("models/piano: another vocabulary.",)

    assert found(config, Troubled)["station"].said == "models/piano: another vocabulary."


def test_missing_loops_are_a_warning(config, tmp_path):
    (tmp_path / "loops" / "vinyl" / "vinyl.flac").unlink()
    assert found(config)["loops"].state == "warn"


def test_a_port_in_use_is_a_warning_with_both_remedies(config, free_port):
    with socket.socket() as door:
        door.bind(("127.0.0.1", free_port))
        door.listen()
        finding = found(config)["web address"]
    assert finding.state == "warn"
    assert "running already" in finding.said
    assert "server.port" in finding.said


def test_a_host_that_is_not_ours_is_told(config):
    config = config.model_copy(update={"server": config.server.model_copy(update={"host": "192.0.2.1"})})
    assert "cannot be had" in found(config)["web address"].said


def test_a_state_folder_that_is_a_file_fails(config, tmp_path):
    (tmp_path / "state").write_text("")
    assert found(config)["state folder"].state == "fail"


def test_a_journal_is_counted_and_a_damaged_one_told(config):
    store = JournalStore(config.journal.path)
    store.write([], [])
    store.close()
    assert "0 bars" in found(config)["journal"].said
    config.journal.path.write_bytes(b"no database" * 100)
    assert found(config)["journal"].state == "warn"


class FakeIcecast(BaseHTTPRequestHandler):
    """Answers as Icecast 2.4.4 does to a question about a mount."""

    asked: list = []  # noqa: RUF012 - the handler is made anew for each request
    status, body = 400, b"<iceresponse><message>Source does not exist</message></iceresponse>"

    def do_GET(self):
        self.asked.append((self.path, self.headers["Authorization"]))
        accepted = self.headers["Authorization"] == "Basic c291cmNlOmh1bnRlcjI="
        self.send_response(self.status if accepted else 401)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_):
        pass


@pytest.fixture
def icecast(monkeypatch):
    class Server(FakeIcecast):
        asked: list = []  # noqa: RUF012

    monkeypatch.setenv("PASSWORD", "hunter2")
    with HTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield Server, server.server_address[1]
        server.shutdown()
        thread.join()


def asked(config, **settings):
    output = Icecast(name="main", host="127.0.0.1", password_env="PASSWORD", **settings)
    return found(config.model_copy(update={"icecast": (output,)}))["icecast main"]


def test_an_icecast_that_takes_the_login_is_ok_and_nothing_is_changed_there(config, icecast):
    handler, port = icecast
    finding = asked(config, port=port)
    assert (finding.state, finding.said) == ("ok", f"127.0.0.1:{port}: login accepted, /lofi.mp3 is free")
    assert handler.asked == [("/admin/listclients?mount=%2Flofi.mp3", "Basic c291cmNlOmh1bnRlcjI=")]
    handler.status, handler.body = 200, b"<icestats/>"
    assert "has a source" in asked(config, port=port).said


def test_a_wrong_password_fails_with_its_place_and_without_itself(config, icecast, monkeypatch):
    monkeypatch.setenv("PASSWORD", "wrong-one")
    finding = asked(config, port=icecast[1])
    assert finding.state == "fail"
    assert "refuses the login (HTTP 401). Put the server's <source-password> into PASSWORD" in finding.said
    assert "wrong-one" not in finding.said


def test_a_missing_password_fails_before_anything_is_asked(config, icecast, monkeypatch):
    monkeypatch.delenv("PASSWORD")
    assert "PASSWORD is empty or missing" in asked(config, port=icecast[1]).said
    assert icecast[0].asked == []


def test_an_icecast_that_is_not_there_fails(config, free_port, monkeypatch):
    monkeypatch.setenv("PASSWORD", "x")
    assert "cannot be reached (Connection refused)" in asked(config, port=free_port).said


def test_tls_to_a_server_without_it_fails_with_a_remedy(config, icecast):
    assert "Set tls to false" in asked(config, port=icecast[1], tls=True).said


def test_something_else_than_icecast_is_a_warning(config, icecast):
    icecast[0].status, icecast[0].body = 404, b"nothing"
    assert "Is this an Icecast server?" in asked(config, port=icecast[1]).said
