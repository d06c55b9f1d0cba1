"""The command `lofi-radio`: run, check, render, moods, doctor. Knows nothing about how any of them works."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from engine import SAMPLE_RATE_HZ, EngineError, MoodError, Station, compare_moods
from radio import cli_show, doctor
from radio.config import Config
from radio.config_file import load_config
from radio.config_outputs import Icecast, Push
from radio.errors import ConfigError, RadioError
from radio.log import setup_logging
from radio.render import Order
from radio.render import render as render_file

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
CONFIG_NAME = Path("config.yaml")

cli = typer.Typer(
    name="lofi-radio",
    help="A radio station that composes its own lo-fi music, for ever.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain sentences, no boxes
)
ConfigPath = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file; ./config.yaml if there is one.", show_default=False),
]


def main() -> None:
    """Run the command line."""
    cli()


@cli.command()
def run(config: ConfigPath = None) -> None:
    """Be on air until stopped."""
    with _told_plainly():
        path = config or CONFIG_NAME
        tree = load_config(path)
        setup_logging(tree.log, _secrets(tree))
        from radio.app import run as run_radio

        asyncio.run(run_radio(path))


@cli.command()
def check(config: ConfigPath = None) -> None:
    """Check config.yaml and print the effective tree, secrets hidden."""
    with _told_plainly():
        path = config or CONFIG_NAME
        tree = load_config(path)
        typer.echo(cli_show.effective_tree(tree), nl=False)
        for problem in cli_show.missing_secrets(tree):
            typer.echo(f"warning: {problem}", err=True)
        typer.echo(f"{path}: right.", err=True)


@cli.command()
def render(  # noqa: PLR0913 - each parameter is an option of the command
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: .flac, .wav or .mp3.")],
    mood: Annotated[str, typer.Option("--mood", "-m", help="See `lofi-radio moods`.")] = "study",
    seconds: Annotated[float, typer.Option("--seconds", "-s", help="Length, 1-14400.")] = 60.0,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same notes; none takes a new one.")] = None,
    midi: Annotated[Path | None, typer.Option(help="Write the notes here too: x.mid.")] = None,
    config: ConfigPath = None,
) -> None:  # fmt: skip
    """Render music to a file, as fast as the machine can."""
    with _told_plainly():
        tree = _config_or_defaults(config)
        chosen = secrets.randbits(32) if seed is None else seed
        order = Order(tree.mood(mood), seconds, chosen, out, midi)
        setup_logging(tree.log.model_copy(update={"level": "ERROR"}))
        station = Station.build(tree.setup(order.mood, chosen))
        try:
            for trouble in station.troubles:
                typer.echo(f"note: {trouble}", err=True)
            with _progress_bar(order.frames) as advance:
                bars = render_file(order, station, advance)
        finally:
            station.close()
        files = " and ".join(str(path) for path in (out, midi) if path is not None)
        typer.echo(f"{files}: {seconds:g} s of {mood}, {len(bars)} bars, seed {chosen}.")


moods_cli = typer.Typer(help="List the moods with their main numbers, or compare or show them.", rich_markup_mode=None)
cli.add_typer(moods_cli, name="moods")


@moods_cli.callback(invoke_without_command=True)
def moods(context: typer.Context, config: ConfigPath = None) -> None:
    """List the moods with their main numbers, or compare or show them."""
    if context.invoked_subcommand is not None:
        return
    with _told_plainly():
        tree = _config_or_defaults(config)
        table = cli_show.mood_table([tree.mood(name) for name in tree.mood_names()])
        Console(width=None if sys.stdout.isatty() else 140).print(table)


@moods_cli.command()
def compare(
    hours: Annotated[float, typer.Option(help="Music to compose twice for each mood, 0.1-24.", min=0.1, max=24)] = 1.0,
    config: ConfigPath = None,
) -> None:
    """Print how far the moods are apart, measured on bars that the rules compose; takes a minute."""
    with _told_plainly():
        tree = _config_or_defaults(config)
        likeness = compare_moods([tree.mood(name) for name in tree.mood_names()], hours)
        console = Console(width=None if sys.stdout.isatty() else 160)
        console.print(cli_show.portrait_table(likeness))
        console.print(cli_show.distance_table(likeness))
        for one, other, ratio in likeness.alike():
            typer.echo(f"{one} and {other} are only {ratio:.1f} times as far apart as two hours of one of them.")


@moods_cli.command()
def show(
    name: str,
    brief: Annotated[bool, typer.Option("--brief", help="Only what differs from an untouched mood.")] = False,
    config: ConfigPath = None,
) -> None:
    """Print every number of a mood, or of a mixture such as study=0.7,rainy=0.3, as a file for the folder moods/.

    With --brief: as it stands under `moods:` in config.yaml.
    """
    with _told_plainly():
        mood = _config_or_defaults(config).mood(_mixture(name))
        typer.echo(cli_show.mood_entry(mood) if brief else cli_show.mood_file(mood), nl=False)


def _mixture(text: str) -> str | dict[str, float]:
    """Read `study=0.7,rainy=0.3`; anything else is a name."""
    pairs = [part.partition("=") for part in text.split(",")]
    if any(not sign for _, sign, _ in pairs):
        return text
    try:
        return {name.strip(): float(weight) for name, _, weight in pairs}
    except ValueError as problem:
        raise MoodError(f"mood {text!r}: write weights as numbers, such as study=0.7,rainy=0.3.") from problem


@cli.command()
def devices() -> None:
    """List the sound cards and virtual cables that `device:` can name."""
    from radio.outputs.device import list_devices

    with _told_plainly():
        for line in list_devices() or ("There is no sound card here that can play in stereo.",):
            typer.echo(line)


@cli.command(name="doctor")
def examine(config: ConfigPath = None) -> None:
    """Say what is missing or broken, and the remedy."""
    with _told_plainly():
        tree = _config_or_defaults(config)
        setup_logging(tree.log.model_copy(update={"level": "ERROR"}))
        console, failed = Console(), 0
        for finding in doctor.examine(tree):
            cli_show.show_finding(console, finding)
            failed += finding.state == "fail"
        if failed:
            typer.echo(f"{failed} failed. The remedy stands on each line.", err=True)
            raise typer.Exit(FAILED)


def _config_or_defaults(path: Path | None) -> Config:
    if path is None and not CONFIG_NAME.exists():
        return Config().anchored(Path.cwd())
    return load_config(path or CONFIG_NAME)


def _secrets(tree: Config) -> list[str]:
    found = []
    outputs: tuple[Icecast | Push, ...] = (*tree.icecast, *tree.push)
    for output in outputs:
        try:
            found.append(output.password())
        except RadioError as problem:
            typer.echo(f"warning: {problem}", err=True)
    token = tree.security.token()
    return [*found, *([token] if token else [])]


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Turn expected failures into a sentence on standard error and an exit code."""
    try:
        yield
    except (ConfigError, MoodError) as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(WRONG_USE) from problem
    except (RadioError, EngineError) as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(FAILED) from problem
    except KeyboardInterrupt as stop:
        raise typer.Exit(INTERRUPTED) from stop


@contextmanager
def _progress_bar(frames: int) -> Iterator[Callable[[int], None]]:
    with Progress(
        TextColumn("{task.fields[done_s]:5.0f} s"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("render", total=frames, done_s=0.0)
        yield lambda done: progress.update(task, completed=done, done_s=done / SAMPLE_RATE_HZ)


if __name__ == "__main__":
    main()
