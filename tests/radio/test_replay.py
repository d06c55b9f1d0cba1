"""What went on air comes back sample for sample: through changes of mood, dead engines, repeats and restarts."""

import json
import sqlite3
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import mido
import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from engine import MOODS, SAMPLE_RATE_HZ, STEMS, Station, StationSetup
from radio.__main__ import cli
from radio.encore import Encore
from radio.errors import ReplayError
from radio.journal import Journal
from radio.journal_bars import piece_id
from radio.journal_reader import JournalReader
from radio.lead import Lead, LeadBar
from radio.logbook import Logbook
from radio.metrics import Metrics
from radio.numbering import renumbered
from radio.replay_order import Place, ReplayOrder, replay
from radio.replay_plan import Span
from radio.sound_recorder import Keeping, SoundRecorder

SETUP = StationSetup(mood=MOODS["study"], seed=21, composer="rules")
BEGAN = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)
PULL_FRAMES = 24_000
SPAN_S = 7.0


class Maker:
    assets = ()
    seed = 21


@dataclass
class OnAir:
    """A broadcast without a clock: engine, lead, encore, logbook and recorder are the radio's own."""

    folder: object
    sent: list = field(default_factory=list)
    """Sound with the wall clock of its first frame."""
    bars: list = field(default_factory=list)

    def __post_init__(self):
        metrics = Metrics()
        self.journal = Journal(self.folder / "journal.sqlite3", metrics)
        self.sounds = SoundRecorder(self.folder / "replay.sqlite3", Keeping(every_s=12.0), metrics)
        self.journal.start()
        self.sounds.start()
        self.frame, self.wall, self.added = 0, BEGAN, (0, 0)
        self.station = Station.build(SETUP)
        self.begin()

    def begin(self):
        """A run of the radio begins."""
        self.lead = Lead(10**9)
        self.encore = Encore(self.lead, 60.0)
        self.logbook = Logbook("lofi", self.journal, self.lead, self.sounds)
        self.logbook.tell("on air", self.frame, self.wall, "")

    def render(self):
        rendered = self.station.render_bar()
        block = renumbered(rendered.block, rendered.block.start_frame, *self.added)
        self.newest = LeadBar(block, rendered.snapshot, rendered.block.start_frame, self.added[1])
        return self.newest

    def play(self, bars):
        for _ in range(bars):
            self.lead.add(self.render())
            self.drain()

    def drain(self):
        while self.lead.frames:
            self.pull(min(PULL_FRAMES, self.lead.frames))

    def pull(self, frames):
        pulled = self.encore.pull(frames)
        for offset, start in pulled.bars:
            wall = self.wall + timedelta(seconds=offset / SAMPLE_RATE_HZ)
            self.logbook.write(replace(start, frame=self.frame + offset), wall, Maker())
            self.bars.append(start.bar)
        self.sent.append((self.wall, pulled.samples))
        self.frame += frames
        self.wall += timedelta(seconds=frames / SAMPLE_RATE_HZ)

    def heard(self, frame, frames):
        """What went out from a frame on; frames count on through all runs here."""
        return np.concatenate([samples for _, samples in self.sent])[frame : frame + frames]

    @property
    def now_s(self):
        return (self.wall - BEGAN).total_seconds()


