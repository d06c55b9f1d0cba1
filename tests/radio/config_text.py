"""Configurations as text, and what is wrong with them."""

from pathlib import Path

import pytest

from radio.config_file import parse_config
from radio.errors import ConfigError

HERE = Path("/somewhere/config.yaml")


def problems(text):
    with pytest.raises(ConfigError) as refused:
        parse_config(text, HERE)
    return refused.value.problems
