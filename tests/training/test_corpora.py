import hashlib
import json
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from training.cards import DATA, write_card
from training.corpora import DATA_SETS, PERMITTED, Consent, data_set, main, state_of, verify
from training.errors import CorpusError
from training.manifest import hash_archive, hash_folder

FILES = {"LICENSE": "Attribution: Creative Commons\nAttribution 4.0 International", "a.mid": "x", "b/c d.mid": "y"}


def fill(folder, files=FILES):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.fixture
def groove(tmp_path):
    folder = fill(tmp_path / "gmd")
    return replace(DATA_SETS["gmd"], checksum=hash_folder(folder)[0])


def test_every_set_says_what_it_is_where_it_comes_from_and_under_which_terms():
    for item in DATA_SETS.values():
        assert item.name
        assert item.attribution
        assert item.source.startswith("https://")
        assert callable(item.load)
        assert item.licence in PERMITTED or item.warning
        assert item.checksum is None or len(item.checksum) == 64


def test_folder_archive_and_shell_agree_on_a_checksum(tmp_path):
    folder = fill(tmp_path / "gmd")
    with tarfile.open(tmp_path / "gmd.tar.xz", "w:xz") as archive:
        archive.add(folder, "gmd")
    command = "find * -type f | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum"
    shell = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True).stdout.split()[
        0
    ]
    assert hash_folder(folder) == hash_archive(tmp_path / "gmd.tar.xz", "gmd") == (shell, 3)
    assert hash_archive(tmp_path / "gmd.tar.xz", "gmd/b") == hash_folder(folder / "b")
    line = f"{hashlib.sha256(b'x').hexdigest()}  a.mid\n"
    assert hash_folder(folder, ("a*",)) == (hashlib.sha256(line.encode()).hexdigest(), 1)


def test_the_known_copy_passes_and_one_changed_byte_does_not(groove, tmp_path):
    assert verify(groove, tmp_path) == groove.checksum
    (tmp_path / "gmd" / "a.mid").write_text("z")
    with pytest.raises(CorpusError, match=r"checksum .* over 3 files, .* is expected.*--accept-changed"):
        verify(groove, tmp_path)
    assert verify(groove, tmp_path, Consent(changed=True)) != groove.checksum


def test_another_licence_is_refused_whatever_the_user_accepts(groove, tmp_path):
    (tmp_path / "gmd" / "LICENSE").write_text("Attribution-NonCommercial 4.0")
    with pytest.raises(CorpusError, match=r"does not say 'Creative Commons Attribution 4.0'"):
        verify(groove, tmp_path, Consent(changed=True))


def test_a_missing_set_says_how_to_get_it(groove, tmp_path):
    with pytest.raises(CorpusError, match=r"not found\. Get Groove MIDI.*CC BY 4\.0.*github\.com.*unpack it as"):
        verify(groove, tmp_path / "elsewhere")
    with pytest.raises(CorpusError, match="holds none of"):
        verify(replace(groove, files=("*.flac",)), tmp_path)


def test_a_set_with_doubtful_terms_needs_the_user_s_own_word(tmp_path):
    fill(tmp_path / "irishman", {"1.mid": "x"})
    irishman = data_set("irishman")
    with pytest.raises(CorpusError, match=r"The Session.*--accept-licence irishman"):
        verify(irishman, tmp_path, Consent(changed=True))
    with pytest.raises(CorpusError, match="we know no checksum"):
        verify(irishman, tmp_path, Consent(licences={"irishman"}))
    assert verify(irishman, tmp_path, Consent(changed=True, licences={"irishman"}))


def test_the_list_shows_what_is_right_changed_packed_and_missing(groove, tmp_path, capsys):
    assert state_of(groove, tmp_path) == "right, 3 files"
    assert state_of(replace(groove, checksum="0"), tmp_path).startswith("changed")
    with tarfile.open(tmp_path / "gmd.tar.xz", "w:xz") as archive:
        archive.add(tmp_path / "gmd", "gmd")
    (tmp_path / "gmd").rename(tmp_path / "away")
    assert state_of(groove, tmp_path) == "packed, right"
    with pytest.raises(CorpusError, match=r"Unpack gmd\.tar\.xz there"):
        verify(groove, tmp_path)
    (tmp_path / "gmd.tar.xz").write_bytes(b"broken")
    with pytest.raises(CorpusError, match="not a readable archive"):
        state_of(groove, tmp_path)
    main(["--data", str(tmp_path / "empty")])
    printed = capsys.readouterr().out
    assert all(f"{key}: missing" in printed and item.source in printed for key, item in DATA_SETS.items())


def test_an_unknown_set_is_refused_with_the_choice():
    with pytest.raises(CorpusError, match=r"'maestro': not a data set. Choose from gmd"):
        data_set("maestro")


def test_model_cards_name_the_sets_as_they_are_described_here():
    assert [item["name"] for item in DATA["piano"]] == [DATA_SETS[key].name for key in (
        "pop909", "openewld", "billboard", "progressions")]  # fmt: skip
    assert DATA["drums"] == (DATA_SETS["gmd"].card(),)


def test_a_card_shows_its_picture_where_there_is_one(tmp_path):
    card = json.loads((Path(__file__).parents[2] / "models" / "piano" / "card.json").read_text())
    write_card(tmp_path, card)
    assert "roll.png" not in (tmp_path / "README.md").read_text()
    (tmp_path / "roll.png").write_bytes(b"")
    write_card(tmp_path, card)
    assert "](roll.png)" in (tmp_path / "README.md").read_text()
