from engine import tokens
from training.freerun import free_run, main, share_kept, skeleton, where_lost
from training.runtime import OnnxStep
from training.sample import headers_of


def test_the_skeleton_forces_style_and_density_in_every_bar():
    prefix, headers = headers_of(skeleton("soul", 3, 4))
    assert prefix == [tokens.START]
    assert headers == [[tokens.BAR, tokens.style("soul"), tokens.BACKBEAT, tokens.density(3)]] * 4


def test_a_free_run_is_the_same_for_the_same_seed_and_names_every_bar(root):
    model = OnnxStep(root / "models" / "drums" / "model.onnx")
    ids = skeleton("hiphop", 3, 6)
    runs = [free_run(model, ids, seed) for seed in (0, 0, 1)]
    assert runs[0] == runs[1]
    assert [len(run) for run in runs] == [6, 6, 6]


def test_where_it_is_lost_tells_the_snares_apart_and_what_a_lost_bar_does_to_the_next():
    kept, no_2, no_4, neither = (True, True), (False, True), (True, False), (False, False)
    runs = [[kept, no_4, neither, kept], [kept, kept, kept, no_2]]
    assert [share_kept(run) for run in runs] == [0.5, 0.75]
    assert where_lost(runs) == (
        "lost 3 of 8 bars: without the 2 1, the 4 1, both 1; "
        "of the first 8 bars 0.38, after a kept bar 0.50, after a lost one 0.50"
    )


def test_the_command_prints_one_line_a_style_and_density(root, capsys):
    model = str(root / "models" / "drums" / "model.onnx")
    main([model, "--styles", "soul", "--densities", "3", "--seeds", "2", "--bars", "2", "--first-seed", "5"])
    row, summary, lost = capsys.readouterr().out.splitlines()
    shares = [float(share) for share in row.removeprefix("soul 3: ").split()]
    assert len(shares) == 2
    assert summary == f"mean {sum(shares) / 2:.3f}, worst {min(shares):.2f}"
    assert lost.startswith("lost ")
