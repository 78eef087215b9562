"""The table in which a person gives points for written answers."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mnist_course.errors import CourseError
from mnist_course_tools.classroom.marks import Book, Marks, Task, Written
from mnist_course_tools.classroom.tables import (
    LINE_END,
    alphabet,
    harmless,
    order,
    plain,
    restored,
    write_table,
)

COLUMNS = ("student", "task", "answer", "out of", "points", "comment", "changed")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)")
_TASK = re.compile(r"\w+\.[0-9]+[a-z]?(?=\s|$)")
_MOST_PROBLEMS = 10  # named at a time


@dataclass
class _Row:
    """A row of the table: cells by column, and what a person added beside them."""

    cells: dict[str, str]
    more: list[str] = field(default_factory=list)
    place: int = 0  # as a spreadsheet counts, from 1

    @property
    def key(self) -> tuple[str, str]:
        return self.cells["student"], _number_of(self.cells["task"])

    @property
    def touched(self) -> bool:
        """Whether a person has typed something into it, or made all of it."""
        cells = self.cells
        typed = [cells["points"], cells["comment"], *self.more]
        typed += [cells["changed"]] * (cells["changed"].strip().lower() != "yes")
        return any(cell.strip() for cell in typed) or not (all(self.key) and cells["answer"])


@dataclass
class _Table:
    rows: list[_Row] = field(default_factory=list)
    more: list[str] = field(default_factory=list)  # names of columns that a person added
    separator: str = ","
    encoding: str = "utf-8"


def update_written(path: Path, marks: Sequence[Marks]) -> None:
    """Bring the table of written answers up to date; nothing that a person typed is lost.

    Each answer gets a row, sorted by task and then by student. Points and comments stay. Where an
    answer is another one than before, and has points or a comment, ``changed`` says "yes" until a
    person empties that cell. Rows in which a person has typed stay even if there is no such answer
    any more; so do columns that a person added, and the separator of the file.

    Parameters
    ----------
    path : Path
        Such as ``my-class/written/05_scaling.csv``; made if there is none.
    marks : sequence of Marks
        Of one assignment.

    Raises
    ------
    CourseError
        If the table cannot be read or written; it is then left as it is.
    """
    table = _read(path)
    tasks = {
        (harmless(one.student), task.number): task
        for one in marks
        for task in one.tasks
        if task.text_out_of or task.text.strip()
    }
    rows, seen = [], set()
    for row in table.rows:
        task, touched = tasks.get(row.key), row.touched
        if task:
            seen.add(row.key)
            _renew(row, task, table.encoding)
        if touched or (task and row.cells["answer"]):
            rows.append(row)
    rows += [
        _new_row(student, task)
        for (student, number), task in tasks.items()
        if task.text.strip() and (student, number) not in seen
    ]
    rows.sort(key=lambda row: (not row.key[1], order(row.key[1]), alphabet(row.key[0])))
    _write(path, table, rows)


def read_written(path: Path) -> dict[tuple[str, str], Written]:
    """Return what a person has given so far, by student and number of the task.

    The file may be as spreadsheets save it: with commas, semicolons or tabs between cells, in
    UTF-8, UTF-16 or cp1252, and with a comma or a point in numbers. Rows without points are left
    out: they have not been read yet.

    Parameters
    ----------
    path : Path
        No such file is an empty table.

    Returns
    -------
    dict of (student, number) to Written

    Raises
    ------
    CourseError
        If the file is no such table, or points are none; it names each such row.
    """
    found: dict[tuple[str, str], Written] = {}
    places: dict[tuple[str, str], int] = {}
    problems: list[str] = []
    for row in _read(path).rows:
        if not row.cells["points"].strip():
            continue
        problem = _problem(row)
        given = None if problem else Written(_points(row), row.cells["comment"].strip())
        if given and found.get(row.key, given) != given:
            problem = f"row {places[row.key]} says something else of the same answer. Leave one."
        if problem:
            problems.append(f"Row {row.place} ({', '.join(filter(None, row.key))}): {problem}")
        elif given:
            found[row.key], places[row.key] = given, row.place
    if problems:
        raise CourseError(_summed_up(path, problems))
    return found


def unread(path: Path, book: Book) -> list[str]:
    """Return what is in the table of written answers, or beside it, and is not counted."""
    answers = {(harmless(m.student), task.number) for m in book.marks for task in m.tasks}
    said = [
        f"{path.name}: there is no answer of {student!r} to {number}; its points are not counted."
        for student, number in sorted(set(book.written) - answers)
    ]
    other = path.with_suffix(".xlsx")
    if other.exists():
        said.append(f"{other.name} is not read: save it from your spreadsheet as {path.name}.")
    return said


def points_given(marks: Marks, written: Mapping[tuple[str, str], Written]) -> dict[str, Written]:
    """Return what a person gave to one student's written answers, by number of the task."""
    student = harmless(marks.student)
    keys = {task.number: (student, task.number) for task in marks.tasks}
    return {number: written[key] for number, key in keys.items() if key in written}


def _new_row(student: str, task: Task) -> _Row:
    row = _Row({**dict.fromkeys(COLUMNS, ""), "student": student})
    _fill(row, task)
    return row


def _fill(row: _Row, task: Task) -> None:
    # With the title beside it, no spreadsheet takes 5.1 for the fifth of January.
    row.cells["task"] = harmless(f"{task.number} {task.title}").replace("\n", " ").strip()
    row.cells["answer"] = harmless(task.text).strip()
    row.cells["out of"] = plain(task.text_out_of)


