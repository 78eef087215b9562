"""Questions of form are settled by ruff, for the package, the tests and the notebooks alike."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("mnist_course", "mnist_course_tools", "tests", "benchmarks", "notebooks")


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_finds_nothing(command):
    # Another release has other rules: it must not turn somebody's change of a sentence red.
    lock = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    (locked,) = re.findall(r"^ruff==(\S+)", lock, flags=re.MULTILINE)
    if version("ruff") != locked:
        pytest.skip(f"ruff {version('ruff')} is here; form is judged by the lock's, {locked}")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", *FOLDERS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
