"""Short runs of every soak: `pytest -m soak tests/soak`. Long ones: `make soak`."""

import pytest

from tests.soak import fast, kills, real, reloads

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]


async def test_ten_minutes_with_a_fault_every_half_minute_have_no_hole(tmp_path):
    found = await real.soak(tmp_path / "soak", real.Plan(minutes=10, seed=1, every_s=30))
    assert all(recording["holes"] == [] for recording in found.result["recordings"])
    assert sum(event.bed_frames for event in found.events) == 0
    assert found.result["HLS"]["rules broken"] == []
    assert found.result["exit code"] == 0


async def test_every_client_goes_on_after_every_kill(tmp_path):
    report = await kills.kills(tmp_path / "kills", count=5, seed=1, priority=0)
    assert (report["ffmpeg went on"], report["HLS went on"]) == (5, 5)
    assert (report["page went on by MP3"], report["page went on by HLS"], report["page's errors"]) == (5, 5, [])
    assert report["HLS rules broken"] == []
    assert report["back on air, longest s"] <= 10


async def test_forty_reloads_in_two_minutes_are_not_heard(tmp_path):
    report = await reloads.reloads(tmp_path / "reloads", count=40, minutes=2, priority=0)
    assert (report["holes"], report["noise frames"], len(report["connections"])) == ([], 0, 1)


async def test_four_hours_on_a_fast_clock_have_no_jump(tmp_path):
    found = await fast.fast(tmp_path / "fast", hours=4, seed=1)
    assert found.result["counters"]["underrun_frames"] == 0
    assert found.result["HLS rules broken"] == []
    assert len(found.jumps) <= 2 * found.faults.get("encoder failed", 0)
