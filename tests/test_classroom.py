"""A class from its first assignment to its marks, by the commands a teacher types."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from typer.testing import CliRunner

from mnist_course.errors import CourseError
from mnist_course_tools.classroom.assignment import read_assignment
from mnist_course_tools.classroom.build import _LINK
from mnist_course_tools.classroom.build import build as build_assignment
from mnist_course_tools.classroom.grade import grade
from mnist_course_tools.classroom.grading import (
    _graded,
    _processes,
    grade_class,
    grade_here,
    on_cluster,
    read_book,
)
from mnist_course_tools.classroom.marks import Task, name_of, read_marks
from mnist_course_tools.classroom.room import make_room, open_room, with_seed
from mnist_course_tools.classroom.sandbox import Limits, can_isolate
from mnist_course_tools.cli import app
from mnist_course_tools.notebooks import read_notebook, write_notebook
from tests.support.cluster import running_cluster
from tests.support.students import (
    QUICK,
    SOURCES,
    answering,
    assignment_of,
    blank,
    cell_of,
    hand_in,
    solved,
    submission_of,
)

isolated = pytest.mark.skipif(
    not can_isolate(), reason="bubblewrap is not here, or not allowed to work"
)
pytestmark = isolated

ROOT = Path(__file__).parents[1]
WRONG = "def precision_recall(matrix):\n    return matrix[0, 0] / matrix[:, 0].sum(), 0.5"
SWAPPED = (
    "def precision_recall(matrix):\n"
    "    return matrix[1, 1] / matrix[1].sum(), matrix[1, 1] / matrix[:, 1].sum()"
)
EXPECTED = {  # points for code, of 8
    "Anna Müller": 8,
    "blank": 0,
    "halb-richtig": 7,
    "wrong": 6,
    "hostile-exit": 6,
    "hostile-loop": 6,
}


def _hand_in_all(folder: Path) -> None:
    hand_in(folder, "Anna Müller", solved(QUICK))
    hand_in(folder, "blank", blank(QUICK))
    hand_in(folder, "halb-richtig", answering(QUICK, {"exercise-4-1": SWAPPED}))
    hand_in(folder, "wrong", answering(QUICK, {"exercise-4-1": WRONG}))
    code = {"exercise-4-2": "import os\ndef with_bonus(*args):\n    os._exit(0)"}
    hand_in(folder, "hostile-exit", answering(QUICK, code))
    code = {"exercise-4-1": "while True: pass", "check-4-1": "check = lambda *args, **kw: True"}
    hand_in(folder, "hostile-loop", answering(QUICK, code))


def _command(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, ["assign", *map(str, arguments)])
    assert done.exit_code == 0, done.output + repr(done.exception)
    return done.output


def _points(folder: Path) -> dict[str, float]:
    return {marks.student: marks.points for marks in read_book(open_room(folder), QUICK).marks}


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """Return a class's folder with one assignment, built, and a shorter patience."""
    folder = tmp_path_factory.mktemp("class")
    said = _command("build", "4", "--class", folder)
    assert "nothing has been handed in" in _command("grade", "--class", folder)
    assert "the reference solution has 8 of 8 points, a blank one none" in said
    settings = folder / "class.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("cell_seconds = 20.0", "cell_seconds = 8.0"), encoding="utf-8")
    return open_room(folder)


