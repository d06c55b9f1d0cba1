"""The data sets: what each is, who made it, under which licence, and whether the copy at hand is the one we know.

`python -m training.corpora` lists them. Nothing of them is in the repository, and nothing is fetched: this says where
to get a set and refuses one that is not what it should be. Knows nothing about tokens or the network.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.charts import read_billboard_charts, read_lead_sheets, read_progressions
from training.drums import read_gmd
from training.errors import CorpusError, told_plainly
from training.manifest import hash_archive, hash_folder
from training.mutopia import read_mutopia
from training.pop909 import read_pop909
from training.tunes import read_abc_tunes, read_midi_tunes

DEFAULT_DATA = Path("~/.cache/lofi-radio/data")
PERMITTED = ("CC0", "public domain", "CC BY 4.0", "public domain or CC BY 3.0", "MIT")
Loaded = tuple[list[Any], list[str]]
"""(songs, charts or tunes; the reasons for what was left out)."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set."""

    key: str
    name: str
    licence: str
    attribution: str
    source: str
    folder: str
    """Below the data folder; an archive FOLDER.tar.xz beside it can be checked, not read."""
    files: tuple[str, ...]
    """Which files of the folder belong to the set."""
    checksum: str | None
    """Of the manifest (manifest.py); None: we have never had this set in hands."""
    licence_files: tuple[tuple[str, str], ...]
    """(file, what must stand in it): a copy that says otherwise is refused, whatever its checksum."""
    load: Callable[[Path, int | None], Loaded]
    warning: str = ""
    """Why the set needs the user's own decision, where it does."""

    def card(self) -> dict[str, str]:
        """Return what a model card says of the set."""
        return {"name": self.name, "licence": self.licence, "attribution": self.attribution, "source": self.source}


