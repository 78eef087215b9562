"""A class of 40 is graded, and the grader killed in the middle: ``python -m benchmarks.classroom``.

Submissions are made from an assignment's own solution: most are right, some blank, some hold a
typical mistake, and four are hostile. What each has to be given is known beforehand. After a
third of them the grader is killed with SIGKILL and started again. Names of assignments beside
the module take the place of those below.
"""

from __future__ import annotations

import copy
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nbformat import NotebookNode, writes

from benchmarks.table import print_machine, print_table
from mnist_course_tools.classroom.assemble import kind_of
from mnist_course_tools.classroom.build import build
from mnist_course_tools.classroom.grading import read_book
from mnist_course_tools.classroom.room import make_room, open_room
from mnist_course_tools.exercises import learners_edition
from mnist_course_tools.memory import EVERY, family_memory
from mnist_course_tools.notebooks import course_folder, find_notebooks, read_notebook

STUDENTS = 40
ASSIGNMENTS = ("04_metrics", "05_scaling", "07_svm")
HOSTILE = {
    "loops": "while True: pass",
    "hoards": "x = []\nwhile True: x.append(bytearray(10**7))",
    "leaves": "import os; os._exit(0)",
    "shouts": "for _ in range(100): print('x' * 10**6)\nraise SystemExit",
}


def main(names: list[str]) -> None:
    """Grade a class for each assignment, and print one table."""
    rows = []
    for name in names or ASSIGNMENTS:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(name, Path(folder) / "class"))
    print_machine()
    headings = (
        f"A class of {STUDENTS}",
        "seconds",
        "peak MB",
        "graded before it was killed",
        "graded again",
        "marks as expected",
    )
    print_table(headings, rows)


def measure(name: str, folder: Path) -> tuple[str, ...]:
    """Hand in, grade, kill, grade on; return a row of the table."""
    source = next(p for p in find_notebooks(course_folder() / "exercises" / "source", [name]))
    room, _, _ = build(make_room(folder, "digits"), source)
    expected = hand_in(folder, name, read_notebook(source))
    marks = room.of_marks(name, "").parent

    start = time.perf_counter()
    grader = _grade(name, folder)
    peak = 0
    while len(list(marks.glob("*.json"))) < STUDENTS // 3:
        peak = max(peak, family_memory(os.getpid()))
        time.sleep(EVERY)
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    before = {path.stem: path.stat().st_mtime_ns for path in marks.glob("*.json")}
    grader = _grade(name, folder)
    while grader.poll() is None:
        peak = max(peak, family_memory(os.getpid()))
        time.sleep(EVERY)
    seconds = time.perf_counter() - start
    again = sum((marks / f"{n}.json").stat().st_mtime_ns != when for n, when in before.items())
    found = {m.student: m.points for m in read_book(open_room(folder), name).marks}
    good = sum(found.get(student) == points for student, points in expected.items())
    for student, points in expected.items():
        if found.get(student) != points:
            print(f"{student}: {found.get(student)}, not {points}", file=sys.stderr)
    return (
        name,
        f"{seconds:.0f}",
        f"{peak / 1e6:.0f}",
        str(len(before)),
        str(again),
        f"{good} of {len(expected)}",
    )


def hand_in(folder: Path, name: str, source: NotebookNode) -> dict[str, float]:
    """Write 40 submissions; return the points that each has to be given."""
    blank, expected = learners_edition(source), {}
    answers = [place for place, cell in enumerate(source.cells) if kind_of(cell) == "answer"]
    kinds = ["blank"] * 6 + ["half"] * 6 + list(HOSTILE)
    kinds = ["right"] * (STUDENTS - len(kinds)) + kinds
    for number, kind in enumerate(kinds):
        sent = learners_edition(source) if kind == "blank" else copy.deepcopy(source)
        points = 2.0 * len(answers)
        if kind == "blank":
            points = 0.0
        elif kind == "half":  # the second half of the tasks is not done
            for place in answers[len(answers) // 2 :]:
                sent.cells[place].source = blank.cells[place].source
            points /= 2
        elif kind in HOSTILE:  # in the place of the last task
            sent.cells[answers[-1]].source = HOSTILE[kind]
            points -= 2
        path = folder / "submitted" / f"{number:02d}-{kind}" / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(writes(sent), encoding="utf-8")
        expected[f"{number:02d}-{kind}"] = points
    return expected


def _grade(name: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mnist_course_tools", "assign", "grade", name]
    return subprocess.Popen([*command, "--class", str(folder)], stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if shutil.which("bwrap") is None:
        sys.exit("This needs bubblewrap: apt install bubblewrap")
    main(sys.argv[1:])