def test_a_class_of_six_from_the_first_command_to_the_last(room):
    folder = room.folder
    released = read_notebook(room.of_release(QUICK))
    assert [cell.source for cell in released.cells[1:-1]] == [
        _LINK.sub(r"\1", cell.source) for cell in blank(QUICK).cells[1:-1]
    ]
    assert "2 for code and 1 for the answer in words" in released.cells[0].source
    assert not any(".ipynb)" in cell.source for cell in released.cells)
    assert "BEGIN SOLUTION" not in room.of_release(QUICK).read_text(encoding="utf-8")
    _hand_in_all(folder)
    (folder / "submitted" / "nothing" / QUICK).mkdir(parents=True)
    (folder / "submitted" / "loose.ipynb").write_bytes(b"{}")
    zipped = folder / "submitted" / "zipped" / f"{QUICK}.zip"
    zipped.parent.mkdir()
    zipped.write_bytes(b"PK\x03\x04")
    (folder / "submitted" / "gabi" / "4_metrics").mkdir(parents=True)
    (folder / "submitted" / "flat").mkdir()
    path = folder / "submitted" / "flat" / f"{QUICK}.ipynb"
    path.write_bytes(hand_in(folder, "blank", blank(QUICK)).read_bytes())

    said = _command("grade", QUICK, "--class", folder, "--jobs", "2")
    assert f"{QUICK}: 7 of 9 submission(s) graded." in said
    assert "gabi: nothing for 04_metrics, but 4_metrics. Is that name right?" in said
    assert f"zipped: There is no notebook, only {QUICK}.zip, a zip archive." in said
    assert "Not in any student's folder, so not looked at: loose.ipynb" in said
    assert "nothing: There is no notebook. In the folder: nothing at all." in said
    assert "hostile-loop: The check of 4.1 was changed; the original was used." in said
    everybody = {**EXPECTED, "nothing": 0, "zipped": 0, "flat": 0}
    assert _points(folder) == everybody

    by_student = {marks.student: marks for marks in read_book(room, QUICK).marks}
    half = by_student["halb-richtig"].tasks[0]
    assert (half.state, half.points) == ("partly", 1)
    assert half.misconception.startswith("Precision and recall have changed places")
    loop = by_student["hostile-loop"].tasks[0]
    assert loop.state == "stopped"
    assert loop.reason == ("Your code ran for more than 8 seconds. Is there a loop without an end?")
    assert by_student["Anna Müller"].tasks[0].text
    assert by_student["blank"].tasks[0].text == ""

    # Nothing has changed: nothing is graded again, and what the teacher filled in stays.
    written = room.of_written(QUICK)
    lines = list(csv.reader(written.open(encoding="utf-8-sig", newline="")))
    place = {name: n for n, name in enumerate(lines[0])}
    (row,) = (r for r in lines if r[0] == "Anna Müller" and r[place["task"]].startswith("4.2"))
    row[place["points"]], row[place["comment"]] = "0,5", "and the cost?"
    with written.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(lines)
    before = {p: p.stat().st_mtime_ns for p in (folder / "marks").rglob("*.json")}
    _command("grade", "4", "--class", folder)
    unchanged = {p: p.stat().st_mtime_ns for p in (folder / "marks").rglob("*.json")}
    assert {p for p in before if before[p] == unchanged[p]} >= {
        p for p in before if p.stem != "nothing"
    }

    # A row of somebody who is not there, and a table that is not read, are said.
    lines.append([cell.replace("Anna Müller", "Ana") for cell in row])
    with written.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(lines)
    written.with_suffix(".xlsx").write_bytes(b"PK")
    said = _command("grade", "4", "--class", folder)
    assert "there is no answer of 'Ana' to 4.2; its points are not counted" in said
    assert "04_metrics.xlsx is not read" in said

    # One hands in anew, and only that is graded.
    hand_in(folder, "wrong", solved(QUICK))
    said = _command("grade", "4", "--class", folder)
    assert "wrong: 8 of 8" in said and "Anna Müller: 8 of 8" not in said

    _command("feedback", "--class", folder)
    page = room.of_feedback(QUICK, "Anna Müller").read_text(encoding="utf-8")
    assert "and the cost?" in page and "Anna Müller" in page
    for hidden in ("five_scores", "BEGIN SOLUTION", "halb-richtig"):
        assert hidden not in room.of_feedback(QUICK, "blank").read_text(encoding="utf-8")
    report = room.of_report(QUICK).read_text(encoding="utf-8")
    assert "Precision and recall have changed places" in report

    _command("export", "--class", folder)
    rows = list(csv.DictReader(room.table.open(encoding="utf-8-sig", newline="")))
    assert [row["student"] for row in rows] == sorted(everybody, key=str.lower)
    (anna,) = (row for row in rows if row["student"] == "Anna Müller")
    assert anna[f"{QUICK} 4.1"] == "2"
    assert anna[f"{QUICK} 4.2 written"] == "0.5"
    (half,) = (row for row in rows if row["student"] == "halb-richtig")
    assert half[f"{QUICK} 4.1 misconception"].startswith("Precision and recall have changed")