_ALL = ("*",)
DATA_SETS = {
    item.key: item
    for item in (
        DataSet(
            key="gmd",
            name="Groove MIDI Dataset 1.0.0, 4/4",
            licence="CC BY 4.0",
            attribution="Groove MIDI Dataset, Gillick, Roberts, Engel, Eck, Bamman, ICML 2019, CC BY 4.0",
            source="https://github.com/zharry29/drums-with-llm (folder groove)",
            folder="gmd",
            files=_ALL,
            checksum="6e6f7823f92c612650a35bd348f300dd17809dc6bd2d4d9703784a83658e012f",
            licence_files=(("LICENSE", "Creative Commons Attribution 4.0"),),
            load=read_gmd,
        ),
        DataSet(
            key="e_gmd",
            name="Expanded Groove MIDI Dataset 1.0.0, one copy of each performance",
            licence="CC BY 4.0",
            attribution="E-GMD, Callender, Hawthorne, Engel 2020, CC BY 4.0",
            source="https://magenta.tensorflow.org/datasets/e-gmd (the MIDI archive and its CSV)",
            folder="e-gmd",
            files=("*.csv", "*.mid", "*.midi", "LICENSE"),
            checksum=None,
            licence_files=(("LICENSE", "Creative Commons Attribution 4.0"),),
            load=read_gmd,
        ),
        DataSet(
            key="pop909",
            name="POP909 (piano accompaniment only) with POP909-CL chords, keys and bars",
            licence="MIT",
            attribution="POP909, Wang et al., ISMIR 2020; POP909-CL (2025)",
            source="https://github.com/music-x-lab/POP909-Dataset, https://github.com/AndyWeasley2004/POP909-CL-Dataset",
            folder="pop909_piano",
            files=_ALL,
            checksum="cfd65a263ebd24a5cab1720f5a3d2bc2db1a6d7a9f4fa6337f96c57c0448d994",
            licence_files=(("LICENSE", "MIT License"), ("LICENSE.pop909_cl", "MIT License")),
            load=read_pop909,
        ),
        DataSet(
            key="openewld",
            name="OpenEWLD, the strictly public-domain lead sheets",
            licence="public domain",
            attribution="OpenEWLD, Simonetta 2018",
            source="https://github.com/00sapo/OpenEWLD",
            folder="harmony",
            files=("openewld_strict.jsonl",),
            checksum="5e749807fe0449f69562b94451b1744df607eaeaa660f296ffdf4d86e4f96b5d",
            licence_files=(),
            load=read_lead_sheets,
        ),
        DataSet(
            key="billboard",
            name="McGill Billboard chord charts",
            licence="CC0",
            attribution="Burgoyne, Wild, Fujinaga, ISMIR 2011",
            source="https://github.com/boomerr1/The-McGill-Billboard-Project",
            folder="harmony",
            files=("mcgill_billboard.jsonl",),
            checksum="c63366a8ccf2d21ca5f151fb56e5de3d8b719ff90b903f7b01a97711d2734d3e",
            licence_files=(),
            load=read_billboard_charts,
        ),
        DataSet(
            key="progressions",
            name="free-midi-chords progressions",
            licence="MIT",
            attribution="Ludovic Drolez",
            source="https://github.com/ldrolez/free-midi-chords",
            folder="harmony",
            files=("progressions.json", "LICENSE.progressions"),
            checksum="a1825dbc1b383853b4382792a6694fb5fb146f7a1c4ea775a66096946a833d4c",
            licence_files=(("LICENSE.progressions", "MIT License"),),
            load=read_progressions,
        ),
        DataSet(
            key="mutopia",
            name="Mutopia piano pieces, 4/4",
            licence="public domain or CC BY 3.0",
            attribution="Mutopia Project; the typesetter of each piece in index.csv",
            source="https://github.com/MutopiaProject/MutopiaProject",
            folder="mutopia_piano",
            files=_ALL,
            checksum="4c889caa7b82ac6cbf272455749f7f64870e98c0abb83718ab485516a26e3b13",
            licence_files=(("LICENSE-NOTE.txt", "Public Domain (67) or CC BY 3.0 (6)"),),
            load=read_mutopia,
        ),
        DataSet(
            key="irish_cre",
            name="Ceol Rince na hÉireann, 1,195 dance tunes as MIDI",
            licence="CC BY 4.0",
            attribution="Diamond, Shahid (Polifonia), CC BY 4.0",
            source="https://github.com/polifonia-project/folk_ngram_analysis",
            folder="tunes/irish_cre",
            files=_ALL,
            checksum="a6692d58b8890f8e97cd3086e6ad5139ccef0807642c2964b30f728e93588e32",
            licence_files=(("README.md", "CC_BY_v4"),),
            load=read_midi_tunes,
        ),
        DataSet(
            key="irish_abc",
            name="O'Neill's, Ryan's and Aird's collections, 4,213 dance tunes as ABC",
            licence="public domain",
            attribution="O'Neill 1903, Ryan 1883, Aird 1778; the volunteers who typed them in; music21's corpus",
            source="https://github.com/cuthbertLab/music21 (corpus)",
            folder="tunes",
            files=("all_tunes.abc",),
            checksum="db5cc2884626801353a4c79d235c7b68cc1511a98913957c4f27cbcdf7ff0ba4",
            licence_files=(),
            load=read_abc_tunes,
        ),
        DataSet(
            key="irishman",
            name="IrishMAN, 216,284 tunes as MIDI: the thesis's corpus",
            licence="MIT, by those who collected it",
            attribution="IrishMAN, Wu, Li, Yu, Sun 2023 (TunesFormer)",
            source="https://huggingface.co/datasets/sander-wood/irishman (irishman-midi.zip)",
            folder="irishman",
            files=("*.mid", "*.midi"),
            checksum=None,
            licence_files=(),
            load=read_midi_tunes,
            warning=(
                "its tunes come in part from The Session, whose terms forbid use with language models. We ship nothing "
                "that learned from it; whether you may use it is for you to decide"
            ),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Consent:
    """What the user takes on."""

    changed: bool = False
    """Files that are not those whose checksum we know."""
    licences: Collection[str] = ()
    """Keys of sets that come with a warning."""


def data_set(key: str) -> DataSet:
    """Return a set by its key.

    Raises:
        CorpusError: there is none.
    """
    if key not in DATA_SETS:
        raise CorpusError(f"{key!r}: not a data set. Choose from {', '.join(DATA_SETS)}.")
    return DATA_SETS[key]


def verify(item: DataSet, data: Path, consent: Consent | None = None) -> str:
    """Return the checksum of the copy in a data folder.

    Raises:
        CorpusError: it is missing, under another licence, or not the one we know and the user did not take it on.
    """
    consent = consent or Consent()
    folder = data / item.folder
    if not folder.is_dir():
        raise CorpusError(f"{folder}: not found. {_how_to_get(item, data)}")
    _check_licence(item, folder, consent)
    found, count = hash_folder(folder, item.files)
    if not count:
        raise CorpusError(f"{folder}: holds none of {', '.join(item.files)}. {_how_to_get(item, data)}")
    if found != item.checksum and not consent.changed:
        known = f"{item.checksum} is expected" if item.checksum else "we know no checksum of this set"
        raise CorpusError(
            f"{folder}: checksum {found} over {count} files, {known}. {_how_to_get(item, data)} If this is a copy "
            "that you trust (another release, more files), take it on with --accept-changed: the corpus notes its "
            "checksum."
        )
    return found


def _check_licence(item: DataSet, folder: Path, consent: Consent) -> None:
    if item.licence not in PERMITTED and item.key not in consent.licences:
        raise CorpusError(
            f"{item.key}: licence {item.licence!r}; {item.warning}. Say so with --accept-licence {item.key}."
        )
    for name, phrase in item.licence_files:
        path = folder / name
        if path.is_file() and phrase not in " ".join(path.read_text(encoding="utf-8", errors="replace").split()):
            raise CorpusError(
                f"{path}: does not say {phrase!r}, so this is not {item.name} as we know it. Get it again."
            )


def _how_to_get(item: DataSet, data: Path) -> str:
    archive = _archive(item, data)
    if archive is not None:
        return f"Unpack {archive.name} there."
    return f"Get {item.name} ({item.licence}) from {item.source} and unpack it as {data / item.folder}."


def _archive(item: DataSet, data: Path) -> Path | None:
    top = item.folder.partition("/")[0]
    return next((path for path in (data / f"{top}.tar.xz", data / f"{top}.tar.gz") if path.is_file()), None)


def state_of(item: DataSet, data: Path) -> str:
    """Return in a word or two whether a set is there and right; an archive is looked into."""
    archive = _archive(item, data)
    if not (data / item.folder).is_dir():
        if archive is None:
            return "missing"
        found, count = hash_archive(archive, item.folder, item.files)
        return f"packed, {_judge(item, found)}" if count else "missing"
    found, count = hash_folder(data / item.folder, item.files)
    return f"{_judge(item, found)}, {count} files" if count else "missing"


def _judge(item: DataSet, found: str) -> str:
    return "right" if found == item.checksum else f"changed ({found[:12]}…)" if item.checksum else f"new ({found})"


@told_plainly()
def main(arguments: list[str] | None = None) -> None:
    """List the data sets."""
    parser = argparse.ArgumentParser(prog="python -m training.corpora", description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the unpacked sets, or of archives")
    data = parser.parse_args(arguments).data.expanduser()
    for item in DATA_SETS.values():
        print(f"{item.key}: {state_of(item, data)} ({item.folder})")
        lines = (f"{item.name}. {item.licence}", item.attribution, item.source, item.warning)
        print("".join(f"    {line}\n" for line in lines if line), end="")


if __name__ == "__main__":
    main()
