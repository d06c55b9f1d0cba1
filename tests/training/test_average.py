import pytest
import torch
from tiny import tiny_weights

from training.average import main, mean
from training.checkpoint import load_weights
from training.errors import CheckpointError


def test_the_mean_lies_between_two_checkpoints_and_is_a_file_like_any_other(tmp_path):
    first, second = tiny_weights(seed=1), tiny_weights(seed=2)
    torch.save(first, tmp_path / "a.pth")
    torch.save(second, tmp_path / "b.pth")
    main([str(tmp_path / "a.pth"), str(tmp_path / "b.pth"), "--share", "0.25", "--out", str(tmp_path / "c.pth")])
    for name, value in load_weights(tmp_path / "c.pth").items():
        torch.testing.assert_close(value, 0.75 * first[name] + 0.25 * second[name], msg=name)


def test_networks_of_two_sizes_have_no_mean():
    with pytest.raises(CheckpointError, match="only networks of one size have a mean"):
        mean(tiny_weights(), tiny_weights(layers=3))