def test_a_grader_that_is_killed_goes_on_where_it_was(room, tmp_path):
    _hand_in_all(room.folder)
    for path in (room.folder / "marks").rglob("*.json"):
        path.unlink()
    command = [sys.executable, "-m", "mnist_course_tools", "assign", "grade", QUICK]
    command += ["--class", str(room.folder), "--jobs", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    marks = room.of_marks(QUICK, "").parent
    until = time.monotonic() + 60
    while len(list(marks.glob("*.json"))) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in marks.glob("*.json")}
    assert 2 <= len(done) < len(EXPECTED)
    assert all(read_marks(path) for path in done)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())
    assert {name: _points(room.folder)[name] for name in EXPECTED} == EXPECTED
    until = time.monotonic() + 10
    while _of_this_class(room) and time.monotonic() < until:
        time.sleep(0.1)
    assert not _of_this_class(room)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_grader_that_is_told_to_stop_says_what_is_kept(room, name):
    hand_in(room.folder, "hostile-loop", answering(QUICK, {"exercise-4-1": "while True: pass"}))
    command = [sys.executable, "-m", "mnist_course_tools", "assign", "grade", QUICK, "--again"]
    process = subprocess.Popen(
        [*command, "--class", str(room.folder), "--jobs", "1"],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    assert "are graded" in process.stdout.readline()
    time.sleep(4)  # in the middle of some submission
    process.send_signal(getattr(signal, name))
    said, _ = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "What was graded is kept: the same command goes on from there." in said


def _of_this_class(room) -> list[str]:
    """Return what still runs of the grader that was killed: processes without a parent."""
    import psutil

    found = []
    for process in psutil.process_iter(["cmdline", "ppid"]):
        words = " ".join(process.info["cmdline"] or ())
        orphan = process.info["ppid"] == 1
        if orphan and ("classroom.inside" in words or "multiprocessing" in words):
            found.append(words)
    return found


def test_a_damaged_record_is_graded_again(room):
    hand_in(room.folder, "wrong", answering(QUICK, {"exercise-4-1": WRONG}))
    grade_class(room, QUICK, jobs=2)
    path = room.of_marks(QUICK, "wrong")
    path.write_text('{"student": "wrong", "tasks"', encoding="utf-8")
    assert read_marks(path) is None
    assert {m.student: m.points for m in grade_class(room, QUICK).marks}["wrong"] == 6


def test_whatever_is_handed_in_the_others_are_graded(room, monkeypatch):
    raised = "def precision_recall(matrix):\n    raise ValueError('\\udc80 \\x1b[2J')"
    hand_in(room.folder, "half a character", answering(QUICK, {"exercise-4-1": raised}))
    hand_in(room.folder, "n" * 250, blank(QUICK))
    said = _command("grade", "--class", room.folder, "--jobs", "2")
    assert "\x1b" not in said
    by_student = {marks.student: marks for marks in read_book(room, QUICK).marks}
    assert "ValueError" in by_student["half a character"].tasks[0].reason
    assert len([name for name in by_student if name.startswith("n" * 40)]) == 1
    _command("feedback", "--class", room.folder)
    _command("export", "--class", room.folder)


def test_a_fault_of_the_grader_costs_one_submission(monkeypatch):
    def fail(*args, **kwargs):
        raise KeyError("values")

    monkeypatch.setattr("mnist_course_tools.classroom.grading.grade", fail)
    marks = grade_here(assignment_of(QUICK), submission_of(solved(QUICK)), False)
    assert "Grading it failed in the grader (KeyError: 'values')." in marks.problem
    assert marks.key


def test_a_grader_that_hangs_is_ended_and_its_submission_named(room, tmp_path, monkeypatch):
    assignment = replace(read_assignment(room, QUICK), limits=Limits(seconds=1))
    todo = {name: submission_of(solved(QUICK)) for name in ("first", "second")}
    todo = {name: replace(each, student=name) for name, each in todo.items()}
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "sitecustomize.py").write_text(
        "import os, time\n"
        "import mnist_course_tools.classroom.grading as grading\n"
        "honest = grading.grade\n"
        "def grade(assignment, submission, **rest):\n"
        "    while submission.student == 'first': time.sleep(1)\n"
        "    return honest(assignment, submission, **rest)\n"
        "grading.grade = grade\n",
        encoding="utf-8",
    )
    found = {m.student: m for m in _graded(assignment, todo, 2, False, _processes)}
    assert "ended the grader itself" in found["first"].problem
    assert found["second"].tasks


