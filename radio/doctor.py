"""Looks at everything the radio needs and says what is missing, with the remedy. Knows nothing about terminals."""

from __future__ import annotations

import base64
import ctypes.util
import hashlib
import http.client
import importlib
import json
import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from engine import EngineError, Station, native_kind
from radio.config import Config
from radio.config_outputs import Icecast
from radio.encoders import Mp3Encoder
from radio.errors import RadioError
from radio.journal_reader import JournalReader

ICECAST_TIMEOUT_S = 5.0
_FREE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found."""

    state: str
    """`ok`, `warn` (the station goes on without it) or `fail`."""
    what: str
    said: str
    """What was found; for anything but `ok` with the remedy."""


Build = Callable[..., Station]


def examine(config: Config, build: Build = Station.build) -> Iterator[Finding]:
    """Look at one thing after another."""
    yield from _libraries(config)
    models = list(_models(config))
    yield from models
    composer = "rules" if any(found.state != "ok" for found in models) else config.engine.composer
    yield from _sound(config, composer, build)
    yield _loops(config.engine.loops)
    yield _port(config.server.host, config.server.port)
    yield _folder("state folder", config.state.folder)
    yield _journal(config.journal.path)
    for output in config.icecast:
        yield _icecast(output)


def _libraries(config: Config) -> Iterator[Finding]:
    library = ctypes.util.find_library("fluidsynth")
    if library:
        yield Finding("ok", "FluidSynth", library)
    else:
        remedy = "apt-get install libfluidsynth3 (Debian, Ubuntu), brew install fluid-synth (macOS)"
        yield Finding("fail", "FluidSynth", f"the library is not installed: {remedy}.")
    modules = {"onnxruntime": "runs the models", "av": "encodes MP3", "soundfile": "reads loops"}
    if config.engine.backend == "rwkv":
        modules |= {"rwkv": "runs .pth models", "torch": "runs .pth models"}
    for name, purpose in modules.items():
        try:
            found = importlib.import_module(name)
        except (ImportError, OSError) as problem:
            yield Finding("fail", name, f"{purpose}, but cannot be loaded ({problem}): pip install {name}.")
        else:
            yield Finding("ok", name, str(getattr(found, "__version__", "installed")))
    try:
        Mp3Encoder(config.encoders.mp3.bitrate_kbps)
    except RadioError as problem:
        yield Finding("fail", "MP3 encoder", str(problem))
    else:
        yield Finding("ok", "MP3 encoder", f"LAME, {config.encoders.mp3.bitrate_kbps} kbit/s")


def _models(config: Config) -> Iterator[Finding]:
    if config.engine.composer == "rules":
        yield Finding("ok", "models", "not needed: engine.composer is rules")
        return
    for part, place in (("piano", config.engine.piano_model), ("drums", config.engine.drums_model)):
        problem = _model_problem(place)
        if problem:
            yield Finding("warn", f"{part} model", f"{problem} Until then the rule-based composer plays.")
        else:
            yield Finding("ok", f"{part} model", str(place))
    if config.engine.backend in ("auto", "native"):
        yield _step(native_kind())


def _step(kind: str) -> Finding:
    if kind:
        return Finding("ok", "models' step", f"our own, {kind}")
    said = (
        "was not built, so onnxruntime plays the models in 1.7 times the time. Install gcc and libc6-dev, set up again."
    )
    return Finding("warn", "models' step", said)


def _model_problem(place: Path) -> str:
    if place.suffix == ".pth":
        return "" if place.is_file() else f"{place}: not found. Put it there, or set engine.*_model."
    card_path = place / "card.json"
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
        model = place / str(card["file"])
        digest = hashlib.sha256(model.read_bytes()).hexdigest()
    except FileNotFoundError as problem:
        return f"{problem.filename}: not found. Restore it (git checkout models), or train one (make train)."
    except OSError as problem:
        return f"{place}: cannot be read ({problem.strerror}). Check its owner and permissions."
    except (ValueError, KeyError, TypeError) as problem:
        return f"{card_path}: is not a model card ({problem!r}). Restore it (git checkout models)."
    if digest != card.get("sha256"):
        return f"{model}: is damaged, its sha256 is not the card's. Restore it (git checkout models)."
    return ""


def _sound(config: Config, composer: str, build: Build) -> Iterator[Finding]:
    """Play one bar for real, by rules when a model is known to be broken."""
    try:
        station = build(replace(config.setup(config.mood("study"), 1), composer=composer))
        try:
            block = station.render_bar().block
        finally:
            station.close()
    except (EngineError, OSError) as problem:
        yield Finding("fail", "sound", str(problem))
        return
    for trouble in station.troubles:
        yield Finding("warn", "station", trouble)
    if not abs(block.samples).max() > 0:
        yield Finding("fail", "sound", "the sound bank plays nothing but silence. Name another: engine.soundfont.")
    else:
        assets = ", ".join(asset.name for asset in station.assets)
        yield Finding("ok", "sound", f"one bar of {block.seconds:.1f} s rendered with {assets}")


def _loops(folder: Path) -> Finding:
    found = sorted(path.stem for path in folder.glob("*/*.flac"))
    if not found:
        return Finding("warn", "loops", f"{folder}: no vinyl or rain there. Restore it: git checkout loops.")
    return Finding("ok", "loops", ", ".join(found))


def _port(host: str, port: int) -> Finding:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(address)
    except OSError as problem:
        remedy = "Is the radio running already? Else stop the other program, or set server.port or server.host."
        return Finding("warn", "web address", f"{host}:{port}: cannot be had ({problem.strerror}). {remedy}")
    return Finding("ok", "web address", f"http://{host}:{port}/ is free")


def _folder(what: str, folder: Path) -> Finding:
    near = folder
    while not near.exists():
        near = near.parent
    try:
        with tempfile.NamedTemporaryFile(dir=near, prefix=".doctor-"):
            pass
    except OSError as problem:
        remedy = f"Make it writable for user {os.getuid()}, or set state.folder."
        return Finding("fail", what, f"{near}: cannot be written ({problem.strerror}). {remedy}")
    free_bytes = shutil.disk_usage(near).free
    if free_bytes < _FREE_BYTES:
        return Finding(
            "warn", what, f"{near}: only {free_bytes // 1_000_000} MB are free. The journal takes 20 MB a day."
        )
    return Finding("ok", what, f"{folder} ({free_bytes / 1e9:.0f} GB free)")


def _journal(path: Path) -> Finding:
    if not path.exists():
        return replace(_folder("journal", path.parent), what="journal")
    try:
        with JournalReader(path) as journal:
            return Finding("ok", "journal", f"{path}: {journal.count()} bars")
    except RadioError as problem:
        return Finding("warn", "journal", f"{problem} A damaged one is moved aside at the next start.")


def _icecast(output: Icecast) -> Finding:
    what = f"icecast {output.name}"
    where = f"{output.host}:{output.port}"
    try:
        status, said = _ask_icecast(output)
    except RadioError as problem:
        return Finding("fail", what, str(problem))
    except ssl.SSLError as problem:
        remedy = "Set tls to false if it does not speak TLS, or give it a certificate that this machine trusts."
        return Finding("fail", what, f"{where}: no TLS connection ({problem.reason or problem}). {remedy}")
    except (OSError, http.client.HTTPException) as problem:
        said = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
        return Finding(
            "fail", what, f"{where}: cannot be reached ({said}). Is Icecast running, and host and port right?"
        )
    place = output.password_env or output.password_file
    if status in (401, 403):
        remedy = f"Put the server's <source-password> into {place}, and check user ({output.user})."
        return Finding("fail", what, f"{where}: refuses the login (HTTP {status}). {remedy}")
    if status == 400 and "exist" in said.lower():
        return Finding("ok", what, f"{where}: login accepted, {output.mount} is free")
    if status == 200:
        return Finding(
            "ok", what, f"{where}: login accepted; {output.mount} has a source (this radio, running already?)"
        )
    return Finding("warn", what, f"{where}: answers HTTP {status} {said[:80]}. Is this an Icecast server?")


def _ask_icecast(output: Icecast) -> tuple[int, str]:
    """Ask for the mount's listeners: needs the source's login, and changes nothing on a server that is on air."""
    login = base64.b64encode(f"{output.user}:{output.password()}".encode()).decode()
    host, port = output.host.strip("[]"), output.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=ICECAST_TIMEOUT_S, context=ssl.create_default_context())
        if output.tls
        else http.client.HTTPConnection(host, port, timeout=ICECAST_TIMEOUT_S)
    )
    headers: Mapping[str, str] = {"Authorization": f"Basic {login}", "User-Agent": "lofi-radio doctor"}
    try:
        connection.request("GET", f"/admin/listclients?mount={quote(output.mount, safe='')}", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(4096).decode("utf-8", "replace")
    finally:
        connection.close()
