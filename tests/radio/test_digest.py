"""Signed digests: what was sent in a day, provable bar by bar, and what no longer fits is found."""

import json
import sqlite3
from dataclasses import asdict
from datetime import UTC, datetime

import pytest
from aiohttp import web
from fakes_journal import BEGAN_MS, Evening
from typer.testing import CliRunner

from radio.__main__ import cli
from radio.digest_check import Against, check_file
from radio.digest_folder import FOLDER_NAME, DigestFolder, DigestMaker
from radio.errors import ProvenanceError
from radio.journal_reader import JournalReader
from radio.provenance import Asked, describe
from radio.signing import KEY_NAME, station_key
from radio.web.provenance import Provenance

DAY_MS = 86_400_000

MIDNIGHT_MS = BEGAN_MS - BEGAN_MS % DAY_MS + DAY_MS

TOMORROW_MS = MIDNIGHT_MS + 3_600_000


@pytest.fixture
def house(tmp_path):
    """A journal with the hour before midnight and some minutes after it, two stations."""
    path = tmp_path / "journal.sqlite3"
    evening = Evening(path, began_ms=MIDNIGHT_MS - 600_000)
    evening.happens("on air").bars(120).happens("bed").passes(5, sound=True).bars(140)
    evening.write()
    Evening(path, "night", MIDNIGHT_MS - 60_000).happens("on air").bars(5).write()
    return House(tmp_path)


class House:
    def __init__(self, state):
        self.state, self.journal = state, state / "journal.sqlite3"
        self.folder = DigestFolder(state / FOLDER_NAME)

    def make(self, now_ms=TOMORROW_MS):
        return self.folder.make_due(self.journal, self.state, now_ms, thorough=True)

    def check(self, name="2026-12-01.json", **more):
        public = station_key(self.state).public
        against = Against(self.journal, frozenset((public,))) if not more else Against(**more)
        return check_file(self.folder.folder / name, against)

    def change(self, statement):
        database = sqlite3.connect(self.journal)
        changed = database.execute(statement).rowcount
        database.commit()
        database.close()
        return changed


def states(findings):
    return [finding.state for finding in findings]


def failed(findings):
    return " ".join(finding.said for finding in findings if finding.state == "fail")


def test_a_day_is_signed_once_it_is_over_and_all_of_it_agrees(house):
    assert house.make(MIDNIGHT_MS + 1_000) == []
    assert house.make() == ["2026-12-01.json"]
    assert house.make() == []
    body = house.folder.read("2026-12-01.json")["digest"]
    assert body["stations"].keys() == {"lofi", "night"}
    assert body["rows"] == sum(rows for blocks in body["stations"].values() for _, rows, _ in blocks)
    assert [block for block, *_ in body["stations"]["lofi"]] == ["23:50", "23:55"]
    assert body["assets"]["set"][1][:2] == ["loop ambience/sea", "dd" * 32]
    assert set(states(house.check())) == {"ok"}


def test_the_order_in_which_rows_were_written_does_not_matter(house, tmp_path):
    house.make()
    other = tmp_path / "other.sqlite3"
    with JournalReader(house.journal) as reader:
        rows = [*reader.all_bars(0, 2**60), *reader.all_events(0, 2**60)]
    Evening(other).write()
    shuffled = Evening(other)
    shuffled.rows = rows[::-1]
    shuffled.write()
    against = Against(other, frozenset((station_key(house.state).public,)))
    assert set(states(check_file(house.folder.folder / "2026-12-01.json", against))) == {"ok"}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE bars SET notes = '[]' WHERE id = 7", "Rows differ in lofi 23:50"),
        ("UPDATE bars SET title = 'Mine' WHERE station = 'night' AND bar = 1", "Rows differ in night 23:55"),
        ("UPDATE events SET kind = 'off air' WHERE kind = 'bed'", "Rows differ in lofi 23:55"),
        ("DELETE FROM bars WHERE id = 60", "Rows differ in lofi 23:50"),
    ],
)  # fmt: skip
def test_rows_that_were_changed_are_found_and_named(statement, said, house):
    house.make()
    assert house.change(statement) == 1
    assert said in failed(house.check())


def test_a_file_that_was_changed_or_signed_by_another_is_refused(house, tmp_path):
    house.make()
    path = house.folder.folder / "2026-12-01.json"
    stranger = station_key(tmp_path / "stranger").public
    assert "not the station's" in failed(house.check(trusted=frozenset((stranger,))))
    assert states(house.check(trusted=frozenset())) == ["ok", "warn", "ok"]
    path.write_bytes(path.read_bytes().replace(b'"rows":', b'"rows" :').replace(b"Piece", b"Poem"))
    assert not failed(house.check()), "blanks are no change"
    path.write_bytes(path.read_bytes().replace(b'"2026-12-01"', b'"2026-12-02"'))
    assert "changed after it was signed" in failed(house.check())
    for broken in (b"", b"[]", b'{"digest": {}}', path.read_bytes()[:-40]):
        path.write_bytes(broken)
        with pytest.raises(ProvenanceError):
            house.check()


def test_rows_that_come_late_get_a_revision_that_names_the_first(house):
    house.make()
    Evening(house.journal, began_ms=MIDNIGHT_MS - 30_000).bars(2).write()  # a slow disk, or a clock set back
    assert "more rows in lofi 23:55" in failed(house.check())
    assert house.make() == ["2026-12-01.r2.json"]
    second = house.folder.read("2026-12-01.r2.json")["digest"]
    assert (second["revision"], second["previous"]["file"]) == (2, "2026-12-01.json")
    assert set(states(house.check("2026-12-01.r2.json"))) == {"ok"}
    assert house.make() == []