def _renew(row: _Row, task: Task, encoding: str) -> None:
    """Put the present answer into a row, and say so if a person has judged another one."""
    same = _same(row.cells["answer"], harmless(task.text), encoding)
    if not same and (row.cells["points"].strip() or row.cells["comment"].strip()):
        row.cells["changed"] = "yes"
    _fill(row, task)


def _same(stored: str, answer: str, encoding: str) -> bool:
    """Tell whether a table holds this answer, as far as its encoding can hold it."""
    stored, answer = (" ".join(text.split()) for text in (stored, answer))
    if stored == answer or len(stored) != len(answer):
        return stored == answer
    return all(
        old == new or not new.encode(encoding, "ignore")
        for old, new in zip(stored, answer, strict=True)
    )


def _number_of(task: str) -> str:
    found = _TASK.match(task.strip())
    return found[0] if found else task.strip()


def _problem(row: _Row) -> str:
    """Return what is wrong with the points of a row, and what to do; empty if nothing is."""
    student, number = row.key
    if not student.strip() or not number:
        return "points without student or task. Say whose they are, or empty that cell."
    if not _TASK.fullmatch(number):
        return (
            f"{number!r} is no number of a task. Spreadsheets make dates of numbers such as 5.1; "
            f"write number and title again."
        )
    points, most = (row.cells[name].strip() for name in ("points", "out of"))
    if not _NUMBER.fullmatch(most):
        return f"out of {most!r} is no number. Write how many points there are, such as 2."
    if not _NUMBER.fullmatch(points):
        return f"{points!r} is no number. Write points such as 1 or 0,5; words go to the comment."
    if _value(points) < 0:
        return f"{points} is less than nothing. Points begin at 0."
    if _value(points) > _value(most):
        return f"{points} is more than the {most} that the answer can have. Give at most {most}."
    return ""


def _points(row: _Row) -> float:
    return _value(row.cells["points"].strip())


def _value(number: str) -> float:
    return float(number.replace(",", "."))


def _summed_up(path: Path, problems: Sequence[str]) -> str:
    more = len(problems) - _MOST_PROBLEMS
    return "\n".join(
        [
            f"Points in {path} cannot be counted:",
            *problems[:_MOST_PROBLEMS],
            *([f"… and {more} more rows."] if more > 0 else []),
            "No points were taken from the table. Correct these cells, save it and try again.",
        ]
    )


def _read(path: Path) -> _Table:
    """Return a table as it stands in a file; an empty one if there is no file."""
    try:
        text, encoding = _decoded(path.read_bytes())
    except FileNotFoundError:
        return _Table()
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise CourseError(
            f"{path} cannot be read ({why}).\n"
            f"Save it from your spreadsheet as 'CSV UTF-8', and see that you may read it."
        ) from None
    separator = _separator(text)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise CourseError(
            f"{path} is no table that can be read ({error}).\n"
            f"Open it in a spreadsheet, look for a row that goes on and on, and save it as CSV."
        ) from None
    return _as_table(path, lines, separator, encoding)


def _decoded(raw: bytes) -> tuple[str, str]:
    """Return the text of a file, and the encoding that a spreadsheet saved it in."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16"), "utf-16"
    try:
        return raw.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return raw.decode("cp1252"), "cp1252"


def _separator(text: str) -> str:
    """Return what stands between the cells: that which makes the most of the first line."""
    head = text.splitlines()[0] if text else ""
    return max(",;\t", key=lambda one: len(set(_names(head.split(one))) & set(COLUMNS)))


def _names(cells: Sequence[str]) -> list[str]:
    return [restored(cell).strip(' "').lower() for cell in cells]


def _as_table(path: Path, lines: list[list[str]], separator: str, encoding: str) -> _Table:
    head = lines[0] if lines else []
    names = _names(head)
    places = {name: names.index(name) for name in COLUMNS if name in names}
    missing = [name for name in COLUMNS if name not in (*places, "changed")]
    if missing:
        raise CourseError(
            f"{path} has no column {' and no column '.join(missing)} in its first row.\n"
            f"Give the columns their names back: {', '.join(COLUMNS)}. Until then the file is "
            f"left as it is."
        )
    width = max(map(len, lines))
    others = [i for i in range(width) if i not in places.values()]
    table = _Table([], _cells(head, others), separator, encoding)
    for place, line in enumerate(lines[1:], start=2):
        if any(cell.strip() for cell in line):
            cells = dict(zip(places, _cells(line, places.values()), strict=True))
            row = _Row({**dict.fromkeys(COLUMNS, ""), **cells}, _cells(line, others), place)
            table.rows.append(row)
    return table


def _cells(line: Sequence[str], places: Iterable[int]) -> list[str]:
    return [LINE_END.sub("\n", restored(line[i])) if i < len(line) else "" for i in places]


def _write(path: Path, table: _Table, rows: Sequence[_Row]) -> None:
    used = [
        i for i, name in enumerate(table.more) if name or any(row.more[i : i + 1] for row in rows)
    ]
    head = [*COLUMNS, *(table.more[i] for i in used)]
    lines = [[*row.cells.values(), *("".join(row.more[i : i + 1]) for i in used)] for row in rows]
    write_table(path, [head, *lines], separator=table.separator)
