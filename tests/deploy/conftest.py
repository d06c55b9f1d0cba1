"""What the tests of deploy/ need."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "radio"))

from fakes_ports import free_port as any_free_port
from real_icecast import self_signed


@pytest.fixture
def free_port():
    return any_free_port


@pytest.fixture
def certificate(tmp_path):
    path = tmp_path / "certificate.pem"
    path.write_bytes(self_signed("127.0.0.1"))
    return path
