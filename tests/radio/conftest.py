"""What several tests of the radio stand on."""

import pytest

from radio.journal import Journal
from radio.metrics import Metrics


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def journal(tmp_path, metrics):
    """A journal that writes, and tries again soon."""
    journal = Journal(tmp_path / "state" / "journal.sqlite3", metrics, retry_s=(0.02,))
    journal.start()
    yield journal
    journal.close()
