"""The command `lofi-radio thesis`: the thesis's pipeline with its options. Knows nothing about how it is played."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from engine import (
    STEMS,
    THESIS_MIX,
    Extent,
    Recurrence,
    Station,
    StationSetup,
    ThesisSong,
    load_recurrence,
    notes_of_midi,
    parse_tokens,
    random_tokens,
    thesis_bars,
    thesis_context,
    thesis_instrument,
    thesis_model,
    thesis_tokens,
)
from radio.cli_plain import config_or_defaults, told_plainly
from radio.errors import RenderError
from radio.log import setup_logging
from radio.render import render
from radio.render_order import Order

OUT_LEN_MAX = 100_000
_OUT = Path("output.mp3")


def add_to(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command(name="thesis")(run)


def run(  # noqa: PLR0913 - each parameter is an option of the command
    piano: Annotated[Path, typer.Option("--piano", help="The melody's model: a .pth or a folder.")],
    drums: Annotated[Path | None, typer.Option("--drums", help="The drums' model; none: no drums.")] = None,
    ctx: Annotated[str | None, typer.Option("-c", "--ctx", help="Context as text: '3c:d t62 3c:0'.")] = None,
    midi: Annotated[Path | None, typer.Option("-m", "--midi", help="Context from a MIDI file.")] = None,
    out_len: Annotated[int, typer.Option("-t", "--out_len", help="Unique tokens.", min=1, max=OUT_LEN_MAX)] = 100,
    song_len: Annotated[float, typer.Option("-st", "--song_len", help="Length of the song, seconds.", min=1)] = 60.0,
    temperature: Annotated[float, typer.Option("-te", "--temperature", min=0, max=3)] = 1.0,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same song; none takes a new one.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Its file; the second one ends in -instrument.")] = _OUT,
    midi_out: Annotated[Path | None, typer.Option(help="Write the notes here too: x.mid.")] = None,
    restarts: Annotated[bool, typer.Option("--restarts", help="Begin again each 100 tokens, as it did.")] = False,
    backend: Annotated[str, typer.Option(help="rwkv for .pth files; onnx for folders.")] = "onnx",
    config: Annotated[Path | None, typer.Option("--config", help="Configuration file.", show_default=False)] = None,
) -> None:  # fmt: skip
    """Play the lo-fAi thesis's system: its options, vocabulary, sampling and mix, its faults repaired."""
    with told_plainly():
        tree = config_or_defaults(config)
        setup_logging(tree.log.model_copy(update={"level": "ERROR"}))
        song = ThesisSong(out_len, song_len, temperature, secrets.randbits(32) if seed is None else seed, restarts)
        setup = replace(tree.setup(THESIS_MIX, song.seed), parts=STEMS)
        orders = _orders(setup, song_len, out, midi_out)
        contexts = _contexts(ctx, midi, song.seed)
        written = [
            [] if path is None else thesis_tokens(_model(path, backend), context, song, place)
            for place, (path, context) in enumerate(zip((piano, drums), contexts, strict=True))
        ]
        bars = thesis_bars(written[0], written[1], song)
        for order in orders:
            station = Station.of_score(order.setup, bars)
            try:
                done = render(order, station, station.assets)
            finally:
                station.close()
            typer.echo(f"{order.out}: {done.seconds:g} s, {done.lufs:.1f} LUFS, seed {song.seed}.")


def _orders(setup: StationSetup, song_len: float, out: Path, midi_out: Path | None) -> list[Order]:
    """Return its two files: on the piano, and on an instrument drawn by chance."""
    extent = Extent(song_len, fade_out_s=2.0)
    other = replace(setup, mood=replace(setup.mood, keys_program=(0, thesis_instrument(setup.seed))))
    beside = out.with_name(f"{out.stem}-instrument{out.suffix}")
    lufs = setup.target_lufs
    return [Order(setup, extent, out, midi_out, lufs=lufs), Order(other, extent, beside, lufs=lufs)]


def _model(path: Path, backend: str) -> Recurrence:
    return thesis_model(load_recurrence(path, backend))


def _contexts(ctx: str | None, midi: Path | None, seed: int) -> tuple[list[int], list[int]]:
    """Return what each model goes on from: the melody's notes for one, the drums' for the other."""
    if ctx is not None and midi is not None:
        raise RenderError("-c and -m: give one context, text or a MIDI file.")
    if midi is not None:
        try:
            notes = notes_of_midi(midi.read_bytes(), midi.name)
        except OSError as problem:
            raise RenderError(f"{midi}: cannot be read ({problem.strerror}). Name a MIDI file.") from problem
        melody, beat = ([note for note in notes if note.drum is drum] for drum in (False, True))
        return thesis_context(melody), thesis_context(beat)
    ids = parse_tokens(random_tokens(seed) if ctx is None else ctx)
    return ids, ids if ctx is not None else thesis_context(())