def test_one_student_under_two_names_is_told_and_not_graded(room):
    import unicodedata

    for form in ("NFC", "NFD"):
        hand_in(room.folder, unicodedata.normalize(form, "Zoë"), solved(QUICK))
    marks = {m.student: m for m in grade_class(room, QUICK, jobs=2).marks}["Zoë"]
    assert "There are two folders of this name" in marks.problem
    for form in ("NFC", "NFD"):
        path = room.folder / "submitted" / unicodedata.normalize(form, "Zoë")
        (path / QUICK / f"{QUICK}.ipynb").unlink()
        (path / QUICK).rmdir()


def test_a_cluster_gives_the_same_marks(room, tmp_path):
    _hand_in_all(room.folder)
    here = {m.student: m for m in grade_class(room, QUICK, jobs=2).marks}
    with running_cluster(tmp_path) as cluster, on_cluster(cluster.address) as (make, workers):
        assert workers == 2
        there = grade_class(room, QUICK, jobs=workers, again=True, make_executor=make).marks
    assert {m.student for m in there} == set(here)
    for marks in there:
        assert marks.tasks == here[marks.student].tasks


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_reference_solution_has_all_points_and_a_blank_one_none(source):
    assignment = assignment_of(source.stem)
    full = grade(assignment, submission_of(solved(source.stem), source.stem))
    assert [task.points for task in full.tasks] == [2.0] * 4, full
    assert full.notes == ()
    assert full.seconds < 60
    nothing = grade(assignment, submission_of(blank(source.stem), source.stem))
    assert [task.state for task in nothing.tasks] == ["blank"] * 4, nothing


def test_what_cannot_be_graded_is_not_built(tmp_path, monkeypatch):
    monkeypatch.setattr("mnist_course_tools.classroom.build._MOST_DRAWS", 2)
    room = make_room(tmp_path / "class", None)
    own = tmp_path / "mine.ipynb"

    def build(notebook):
        write_notebook(own, notebook)
        return build_assignment(room, own)

    notebook = solved(QUICK)
    cell_of(notebook, "check-4-1").source += "\nprint('more')"
    with pytest.raises(CourseError, match="last line of a check cell should be check"):
        build(notebook)
    notebook = solved(QUICK)
    cell_of(notebook, "exercise-4-1").source = "def precision_recall(matrix):\n    return 1, 1"
    with pytest.raises(CourseError, match="no lines ### BEGIN SOLUTION"):
        build(notebook)
    notebook = solved(QUICK)
    cell = cell_of(notebook, "exercise-4-1")
    cell.source = cell.source.replace("matrix[1, 1]", "matrix[0, 0]")
    with pytest.raises(CourseError, match=r"(?s)is not right on any of 6 draws.*4\.1: not yet"):
        build(notebook)
    notebook = solved(QUICK)
    cell = cell_of(notebook, "exercise-4-1")
    cell.source = cell.source.replace("### BEGIN SOLUTION", "", 1).replace("### END SOLUTION", "")
    cell.source += "\n\n\n### BEGIN SOLUTION\n### END SOLUTION"
    with pytest.raises(CourseError, match=r"gives points for nothing at all: 4\.1"):
        build(notebook)
    notebook = solved(QUICK)
    cell_of(notebook, "check-4-1").metadata.nbgrader.points = 0
    with pytest.raises(CourseError, match="check-4-1 of mine has no points"):
        build(notebook)
    # Nothing of all this is left that somebody could hand out, or that stops the other commands.
    assert [path.name for path in room.folder.iterdir()] == ["class.toml"]
    notebook = solved(QUICK)
    notebook.cells = notebook.cells[:3]
    with pytest.raises(CourseError, match="holds no task to grade"):
        build(notebook)


