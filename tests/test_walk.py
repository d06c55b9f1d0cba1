"""The walker does what a guide says and stops where it fails."""

from bench import walk

GUIDE = """# A guide
    make radio
```sh
echo one > seen
```
```yaml
not: for the shell
```
```sh
echo two >> seen
{last}
```
```sh
echo three >> seen
```
"""


def test_every_block_is_done_in_order_in_one_folder(tmp_path):
    (tmp_path / "guide.md").write_text(GUIDE.format(last="true"))
    assert walk.walk(tmp_path / "guide.md", tmp_path) == 0
    assert (tmp_path / "seen").read_text().split() == ["one", "two", "three"]


def test_the_walk_ends_where_a_command_fails(tmp_path):
    (tmp_path / "guide.md").write_text(GUIDE.format(last="false | cat"))
    assert walk.walk(tmp_path / "guide.md", tmp_path) == 1
    assert (tmp_path / "seen").read_text().split() == ["one", "two"]


def test_a_station_keeps_its_terminal():
    assert walk.stays("make radio\n")
    assert walk.stays("export TOKEN=x\n.venv/bin/lofi-radio run --config mine.yaml\n")
    assert not walk.stays("curl http://127.0.0.1:8000/\n")
