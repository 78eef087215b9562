"""What grading one submission finds: points by task, each with its reason."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from mnist_course_tools.notebooks import write_whole

State = Literal["right", "partly", "wrong", "blank", "stopped"]
_NUMBER = re.compile(r"(?<![\w`])[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?(?: ?%)?")
_SENTENCE = re.compile(r"(?<=[.?!])\s")
_STOPPED = re.compile(r"(?:Your code|`[^`]+`) stopped with (\w+)")


@dataclass(frozen=True)
class Task:
    """One task of one submission.

    Attributes
    ----------
    number, title : str
        Such as ``"5.1"`` and ``"Which model needs which scaler?"``.
    points, out_of : float
        For the code.
    state : str
        ``"right"``, ``"partly"`` (right but for its form), ``"wrong"``, ``"blank"``, or
        ``"stopped"`` (student code had to be stopped, or ended by itself).
    reason : str
        What the check said, in words for the student.
    code : str
        What the student wrote.
    text : str
        The student's written answer; empty if there is none.
    text_out_of : float
        Points for the written answer, which a person gives; 0 if none is asked for.
    """

    number: str
    title: str
    points: float
    out_of: float
    state: State
    reason: str
    code: str = ""
    text: str = ""
    text_out_of: float = 0.0

    @property
    def misconception(self) -> str:
        """The reason's first sentence without its numbers; empty where none was recognised.

        A sentence with two numbers or more compares the answer with the right one, no more.
        """
        if self.state not in ("partly", "wrong"):
            return ""
        name = name_of(self.reason)
        return "" if name.count("…") > 1 else name


@dataclass(frozen=True)
class Marks:
    """What was found in one submission.

    Attributes
    ----------
    student, assignment : str
        As their folders are called.
    tasks : tuple of Task
        In order; empty if there is a problem.
    problem : str
        Why nothing could be graded; empty otherwise.
    notes : tuple of str
        What was put back or left out before grading, a sentence each.
    seconds, peak_mb : float
        What running the student's code took.
    key : str
        Stands for the submission and all that decides its marks: equal keys, equal marks.
    """

    student: str
    assignment: str
    tasks: tuple[Task, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    peak_mb: float = 0.0
    key: str = ""

    @property
    def points(self) -> float:
        """Points for code; those for written answers are given by a person."""
        return sum(task.points for task in self.tasks)

    @property
    def out_of(self) -> float:
        return sum(task.out_of for task in self.tasks)


@dataclass(frozen=True)
class Written:
    """Points and a comment that a person gave to a written answer."""

    points: float
    comment: str = ""


@dataclass
class Book:
    """All marks of a class for one assignment.

    Attributes
    ----------
    assignment, title : str
    marks : list of Marks
        One a student, sorted by student.
    written : dict of (student, number) to Written
        What a person has given so far.
    """

    assignment: str
    title: str
    marks: list[Marks] = field(default_factory=list)
    written: dict[tuple[str, str], Written] = field(default_factory=dict)


def name_of(reason: str) -> str:
    """Return what stands for all reasons that differ only in their numbers.

    Parameters
    ----------
    reason : str
        As a check says it, such as "The mean of digit 3 is 36.1, not 12.0. Paper counts too."
    """
    stopped = _STOPPED.match(reason)
    if stopped:
        return f"Code stopped with {stopped[1]}."
    return _NUMBER.sub("…", _SENTENCE.split(reason.strip(), maxsplit=1)[0])


def write_marks(marks: Marks, path: Path) -> None:
    """Write marks to a file, whole or not at all."""
    with write_whole(path) as file:
        # In ASCII: a student's text may hold halves of characters that no encoding knows.
        json.dump(asdict(marks), file, indent=1)


def read_marks(path: Path) -> Marks | None:
    """Return marks from a file; None if there are none, or they are damaged or of another form."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        tasks = tuple(Task(**task) for task in found.pop("tasks"))
        return Marks(**{**found, "tasks": tasks, "notes": tuple(found["notes"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
