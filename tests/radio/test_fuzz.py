"""A small part of `python -m bench.fuzz`: wrong requests and wrong files are refused, and nothing else happens."""

from pathlib import Path

import psutil
import pytest
from fakes_web import FakeConducted, FakeStation

from bench.fuzz import fuzz_config, fuzz_http
from radio.config_file import load_config
from radio.errors import ConfigError

GOOD = (Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8")


async def test_no_request_is_answered_with_a_fault_of_ours():
    view = FakeStation()
    view.play_past()
    await fuzz_http(view, FakeConducted, 10, seed=2)
    files = psutil.Process().num_fds()
    result = await fuzz_http(view, FakeConducted, 200, seed=3)
    assert result.worst == []
    assert result.answers["400"] > 20
    assert result.answers["200"] > 5, "some must come through, else only the parser is tested"
    assert psutil.Process().num_fds() <= files


def test_every_wrong_configuration_is_refused_in_words():
    result = fuzz_config(GOOD, 60, seed=4)
    assert result.worst == []
    assert result.answers["refused"] > 40
    assert "refused without a word" not in result.answers


@pytest.mark.parametrize("text", ["[a, b]: 1", "{a: {[b]: 1}}", "? {a: 1}\n: 2"])
def test_a_list_where_a_key_should_stand_is_refused_in_words(text, tmp_path):
    (tmp_path / "config.yaml").write_text(text)  # found by bench.fuzz
    with pytest.raises(ConfigError, match="not YAML"):
        load_config(tmp_path / "config.yaml")
