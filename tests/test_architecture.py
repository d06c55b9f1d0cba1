"""The rules of the tree: who may import whom, how long a file may be, and that no import goes in a circle."""

import ast
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("engine", "radio", "training")
TRAINING_MAY_IMPORT = {"engine.types", "engine.tokens", "engine.harmony", "engine.errors"}
FORBIDDEN = {
    "asyncio": lambda path: not path.startswith("radio/"),
    "aiohttp": lambda path: not path.startswith("radio/"),
    "torch": lambda path: not path.startswith("training/") and path != "engine/recurrence_rwkv.py",
    "rwkv": lambda path: not path.startswith("training/") and path != "engine/recurrence_rwkv.py",
    "fluidsynth": lambda path: path != "engine/synth.py",
    "sounddevice": lambda path: path not in ("radio/outputs/device.py", "radio/live.py"),
    "ffmpeg": lambda path: path != "radio/outputs/push.py",
    "obstore": lambda path: path != "radio/outputs/bucket.py",
}
"""Third-party module → tells for which files of ours it is forbidden (ARCHITECTURE.md)."""
LINES_MAX = 400


def files():
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def imports(path, top_level_only=False):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from names
            if not MODULES.issuperset(names):  # `from package import module` needs the module alone
                yield node.module


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path) for path in files()}


def own_modules(path, top_level_only=False):
    return {name for name in imports(path, top_level_only) if name in MODULES} - {module_name(path)}


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_file_imports_only_what_its_package_may(path):
    package = path.relative_to(ROOT).parts[0]
    for name in own_modules(path):
        top = name.split(".")[0]
        if package == "engine":
            assert top == "engine", f"{path} imports {name}: the engine knows nothing of ours"
        elif package == "radio":
            assert top == "radio" or name == "engine", f"{path} imports {name}: radio sees only the engine package root"
        elif top == "engine":
            assert name in TRAINING_MAY_IMPORT | {"engine"}, f"{path} imports {name}: not for training"
        else:
            assert top == "training", f"{path} imports {name}: training does not know the radio"


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_file_keeps_special_libraries_in_their_one_place(path):
    relative = path.relative_to(ROOT).as_posix()
    tops = {name.split(".")[0] for name in imports(path)}
    for library, forbidden in FORBIDDEN.items():
        assert not (library in tops and forbidden(relative)), f"{relative} imports {library}"


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_short_enough_to_read(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LINES_MAX, f"{path} has {lines} lines: it holds two concepts, split it"


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_file_begins_by_saying_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} has no module docstring"


def test_no_import_goes_in_a_circle():
    graph = {module_name(path): own_modules(path, top_level_only=True) for path in files()}
    done, path = set(), []

    def visit(name):
        assert name not in path, f"import circle: {' → '.join([*path[path.index(name) :], name])}"
        if name in done:
            return
        path.append(name)
        for other in sorted(graph[name]):
            # `from engine import X` reaches the package root, which re-exports: no circle unless engine imports back
            visit(other)
        path.pop()
        done.add(name)

    for name in sorted(graph):
        visit(name)


def test_only_the_app_creates_tasks():
    creators = [
        path.relative_to(ROOT).as_posix()
        for path in files()
        if re.search(r"\b(asyncio\.create_task|ensure_future)\(", path.read_text(encoding="utf-8"))
    ]
    assert creators == [], f"bare create_task outside a TaskGroup: {creators}"


def test_no_machine_path_is_committed():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    pattern = re.compile(rb"(?<![\w.])/(work|root|home/[a-z]+)/")
    guilty = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.suffix in {".onnx", ".pth", ".flac", ".png", ".sf2"} or name == "tests/test_architecture.py":
            continue
        if path.is_file() and pattern.search(path.read_bytes()):
            guilty.append(name)
    assert guilty == []


def test_no_two_test_files_share_a_name():
    """Folders of tests are no packages, so pytest takes the second file for the first."""
    names = sorted(path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py")
    assert [name for name, after in pairwise(names) if name == after] == []
