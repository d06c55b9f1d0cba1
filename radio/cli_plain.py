"""What every command shares: its configuration, and failures told in a sentence. Knows nothing about any command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from engine import EngineError, MoodError, OrderError
from radio.config import Config
from radio.config_file import load_config
from radio.errors import ConfigError, MomentError, RadioError

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
CONFIG_NAME = Path("config.yaml")
ConfigPath = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file; ./config.yaml if there is one.", show_default=False),
]


def config_or_defaults(path: Path | None) -> Config:
    """Read the configuration; without one, what an empty one means."""
    if path is None and not CONFIG_NAME.exists():
        return Config().anchored(Path.cwd())
    return load_config(path or CONFIG_NAME)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn expected failures into a sentence on standard error and an exit code."""
    try:
        yield
    except (ConfigError, MomentError, MoodError, OrderError) as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(WRONG_USE) from problem
    except (RadioError, EngineError) as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(FAILED) from problem
    except KeyboardInterrupt as stop:
        raise typer.Exit(INTERRUPTED) from stop
