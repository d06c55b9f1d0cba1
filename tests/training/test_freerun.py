from engine import tokens
from training.freerun import backbeat, main, skeleton
from training.runtime import OnnxStep
from training.sample import headers_of


def test_the_skeleton_forces_style_and_density_in_every_bar():
    prefix, headers = headers_of(skeleton("soul", 3, 4))
    assert prefix == [tokens.START]
    assert headers == [[tokens.BAR, tokens.style("soul"), tokens.BACKBEAT, tokens.density(3)]] * 4


def test_a_free_run_is_the_same_for_the_same_seed_and_is_a_share(root):
    model = OnnxStep(root / "models" / "drums" / "model.onnx")
    ids = skeleton("hiphop", 3, 6)
    shares = [backbeat(model, ids, seed) for seed in (0, 0, 1)]
    assert shares[0] == shares[1]
    assert all(0 <= share <= 1 and round(share * 6) == share * 6 for share in shares), "of six bars"


def test_the_command_prints_one_line_a_style_and_density(root, capsys):
    model = str(root / "models" / "drums" / "model.onnx")
    main([model, "--styles", "soul", "--densities", "3", "--seeds", "2", "--bars", "2"])
    row, summary = capsys.readouterr().out.splitlines()
    shares = [float(share) for share in row.removeprefix("soul 3: ").split()]
    assert len(shares) == 2
    assert summary == f"mean {sum(shares) / 2:.3f}, worst {min(shares):.2f}"
