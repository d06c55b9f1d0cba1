"""The bench that times a render."""

import pytest

from bench.rendering import STAGES, measure
from engine.banks import find_bank
from engine.errors import SoundBankError


@pytest.fixture(autouse=True)
def bank_is_there():
    """Skip where the distribution's sound bank is not installed."""
    try:
        find_bank(None)
    except SoundBankError as error:
        pytest.skip(str(error))


def test_the_bench_times_every_stage_of_a_render(monkeypatch, root):
    monkeypatch.chdir(root)
    rendering = measure(8.0, None)
    assert rendering.composer == "rules"
    assert set(rendering.stages_s) == set(STAGES)
    assert 0 < sum(rendering.stages_s.values()) <= rendering.cpu_s
    assert all(rendering.stages_s[stage] > 0 for stage in ("synthesise", "mix", "master"))