def test_rows_written_twice_are_counted_twice(house):
    house.change("INSERT INTO bars SELECT (SELECT max(id) FROM bars) + 1, " + COLUMNS + " FROM bars WHERE id = 5")
    house.make()
    assert set(states(house.check())) == {"ok"}


def test_the_chain_goes_on_over_days_without_rows_and_a_changed_link_is_found(house):
    house.make()
    Evening(house.journal, began_ms=MIDNIGHT_MS + 3 * DAY_MS + 5_000).happens("on air").bars(3).write()
    made = house.make(MIDNIGHT_MS + 6 * DAY_MS)
    assert made == ["2026-12-02.json", "2026-12-05.json"]
    assert set(states(house.check("2026-12-05.json"))) == {"ok"}
    path = house.folder.folder / "2026-12-02.json"
    path.write_bytes(path.read_bytes().replace(b'"rows":', b'"rowz":0,"rows":'))
    assert "2026-12-02.json is not what it was" in failed(house.check("2026-12-05.json"))
    path.unlink()
    assert "warn" in states(house.check("2026-12-05.json"))


def test_what_was_deleted_for_its_age_is_no_forgery(house):
    house.make()
    house.change(f"DELETE FROM bars WHERE wall_ms < {MIDNIGHT_MS - 300_000}")
    house.change(f"DELETE FROM events WHERE wall_ms < {MIDNIGHT_MS - 300_000}")
    findings = house.check()
    assert not failed(findings)
    assert any("no longer holds lofi 23:50" in finding.said for finding in findings)
    assert house.make() == []


def record(house, seconds_before_midnight=100):
    with JournalReader(house.journal) as reader:
        return describe(reader, Asked("lofi", MIDNIGHT_MS - seconds_before_midnight * 1000), house.folder)


def test_one_bar_is_proved_without_the_journal(house, tmp_path):
    assert "not made yet" in record(house)["aired"][0]["proof"]["said"]
    house.make()
    path = tmp_path / "claim.json"
    path.write_text(json.dumps(record(house), indent=2, ensure_ascii=False))
    public = frozenset((station_key(house.state).public,))
    digest = house.folder.folder / "2026-12-01.json"
    assert set(states(check_file(path, Against(trusted=public, digest=digest)))) == {"ok"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda aired: aired["piece"].update(title="Mine"), "title"),
        (lambda aired: aired["notes"].pop(), "notes"),
        (lambda aired: aired["sounds"]["banks"][0].update(sha256="ee" * 32), "files"),
        (lambda aired: aired["proof"]["row"].update(title="Mine"), "not among those"),
        (lambda aired: aired["proof"].update(index=0), "not among those"),
        (lambda aired: aired["proof"].update(path=["zz"]), "damaged"),
    ],
)  # fmt: skip
def test_a_record_that_was_changed_is_refused(change, said, house, tmp_path):
    house.make()
    told = record(house)
    change(told["aired"][0])
    path = tmp_path / "claim.json"
    path.write_text(json.dumps(told))
    digest = house.folder.folder / "2026-12-01.json"
    assert said in failed(check_file(path, Against(digest=digest)))


def test_the_maker_says_a_failure_once_and_goes_on(house, caplog):
    maker = DigestMaker(house.journal, house.state)
    now = datetime.fromtimestamp(TOMORROW_MS / 1000, UTC)
    (house.state / KEY_NAME).write_text("rubbish")
    maker.make(now)
    maker.make(now)
    assert caplog.text.count("no digest could be made") == 1
    (house.state / KEY_NAME).unlink()
    maker.make(now)
    assert house.folder.names() == ["2026-12-01.json"]


def test_by_command_a_day_is_signed_and_checked(house, monkeypatch):
    monkeypatch.chdir(house.state)
    (house.state / "config.yaml").write_text("journal: {path: journal.sqlite3}\nstate: {folder: .}\n")

    def lofi(*words):
        return CliRunner().invoke(cli, ["provenance", *words])

    # the command asks the real clock; the evening is over by then or it has nothing to do yet
    assert lofi("digest").exit_code == 0
    house.make()
    digest = "digests/2026-12-01.json"
    (house.state / "keys.json").write_text(lofi("key").stdout)
    done = lofi("verify", digest, "--journal", "journal.sqlite3", "--key", "keys.json")
    assert (done.exit_code, "fail" in done.stdout, "warn" in done.stdout) == (0, False, False)
    assert lofi("new-key").exit_code == 0
    house.change("UPDATE bars SET title = 'Mine' WHERE id = 9")
    done = lofi("verify", digest, "--journal", "journal.sqlite3", "--key", "keys.json")
    assert (done.exit_code, "Rows differ" in done.stdout) == (1, True)
    assert lofi("verify", "none.json").exit_code == 1


async def test_keys_and_digests_are_for_everybody(house, aiohttp_client):
    house.make()
    app = web.Application()
    Provenance(house.journal, ["lofi"], house.state).add_routes(app)
    client = await aiohttp_client(app)
    keys = await (await client.get("/api/provenance/key")).json()
    assert keys["keys"][0]["public_key"] == station_key(house.state).public
    assert "PRIVATE" not in json.dumps(keys)
    assert await (await client.get("/api/provenance/digests")).json() == {"digests": ["2026-12-01.json"]}
    found = await (await client.get("/api/provenance/digests/2026-12-01.json")).json()
    assert found == house.folder.read("2026-12-01.json")
    for name in ("2026-12-09.json", "..%2Fprovenance.key", "provenance.key"):
        answer = await client.get(f"/api/provenance/digests/{name}")
        assert (answer.status, list(await answer.json())) == (404, ["error"])


def _columns():
    from radio.journal_rows import BarRow

    return ", ".join(asdict(BarRow(*["x"] * 19)))


COLUMNS = _columns()
