"""What files a data set consists of, as one hash that an archive and its unpacked folder share.

A manifest is a line `sha256  name` a file, sorted by name; its sha256 is the set's checksum. The same in a shell:
`cd FOLDER && find * -type f | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum`. Knows nothing about music.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from training.errors import CorpusError


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _folder_files(folder: Path, patterns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and _matches(name, patterns):
            yield name, hashlib.sha256(path.read_bytes()).hexdigest()


def _archive_files(archive: Path, top: str, patterns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    try:
        with tarfile.open(archive) as file:
            for member in file:
                path = PurePosixPath(member.name)
                name = path.relative_to(top).as_posix() if path.is_relative_to(top) else ""
                content = file.extractfile(member) if name and member.isfile() and _matches(name, patterns) else None
                if content is not None:
                    yield name, hashlib.sha256(content.read()).hexdigest()
    except (OSError, EOFError, tarfile.TarError) as error:
        raise CorpusError(f"{archive}: not a readable archive ({error}). Fetch it again.") from error


def manifest_sha256(files: Iterable[tuple[str, str]]) -> str:
    """Return the hash of (name, sha256) pairs in any order."""
    lines = sorted(files, key=lambda pair: pair[0].encode())
    return hashlib.sha256("".join(f"{digest}  {name}\n" for name, digest in lines).encode()).hexdigest()


def hash_folder(folder: Path, patterns: tuple[str, ...] = ("*",)) -> tuple[str, int]:
    """Return (checksum, number of files) of a folder's files whose relative names match; `*` also matches slashes."""
    files = list(_folder_files(folder, patterns))
    return manifest_sha256(files), len(files)


def hash_archive(archive: Path, top: str, patterns: tuple[str, ...] = ("*",)) -> tuple[str, int]:
    """Return the same of a folder that is packed in a tar archive.

    Raises:
        CorpusError: the archive is damaged.
    """
    files = list(_archive_files(archive, top, patterns))
    return manifest_sha256(files), len(files)
