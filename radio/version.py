"""Which software this is: the package's version, and the commit where it runs from a checkout. Knows nothing else."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
from functools import cache
from pathlib import Path

COMMIT_VARIABLE = "LOFI_RADIO_COMMIT"
"""Says the commit where there is no checkout, such as in an image."""
_ROOT = Path(__file__).parent.parent
_TIMEOUT_S = 5.0


@cache
def software_version() -> str:
    """Return `0.1.0 (4c1c4b8a21)`, with `+` behind a commit whose files were changed; asks git, once."""
    try:
        version = importlib.metadata.version("lofi-radio")
    except importlib.metadata.PackageNotFoundError:
        version = "unpacked"
    commit = os.environ.get(COMMIT_VARIABLE, "").strip()[:40] or _commit()
    return f"{version} ({commit})" if commit else version


def _commit() -> str:
    if not (_ROOT / ".git").exists():
        return ""
    command = ["git", "-C", str(_ROOT), "describe", "--always", "--abbrev=10", "--dirty=+", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):  # no git, or a checkout that belongs to somebody else
        return ""
    return done.stdout.strip()
