"""A class's folder: what lies where in it, and its settings."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from mnist_course.errors import CourseError, UsageError
from mnist_course_tools.classroom.sandbox import Limits
from mnist_course_tools.classroom.submission import student_name
from mnist_course_tools.notebooks import write_whole

SOURCES = ("digits", "mnist")
RUBRICS = "rubrics.toml"  # beside a source: what written answers are marked by
_SETTINGS = """\
# The settings of this class. Keep this file, and the folder source, to yourself.

# Whose rows the tasks are graded on: "digits", which come with scikit-learn, or "mnist".
source = "{source}"

# What one submission may use; an endless loop or a full memory then stops nobody else.
[limits]
{limits}

# Draw rows that no student has seen, for each assignment. "assign build --new-rows" draws anew.
[seeds]
{seeds}
"""


@dataclass(frozen=True)
class Room:
    """A class's folder; its layout is nbgrader's, so that nbgrader can hand out and collect.

    Attributes
    ----------
    folder : Path
    source : str
        ``"digits"`` or ``"mnist"``.
    seeds : mapping of str to int
        Draw the rows of each assignment.
    limits : Limits
    """

    folder: Path
    source: str
    seeds: Mapping[str, int]
    limits: Limits

    def of_source(self, assignment: str) -> Path:
        return self.folder / "source" / assignment / f"{assignment}.ipynb"

    def of_release(self, assignment: str) -> Path:
        return self.folder / "release" / assignment / f"{assignment}.ipynb"

    def of_marks(self, assignment: str, student: str) -> Path:
        return self.folder / "marks" / assignment / f"{student}.json"

    def of_written(self, assignment: str) -> Path:
        return self.folder / "written" / f"{assignment}.csv"

    def of_feedback(self, assignment: str, student: str) -> Path:
        return self.folder / "feedback" / student / assignment / f"{assignment}.html"

    def of_report(self, assignment: str) -> Path:
        return self.folder / "reports" / f"{assignment}.html"

    @property
    def submitted(self) -> Path:
        return self.folder / "submitted"

    @property
    def table(self) -> Path:
        return self.folder / "marks.csv"

    def assignments(self) -> list[str]:
        """Return all that have been built to their end, sorted."""
        return sorted(name for name in self.seeds if self.of_source(name).exists())

    def submissions(self, assignment: str) -> dict[str, list[Path]]:
        """Return what each student has handed in: a folder, or a file that lies in its place.

        One each, as a rule; two where a name is written in two ways.
        """
        found: dict[str, list[Path]] = {}
        for path in sorted(self.submitted.glob("*/")):
            places = [path / assignment, *sorted(path.glob(f"{assignment}.*"))]
            places = [place for place in places if place.exists()]
            if places and not path.name.startswith("."):
                found.setdefault(student_name(path.name), []).append(places[0])
        return found

    def strays(self, assignment: str) -> dict[str, list[str]]:
        """Return what students without a submission have that belongs to no assignment."""
        found: dict[str, list[str]] = {}
        there = self.submissions(assignment)
        for path in sorted(self.submitted.glob("*/")):
            names = [each.name for each in path.iterdir() if not each.name.startswith(".")]
            odd = [name for name in sorted(names) if name not in self.seeds]
            if odd and student_name(path.name) not in there and not path.is_symlink():
                found[student_name(path.name)] = odd[:5]
        return found

    def loose(self) -> list[str]:
        """Return files that lie beside the students' folders, where nobody looks for them."""
        found = [path.name for path in self.submitted.glob("*") if path.is_file()]
        return sorted(name for name in found if not name.startswith("."))


def open_room(folder: Path) -> Room:
    """Open a class's folder.

    Raises
    ------
    CourseError
        If it is none, or its settings cannot be used.
    """
    path = folder / "class.toml"
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = [p.parent.name for p in folder.absolute().parent.glob("*/class.toml")]
        meant = difflib.get_close_matches(folder.name, near, 1)
        words = (
            f"Did you mean {meant[0]}?"
            if meant
            else (f"Build an assignment first: mnist-course assign build 5 --class {folder}")
        )
        raise UsageError(f"{folder} is no class's folder: it has no class.toml. {words}") from None
    except (OSError, ValueError) as error:
        raise CourseError(
            f'{path} cannot be read: {error}. Texts stand in quotes, as in source = "digits".'
        ) from None
    names = {field.name for field in fields(Limits)}
    if "source" in {**found.get("limits", {}), **found.get("seeds", {})}:
        raise CourseError(f"{path}: source belongs above the line [limits].")
    limits, seeds = found.get("limits", {}), found.get("seeds", {})
    unknown = {*found, *limits} - {*names, "source", "seeds", "limits"}
    if unknown:
        raise CourseError(f"{path} has a setting that is not known: {', '.join(sorted(unknown))}.")
    for name, value in limits.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
            raise CourseError(f"{path}: {name} is {value!r}; it should be a number above 0.")
    source = found.get("source", SOURCES[0])
    if source not in SOURCES or not all(isinstance(s, int) and s >= 0 for s in seeds.values()):
        raise CourseError(f"{path}: source is digits or mnist, and seeds whole numbers from 0 on.")
    return Room(folder, source, seeds, Limits(**limits))


def make_room(folder: Path, source: str | None) -> Room:
    """Open a class's folder, or make one.

    Parameters
    ----------
    folder : Path
    source : str, optional
        ``"digits"`` or ``"mnist"``; as it was, or digits, without it. Other rows need other seeds.
    """
    if source is not None and source not in SOURCES:
        raise UsageError(f"There is no source {source!r}. Choose digits or mnist.")
    room = open_room(folder) if (folder / "class.toml").exists() else None
    if room and source in (None, room.source):
        return room
    made = Room(folder, source or SOURCES[0], {}, room.limits if room else Limits())
    _write(made)
    return made


def with_seed(room: Room, assignment: str, seed: int) -> Room:
    """Keep the seed of an assignment in the settings."""
    made = replace(room, seeds={**room.seeds, assignment: seed})
    _write(made)
    return made


def _write(room: Room) -> None:
    limits = [f"{field.name} = {getattr(room.limits, field.name)}" for field in fields(Limits)]
    seeds = [f"{json.dumps(name)} = {seed}" for name, seed in room.seeds.items()]
    text = _SETTINGS.format(source=room.source, limits="\n".join(limits), seeds="\n".join(seeds))
    with write_whole(room.folder / "class.toml") as file:
        file.write(text)
