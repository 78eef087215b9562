"""The helper's types: true, and of use to whoever writes a program with it."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-dev.lock"
# Types come from there; other versions of them find other faults.
TYPED = ("mypy", "numpy", "pandas-stubs")
PROGRAM = """\
import mnist_course

X, y = mnist_course.load_mnist("digits").train
reveal_type(X)
accuracy = float((y == 3).mean())
mnist_course.load_mnist(3)
mnist_course.load_minst()
mnist_course.to_mnist({"a": "dictionary"})
"""


@pytest.fixture(scope="module", autouse=True)
def _versions_of_the_lock():
    text = LOCK.read_text(encoding="utf-8")
    for name in TYPED:
        found, (locked, *_) = version(name), re.findall(rf"^{name}==(\S+)", text, re.MULTILINE)
        if found != locked:
            pytest.skip(f"types are checked with {name} {locked}, as locked, and here is {found}")


def _mypy(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mypy", *arguments], cwd=folder, capture_output=True, text=True
    )


def test_the_helper_is_clean_under_mypy():
    done = _mypy(ROOT, "mnist_course")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_program_with_a_wrong_type_is_caught_by_the_installed_helper_s_types(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    # A cache of its own: the helper's is made with other settings. After the first time it is fast.
    cache = str(ROOT / ".mypy_cache" / "as-a-user")
    done = _mypy(tmp_path, "--cache-dir", cache, "program.py")
    assert done.returncode == 1, done.stdout + done.stderr
    said = {
        int(line): f"{kind}: {words}"
        for line, kind, words in re.findall(r"^program.py:(\d+): (\w+): (.*)", done.stdout, re.M)
    }
    assert said.keys() == {4, 6, 7, 8}, done.stdout
    assert "ndarray" in said[4] and "unsignedinteger" in said[4] and "_8Bit" in said[4]
    assert said[6].startswith('error: Argument 1 to "load_mnist" has incompatible type "int"')
    assert said[7].startswith('error: Module has no attribute "load_minst"')
    assert said[8].startswith('error: Argument 1 to "to_mnist" has incompatible type')