@pytest.fixture(scope="module")
def air(tmp_path_factory):
    air = OnAir(tmp_path_factory.mktemp("air"))
    air.play(6)

    air.changed_s = air.now_s  # a mood change: the bar in store is made again
    old = air.render()
    air.station.restore(old.before)
    air.station.apply(MOODS["rainy"])
    air.play(5)

    air.killed_s = air.now_s  # the engine dies; a new one restores the last snapshot and renders one bar for nobody
    air.station.close()
    air.station = Station.build(SETUP)
    air.station.restore(air.newest.before)
    air.station.render_bar()
    air.play(4)

    air.dry_s = air.now_s  # nothing is ready: the last bars again, 1.4 times around
    loop_frames = sum(block.frames for block in air.lead.heard)
    for _ in range(int(1.4 * loop_frames) // PULL_FRAMES):
        air.pull(PULL_FRAMES)
    air.lead.add(air.render())
    air.lead.add(air.render())
    while air.encore.repeated_frames:
        air.pull(PULL_FRAMES)
    air.drain()

    air.restarted_s = air.now_s  # the radio is started again, with the next bar of its saved state
    air.wall += timedelta(seconds=4)
    air.begin()
    air.play(3)

    air.anew_s = air.now_s  # an engine that begins anew counts from 0
    air.station.close()
    air.station = Station.build(replace(SETUP, seed=22))
    air.added = (len(air.bars), 9)
    air.play(5)
    air.station.close()
    air.journal.close(timeout_s=60)
    air.sounds.close(timeout_s=60)
    return air


def place(air):
    return Place(air.folder / "journal.sqlite3", air.folder / "replay.sqlite3", replace(SETUP, seed=1))


def order(air, tmp_path, seconds_in, seconds, name="x.wav", **more):
    from_ms = round((BEGAN + timedelta(seconds=seconds_in)).timestamp() * 1000)
    return ReplayOrder(Span("lofi", from_ms, round(seconds * SAMPLE_RATE_HZ)), tmp_path / name, **more)


def worst_db(one, other):
    """Difference in the worst half second, relative to all of it."""
    level = np.sqrt(np.mean(other**2))
    halves = [slice(at, at + 24_000) for at in range(0, len(other), 24_000)]
    return max(20 * np.log10(np.sqrt(np.mean((one[part] - other[part]) ** 2)) / level + 1e-12) for part in halves)


SPANS = {
    "the very beginning": lambda air: 0.0,
    "inside a bar": lambda air: 7.321,
    "a change of mood": lambda air: air.changed_s - 3,
    "an engine that was killed": lambda air: air.killed_s - 3,
    "repeated bars": lambda air: air.dry_s - 4,
    "new music after repeated bars": lambda air: air.restarted_s - 10,
    "an engine that began anew": lambda air: air.anew_s - 3,
}


@pytest.mark.parametrize("name", SPANS)
def test_a_span_comes_back_as_it_went_out(name, air, tmp_path):
    done = replay(order(air, tmp_path, SPANS[name](air), SPAN_S), place(air))
    sound, rate = soundfile.read(tmp_path / "x.wav")
    assert (rate, len(sound), done.exact, done.warnings) == (SAMPLE_RATE_HZ, round(SPAN_S * SAMPLE_RATE_HZ), True, ())
    assert worst_db(sound, air.heard(done.frame, len(sound))) < -60


def test_a_restart_of_the_radio_is_a_silence_between_what_went_out(air, tmp_path):
    done = replay(order(air, tmp_path, air.restarted_s - 3, 9.0), place(air))
    sound = soundfile.read(tmp_path / "x.wav")[0]
    before = round(air.restarted_s * SAMPLE_RATE_HZ) - done.frame
    silent = np.flatnonzero(np.abs(sound).max(axis=1) == 0)
    assert worst_db(sound[:before], air.heard(done.frame, before)) < -60
    assert abs(len(silent) - 4 * SAMPLE_RATE_HZ) < 100, "4 s, as far as the wall clock's milliseconds tell"
    after = silent[-1] + 1
    assert worst_db(sound[after:], air.heard(done.frame + before, len(sound) - after)) < -60
    assert done.exact
    assert "off air" in "".join(done.warnings)


def test_notes_come_back_identical_with_their_tempos(air, tmp_path):
    total_s = air.now_s
    done = replay(order(air, tmp_path, 0, total_s, "x.mid"), place(air))
    assert done.bars == len(air.bars)
    file = mido.MidiFile(tmp_path / "x.mid")
    struck = sum(message.type == "note_on" for track in file.tracks for message in track)
    assert struck == sum(len(bar.events) for bar in air.bars)
    tempos = [round(mido.tempo2bpm(m.tempo), 1) for m in file.tracks[0] if m.type == "set_tempo"]
    assert len(tempos) >= 2
    with JournalReader(place(air).journal) as reader:
        rows = reader.bars("lofi", 0, 2**60)
    assert [json.loads(row.notes) for row in rows] == [
        [[n.tick, n.length_ticks, n.pitch, n.velocity, n.part.value[0]] for n in bar.events] for bar in air.bars
    ]


def test_stems_add_up_to_the_sound(air, tmp_path):
    replay(order(air, tmp_path, 20.0, 6.0, stems=tmp_path / "stems"), place(air))
    total = sum(soundfile.read(tmp_path / "stems" / f"{name}.wav")[0] for name in STEMS)
    assert worst_db(total, soundfile.read(tmp_path / "x.wav")[0]) < -60


@pytest.mark.parametrize("name", ["x.flac", "x.mp3"])
def test_files_say_what_they_are(name, air, tmp_path):
    from radio.sound_file import read_comment

    replay(order(air, tmp_path, 3.0, 2.0, name), place(air))
    told = json.loads(read_comment(tmp_path / name))
    assert (told["station"], told["aired"]) == ("lofi", "2026-12-01T20:00:03.000Z")
    assert told["pieces"][0]["title"] == air.bars[0].piece.title
    assert told["pieces"][0]["seed"] == str(air.bars[0].piece.seed)


def test_without_a_state_the_notes_are_the_same_and_the_sound_is_alike_and_said_to_be(air, tmp_path):
    blind = replace(place(air), states=tmp_path / "none.sqlite3")
    done = replay(order(air, tmp_path, 26.0, 8.0), blind)
    assert not done.exact
    assert any("only alike" in warning for warning in done.warnings)
    sound = soundfile.read(tmp_path / "x.wav")[0]
    level_db = 20 * np.log10(np.sqrt(np.mean(sound**2)) / np.sqrt(np.mean(air.heard(done.frame, len(sound)) ** 2)))
    assert abs(level_db) < 3


def test_other_sound_files_or_software_are_told(air, tmp_path):
    path = tmp_path / "journal.sqlite3"
    source, copy = sqlite3.connect(place(air).journal), sqlite3.connect(path)
    source.backup(copy)
    copy.execute("UPDATE bars SET version = '0.0.9', assets = 'old'")
    copy.execute("INSERT INTO assets VALUES ('old', 'bank lofi.sf2', 'aa', 'CC0-1.0', '')")
    copy.commit()
    copy.close()
    done = replay(order(air, tmp_path, 12.0, 2.0), replace(place(air), journal=path))
    assert not done.exact
    assert any("0.0.9" in one for one in done.warnings)
    assert any("bank lofi.sf2" in one for one in done.warnings)


def test_a_damaged_state_is_passed_over_for_the_one_before(air, tmp_path):
    path = tmp_path / "states.sqlite3"
    source, copy = sqlite3.connect(place(air).states), sqlite3.connect(path)
    source.backup(copy)
    newest = "SELECT max(wall_ms) FROM states WHERE wall_ms < ?"
    at_ms = round((BEGAN + timedelta(seconds=30)).timestamp() * 1000)
    copy.execute(f"UPDATE states SET state = x'00' WHERE wall_ms = ({newest})", (at_ms,))
    copy.commit()
    copy.close()
    done = replay(order(air, tmp_path, 31.0, 3.0), replace(place(air), states=path))
    assert done.exact
    assert worst_db(soundfile.read(tmp_path / "x.wav")[0], air.heard(done.frame, 3 * SAMPLE_RATE_HZ)) < -60


def test_states_that_cannot_be_read_cost_exactness_not_the_minute(air, tmp_path):
    path = tmp_path / "states.sqlite3"
    sqlite3.connect(path).execute("PRAGMA user_version = 1").connection.close()  # as one that is just being made
    done = replay(order(air, tmp_path, 3.0, 2.0), replace(place(air), states=path))
    assert not done.exact
    assert any("states.sqlite3" in warning and "no such table" in warning for warning in done.warnings)


def test_what_was_never_on_air_is_a_sentence(air, tmp_path):
    with pytest.raises(ReplayError, match="has no bar of lofi"):
        replay(order(air, tmp_path, 90_000, 5.0), place(air))
    with pytest.raises(ReplayError, match=r"0\.1 to"):
        order(air, tmp_path, 0, 0.01)
    with pytest.raises(ReplayError, match="cannot write"):
        order(air, tmp_path, 0, 5, "x.doc")


def test_the_command_writes_a_piece_by_its_id(air, tmp_path, root, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {
        "engine": {"composer": "rules", "loops": str(root / "loops")}, "state": {"folder": str(air.folder)},
        "journal": {"path": str(air.folder / "journal.sqlite3")},
    }  # fmt: skip
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    with JournalReader(place(air).journal) as reader:
        rows = reader.bars("lofi", 0, 2**60)
    last = [row for row in rows if row.piece == rows[-1].piece]
    done = CliRunner().invoke(cli, ["replay", "--piece", piece_id(last[0]), "--out", "piece.wav"])
    assert done.exit_code == 0, done.output
    assert "exactly as it went out" in done.output
    assert soundfile.info(tmp_path / "piece.wav").frames == sum(row.frames for row in last)
    for wrong in (["--piece", "x"], ["--from", "soon"], []):
        assert CliRunner().invoke(cli, ["replay", "--out", "x.wav", *wrong]).exit_code in (1, 2)
