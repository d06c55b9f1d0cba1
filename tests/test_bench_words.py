"""The evaluation of words: it draws its prompts by the seed, and can be stopped and go on."""

import pytest

from bench import words


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    judged = []

    def judge(task, **_):
        judged.append(task[1])
        half, prompt, directions = task
        return [words.Verdict(half, prompt, direction, True, "1 to 2", 0.9) for direction in directions]

    def start(*arguments):
        judged.clear()
        monkeypatch.setattr("sys.argv", ["words", "--half", "held_out", "--kept", str(tmp_path / "kept"), *arguments])
        words.main()
        return list(judged), capsys.readouterr().out

    monkeypatch.setattr(words, "judged", judge)
    monkeypatch.setattr(words, "hear", lambda mood, **_: None)
    return start


def test_a_larger_draw_only_adds_prompts_and_judges_none_twice(run):
    few, told = run("--prompts", "5")
    assert len(few) == 5
    assert told.startswith("5 prompts")
    more, told = run("--prompts", "9")
    assert len(more) == 4
    assert not set(few) & set(more)
    assert told.startswith("9 prompts")


def test_a_run_that_is_stopped_goes_on_where_it_was_and_other_terms_begin_anew(run):
    with pytest.raises(SystemExit, match="1 of 6 prompts are judged"):
        run("--prompts", "6", "--minutes", "1e-9")
    rest, told = run("--prompts", "6")
    assert len(rest) == 5
    assert told.startswith("6 prompts")
    assert len(run("--prompts", "6", "--models")[0]) == 6
