"""Training tests leave the second core alone: two torch threads on a busy machine wait for each other."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Compute on one thread."""
    torch.set_num_threads(1)
