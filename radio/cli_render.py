"""The command `lofi-radio render`. Knows nothing about how music is made or written."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from engine import STEMS, Extent, Mood, Prompt, parse_key, parse_layout, tailored
from radio.cli_plain import FAILED, ConfigPath, config_or_defaults, told_plainly
from radio.cli_words import told
from radio.config import Config
from radio.log import setup_logging
from radio.mixture import parse_mixture
from radio.prompting import PromptWish, moved
from radio.render_batch import Made, make, make_all, missing
from radio.render_order import Order, numbered, parse_parts, parse_seconds
from radio.words import understand

_LUFS_OF_THE_STATION = (-30.0, -10.0)


def add_to(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command()(render)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the options of a render say about the music."""

    mood: str
    bpm: float | None
    key: str | None
    form: str | None
    parts: str | None
    words: str | None = None

    def music(self, tree: Config, prompt: Prompt | None) -> tuple[Mood, Prompt | None]:
        """Return the mood to play in, and the prompt in its key and tempo."""
        key, bpm = parse_key(self.key) if self.key else None, self.bpm
        mood = tree.mood(parse_mixture(self.mood))
        if self.words is not None:
            answer = understand(self.words, mood, mood)
            for line in told(answer):
                typer.echo(line, err=True)
            mood = answer.mood
        if prompt is None:
            return tailored(mood, bpm, key), None
        key, bpm = moved(prompt, key or prompt.key), bpm or prompt.bpm
        return prompt.coloured(tailored(mood, bpm, key)), replace(prompt, key=key, bpm=bpm)


def render(  # noqa: PLR0913 - each parameter is an option of the command
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: .flac, .wav, .mp3, .opus or .m4a.")],
    mood: Annotated[str, typer.Option("--mood", "-m", help="A mood, or several: study:0.7,rainy:0.3.")] = "study",
    words: Annotated[str | None, typer.Option(help='What it shall be like: "rainy night, slow, no drums".')] = None,
    seconds: Annotated[str, typer.Option("--seconds", "--length", "-s", help="Length: 90 or 1:30, up to 4 h.")] = "60",
    piece: Annotated[bool, typer.Option("--piece", help="One whole piece, to its end, however long.")] = False,
    pieces: Annotated[int, typer.Option(help="So many whole pieces.", min=0, max=100)] = 0,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same notes; none takes a new one.")] = None,
    bpm: Annotated[float | None, typer.Option(help="Tempo of every piece, 40-140.")] = None,
    key: Annotated[str | None, typer.Option(help="Key of every piece: 'F# minor', Eb, Am.")] = None,
    form: Annotated[str | None, typer.Option(help="Sections of every piece: \"intro A:16 B A' outro\".")] = None,
    midi: Annotated[Path | None, typer.Option(help="Write the notes here too: x.mid.")] = None,
    stems: Annotated[Path | None, typer.Option(help="Folder for the parts apart; they add up to the mix.")] = None,
    parts: Annotated[str | None, typer.Option(help=f"Only these of {','.join(STEMS)}.")] = None,
    fade_out: Annotated[float, typer.Option(help="Seconds of fading at the end.", min=0, max=60)] = 6.0,
    lufs: Annotated[float | None, typer.Option(help="Loudness of the whole track, -40 to -8.")] = None,
    title: Annotated[str | None, typer.Option(help="Title in the file's tags; none takes the piece's.")] = None,
    prompt_midi: Annotated[Path | None, typer.Option(help="Go on from a MIDI file.")] = None,
    prompt_audio: Annotated[Path | None, typer.Option(help="Go on from a recording: WAV, MP3, …")] = None,
    prompt_tokens: Annotated[str | None, typer.Option(help="Go on from notes in text: '3c:d t62 3c:0'.")] = None,
    prompt_random: Annotated[bool, typer.Option("--prompt-random", help="Go on from notes drawn by the seed.")] = False,
    prompt_live: Annotated[str | None, typer.Option(help="Go on from what is played now: midi or mic.")] = None,
    quote: Annotated[int | None, typer.Option(help="So many of the prompt's bars open the piece.")] = None,
    count: Annotated[int | None, typer.Option(help="So many tracks, of seeds one after the other from --seed.")] = None,
    jobs: Annotated[int, typer.Option(help="Tracks at a time in a batch; each takes 200 MB.")] = 1,
    config: ConfigPath = None,
) -> None:  # fmt: skip
    """Render music to files, as fast as the machine can."""
    with told_plainly():
        tree = config_or_defaults(config)
        wish = Wish(mood, bpm, key, form, parts, words)
        whole = max(pieces, int(piece))
        extent = Extent(None if whole else parse_seconds(seconds), whole, fade_out)
        first = (secrets.randbits(32) if count is None else 1) if seed is None else seed
        wished = PromptWish(prompt_midi, prompt_tokens, prompt_audio, prompt_random, prompt_live, quote, _say)
        music, prompt = wish.music(tree, wished.fetch(first))
        if prompt is not None:
            _say(f"prompt {prompt.name}: {', '.join(prompt.notices)}")
        loudness = tree.engine.target_lufs if lufs is None else lufs
        setup = replace(
            tree.setup(music, first),
            prompt=prompt,
            form=parse_layout(form) if form else (),
            parts=parse_parts(parts) if parts else STEMS,
            stems=stems is not None,
            target_lufs=min(max(loudness, _LUFS_OF_THE_STATION[0]), _LUFS_OF_THE_STATION[1]),
        )
        order = Order(setup, extent, out, midi, stems, loudness, title)
        setup_logging(tree.log.model_copy(update={"level": "ERROR"}))
        if count is None:
            _one(order)
        else:
            _many(list(numbered(order, count)), jobs)


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _one(order: Order) -> None:
    with _bars() as progress:
        task = progress.add_task(order.out.name, total=order.extent.frames)
        made = make(order, lambda done, total: progress.update(task, completed=done, total=total))
    _tell(made)


def _many(orders: list[Order], jobs: int) -> None:
    wanted = missing(orders)
    if len(wanted) < len(orders):
        typer.echo(f"{len(orders) - len(wanted)} of {len(orders)} are there already.")
    if not wanted:
        return
    with _bars() as progress:
        whole = progress.add_task("all tracks", total=len(wanted))
        tasks: dict[int, TaskID] = {}

        def tell(number: int, done: int, total: int) -> None:
            if number not in tasks:
                tasks[number] = progress.add_task(wanted[number].out.name, total=total)
            progress.update(tasks[number], completed=done, total=total, visible=done < total)

        results = make_all(wanted, jobs, tell, lambda _made: progress.advance(whole))
    for made in results:
        _tell(made)
    failed = [made for made in results if made.problem]
    if failed:
        typer.echo(f"{len(failed)} of {len(wanted)} failed; the same command makes what is missing.", err=True)
        raise typer.Exit(FAILED)


def _tell(made: Made) -> None:
    order = made.order
    for trouble in made.troubles:
        typer.echo(f"note: {trouble}", err=True)
    if made.problem:
        typer.echo(f"{order.out}: {made.problem}", err=True)
        return
    files = " and ".join(str(path) for path in (order.out, order.midi, order.stems) if path is not None)
    seconds = f"{made.seconds:.1f}".removesuffix(".0")
    titles = ", ".join(f"“{title}”" for title in made.pieces[:3]) + (" …" if len(made.pieces) > 3 else "")
    name, seed = order.setup.mood.name, order.setup.seed
    typer.echo(f"{files}: {seconds} s of {name}, {titles}, {made.lufs:.1f} LUFS, seed {seed}.")


@contextmanager
def _bars() -> Iterator[Progress]:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        yield progress
