"""What pip installs is the whole course, lessons included, and works far from any checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from mnist_course_tools.classroom.sandbox import can_isolate
from mnist_course_tools.notebooks import find_notebooks

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
    course = "mnist_course_tools/course/"
    lessons = [path.name for path in find_notebooks(ROOT / "notebooks")]
    for wanted in (
        "mnist_course/published.csv",
        "mnist_course/results/ledger.csv",
        "mnist_course/results/claims.csv",
        "mnist_course/results/polynomial.csv",
        "mnist_course/py.typed",
        "mnist_course_tools/run/templates/mnist-course/index.html.j2",
        "mnist_course_tools/check/nbval.ini",
        *(f"{course}notebooks/{name}" for name in lessons),
        *(f"{course}exercises/{name}" for name in lessons),
        *(f"{course}exercises/solutions/{name}" for name in lessons),
        *(f"{course}exercises/source/{name}" for name in lessons),
        f"{course}exercises/rubrics.toml",
        "mnist_course_tools/classroom/templates/report.html.j2",
    ):
        assert wanted in names
    assert [name for name in names if name.endswith("overrides.d/mnist-course.json")]
    known = ("mnist_course/", "mnist_course_tools/", "mnist_course-")
    assert not [name for name in names if not name.startswith(known)]
    assert not [name for name in names if "checkpoint" in name]


def test_the_wheel_stays_small(wheel):
    assert wheel.stat().st_size < 8_000_000


def _command(installed, folder, *words):
    """Run the command with what the wheel installs, in a folder that is no checkout."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MNIST_COURSE_")}
    done = subprocess.run(
        [sys.executable, "-m", "mnist_course_tools", *words],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(installed), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_chapters_with_recorded_results_run_from_the_wheel(installed, tmp_path):
    """Chapters 3, 6 and 7 show the ledger and a benchmark's table, which live in the package."""
    said = _command(installed, tmp_path, "run", "3", "6", "7", "--source", "digits", "--out", "out")
    assert "Report: out" in said
    where = "import mnist_course; print(mnist_course.__file__)"
    alone = {**os.environ, "PYTHONPATH": str(installed)}
    used = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=alone, capture_output=True, text=True
    )
    assert Path(used.stdout.strip()).is_relative_to(installed)
    texts = {
        path.name[:2]: nbformat.writes(nbformat.read(path, as_version=4))
        for path in (tmp_path / "out").glob("*.ipynb")
    }
    assert "Recorded from an earlier run" in texts["03"]
    assert "Recorded, not computed now" in texts["06"]
    assert "Recorded, not computed now" in texts["07"]


def test_an_assignment_is_built_and_graded_from_the_wheel(installed, tmp_path):
    trusted = [] if can_isolate() else ["--trusted"]
    said = _command(installed, tmp_path, "assign", "build", "4", *trusted)
    assert "the reference solution has 8 of 8 points, a blank one none" in said
    sent = tmp_path / "my-class" / "submitted" / "somebody" / "04_metrics" / "04_metrics.ipynb"
    sent.parent.mkdir(parents=True)
    shutil.copy(tmp_path / "my-class" / "release" / "04_metrics" / sent.name, sent)
    assert "somebody: 0 of 8" in _command(installed, tmp_path, "assign", "grade", *trusted)
    _command(installed, tmp_path, "assign", "feedback")
    assert (tmp_path / "my-class" / "reports" / "04_metrics.html").exists()


def test_start_hands_out_the_learners_edition_and_keeps_changes(installed, tmp_path):
    installed = Path(shutil.copytree(installed, tmp_path / "installed"))
    _command(installed, tmp_path, "start", "mine")
    lessons = find_notebooks(tmp_path / "mine" / "notebooks")
    exercises = find_notebooks(tmp_path / "mine" / "exercises")
    assert [p.name for p in lessons] == [p.name for p in exercises]
    assert [p.name for p in lessons] == [p.name for p in find_notebooks(ROOT / "notebooks")]
    for path in lessons + exercises:
        assert not any(cell.get("outputs") for cell in nbformat.read(path, as_version=4).cells)
    assert not (tmp_path / "mine" / "exercises" / "solutions").exists()

    notebook = nbformat.read(exercises[1], as_version=4)
    notebook.cells[-1].source += "\n\nMy own words."
    nbformat.write(notebook, exercises[1])
    # What an update of the package brings: a lesson and an exercise that read otherwise.
    course = installed / "mnist_course_tools" / "course"
    for part in ("notebooks", "exercises"):
        (path,) = (course / part).glob("02_*.ipynb")
        text = path.read_text(encoding="utf-8")
        path.write_text(
            text.replace("How does any number", "HOW does any number"), encoding="utf-8"
        )
    said = _command(installed, tmp_path, "start", "mine")
    assert "1 notebook(s) brought up to date, 1 notebook(s) changed by you and kept" in said
    assert "HOW" in lessons[1].read_text(encoding="utf-8")
    kept = exercises[1].read_text(encoding="utf-8")
    assert "My own words." in kept and "HOW" not in kept
    beside = exercises[1].with_name(f"{exercises[1].stem}.new.ipynb")
    assert "HOW" in beside.read_text(encoding="utf-8")
