"""What pip installs is the whole course but the lessons, and works far from any checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"),
            *("--disable-pip-version-check", "--quiet", "--wheel-dir", str(folder), str(ROOT)),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return a folder that holds what the wheel installs, and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder)
    return folder


def test_the_wheel_holds_what_the_course_needs(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "mnist_course/published.csv",
        "mnist_course/results/ledger.csv",
        "mnist_course/results/polynomial.csv",
        "mnist_course/py.typed",
        "mnist_course_tools/run/templates/mnist-course/index.html.j2",
        "mnist_course_tools/check/nbval.ini",
    ):
        assert wanted in names
    assert [name for name in names if name.endswith("overrides.d/mnist-course.json")]
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "notebooks"))]


def test_chapters_with_recorded_results_run_from_the_wheel(installed, tmp_path):
    """Chapters 3, 6 and 7 show the ledger and a benchmark's table, which live in the package."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    for number in ("03", "06", "07"):
        (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
        shutil.copy(path, notebooks)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MNIST_COURSE_")}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mnist_course_tools", "run", "--source", "digits"),
            *("--notebooks", str(notebooks), "--out", "out"),
        ],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(installed), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    where = [sys.executable, "-c", "import mnist_course; print(mnist_course.__file__)"]
    alone = {**environment, "PYTHONPATH": str(installed)}
    used = subprocess.run(where, cwd=tmp_path, env=alone, capture_output=True, text=True)
    assert Path(used.stdout.strip()).is_relative_to(installed)
    texts = {
        path.name[:2]: nbformat.writes(nbformat.read(path, as_version=4))
        for path in (tmp_path / "out").glob("*.ipynb")
    }
    assert "Recorded from an earlier run" in texts["03"]
    assert "Recorded, not computed now" in texts["06"]
    assert "Recorded, not computed now" in texts["07"]