def test_the_guides_task_of_ones_own_works_as_it_is_printed(tmp_path):
    guide = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    _, _, section = guide.partition("## A task of your own in ten lines")
    checks, *cells = re.findall(r"```python\n(.*?)\n```", section, re.DOTALL)
    assert len(cells) == 4
    assert len([line for line in checks.splitlines() if line.strip()]) <= 10
    (tmp_path / "brightness.py").write_text(checks, encoding="utf-8")
    marks = {"grade": False, "solution": False, "locked": False, "schema_version": 3}
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    notebook.cells[0].metadata.tags = ["parameters"]
    notebook.cells[2].metadata.nbgrader = {**marks, "grade_id": "place", "solution": True}
    notebook.cells[3].metadata.nbgrader = {**marks, "grade_id": "judge", "grade": True, "points": 2}
    notebook.cells[3].metadata.nbgrader["locked"] = True
    (tmp_path / "marks_last_year.csv").write_text("private", encoding="utf-8")
    own = tmp_path / "brightness.ipynb"
    write_notebook(own, notebook)

    folder = tmp_path / "class"
    said = _command("build", own, "--class", folder)
    assert "the reference solution has 2 of 2 points, a blank one none" in said
    room = open_room(folder)
    released = room.of_release("brightness")
    assert sorted(path.name for path in released.parent.iterdir()) == [
        "brightness.ipynb",
        "brightness.py",
    ]
    sums = read_notebook(own)
    sums.cells[2].source = "def brightness(pictures):\n    return pictures.sum(axis=1)"
    for student, sent in (("right", read_notebook(own)), ("half", sums)):
        hand_in(folder, student, sent, "brightness")
    book = grade_class(room, "brightness", jobs=2)
    assert {m.student: m.points for m in book.marks} == {"right": 2, "half": 1}
    # The student has the check as well, beside the notebook.
    code = "\n".join(cell.source for cell in sums.cells) + "\nprint(repr(_))"
    code = code.replace("check(", "_ = check(")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=released.parent,
        env={**os.environ, "MNIST_COURSE_SOURCE": "digits"},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert "These are sums. Divide by the number of pixels." in done.stdout, done.stderr


def test_settings_that_cannot_be_used_are_said(tmp_path):
    folder = tmp_path / "class"
    with pytest.raises(CourseError, match="no class's folder"):
        open_room(folder)
    room = make_room(folder, "digits")
    assert open_room(folder) == room == make_room(folder, None)
    assert make_room(folder, "mnist").source == "mnist"
    assert make_room(folder, None).source == "mnist"
    make_room(folder, "digits")
    with_seed(room, "Übung 1", 7)
    assert open_room(folder).seeds == {"Übung 1": 7}
    with pytest.raises(CourseError, match=r"Did you mean class\?"):
        open_room(tmp_path / "clas")
    text = (folder / "class.toml").read_text(encoding="utf-8")
    for old, new, words in (
        ("seconds = 120.0", "seconds = -1", "seconds is -1"),
        ("seconds = 120.0", "second = 1", "not known: second"),
        ('source = "digits"', 'source = "letters"', "source is digits or mnist"),
        ("source = ", "source = = ", "cannot be read"),
        ('1" = 7', '1" = -7', "seeds whole numbers"),
        ("[limits]", '[limits]\nsource = "mnist"', "belongs above the line"),
    ):
        (folder / "class.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(CourseError, match=words):
            open_room(folder)


def test_limits_that_are_too_narrow_for_anybody_cost_no_mark(tmp_path):
    narrow = replace(assignment_of(QUICK), limits=Limits(memory_mb=2))
    with pytest.raises(CourseError, match=r"Are the limits in class\.toml wide"):
        grade_here(narrow, submission_of(solved(QUICK)), False)


def test_a_teachers_rubrics_outlive_a_new_build(room):
    path = room.of_source(QUICK).parent / "rubrics.toml"
    mine = path.read_text(encoding="utf-8").replace("full = ", 'mine = "kept"\nfull = ', 1)
    path.write_text(mine, encoding="utf-8")
    _command("build", "4", "--class", room.folder)
    assert path.read_text(encoding="utf-8") == mine


def test_a_reason_with_several_numbers_names_no_misconception():
    told = "With a bonus of 0, recall of the five is 0.951 and its precision 0.925."
    assert Task("4.2", "", 0, 2, "wrong", told).misconception == ""
    assert Task("4.2", "", 0, 2, "stopped", "Your code ran for more than 8.").misconception == ""
    named = Task("7.2", "", 0, 2, "wrong", "γ = 0.1 is best on rows that the model has *seen*.")
    assert named.misconception == "γ = … is best on rows that the model has *seen*."


def test_reasons_that_differ_in_numbers_have_one_name():
    assert name_of("The mean of digit 3 is 36.1, not 12.0. Paper counts too.") == (
        "The mean of digit … is …, not …."
    )
    assert name_of("`read` stopped with KeyError: 'x'.") == "Code stopped with KeyError."
    assert name_of("Your code stopped with NameError: name 'y' is not defined.") == (
        "Code stopped with NameError."
    )
