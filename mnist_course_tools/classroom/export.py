"""The marks of a class as one table, for a spreadsheet or a learning platform."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mnist_course_tools.classroom.marks import Book, Marks
from mnist_course_tools.classroom.tables import alphabet, harmless, plain, write_table
from mnist_course_tools.classroom.written import points_given


def export_marks(books: Sequence[Book], path: Path) -> None:
    """Write the marks of all assignments to a table, a row for each student.

    For each task there are its points, those that a person gave to the written answer, and the
    name of the misconception. Then each assignment has its points (for code and for written
    answers as far as they have been read), how many there are, and its problem. A student who is
    not in an assignment has blanks there; where nothing could be graded, points are blank.

    Parameters
    ----------
    books : sequence of Book
        One for each assignment.
    path : Path
        Such as ``marks.csv``; replaced whole or not at all.

    Raises
    ------
    CourseError
        If the table cannot be written.
    """
    numbers = {book.assignment: _numbers(book) for book in books}
    head = ["student"]
    for name, tasks in numbers.items():
        head += [f"{name} {n}{what}" for n in tasks for what in ("", " written", " misconception")]
    for name in numbers:
        head += [f"{name} {what}" for what in ("points", "out of", "problem")]
    by_student = [{one.student: one for one in book.marks} for book in books]
    students = sorted({name for marks in by_student for name in marks}, key=alphabet)
    rows = []
    for student in students:
        found = [marks.get(student) for marks in by_student]
        row = [harmless(student)]
        for book, marks in zip(books, found, strict=True):
            row += _task_cells(book, marks, numbers[book.assignment])
        for book, marks in zip(books, found, strict=True):
            row += _sum_cells(book, marks)
        graded = [(b, m) for b, m in zip(books, found, strict=True) if m and not m.problem]
        row.append(plain(sum(_points(*pair) for pair in graded)) if graded else "")
        rows.append(row)
    write_table(path, [[*map(harmless, head), "total"], *rows])


def _numbers(book: Book) -> list[str]:
    return list(dict.fromkeys(task.number for marks in book.marks for task in marks.tasks))


def _task_cells(book: Book, marks: Marks | None, numbers: Sequence[str]) -> list[str]:
    tasks = {task.number: task for task in marks.tasks} if marks else {}
    given = points_given(marks, book.written) if marks else {}
    cells = []
    for number in numbers:
        task, written = tasks.get(number), given.get(number)
        cells += [
            plain(task.points) if task else "",
            plain(written.points) if written else "",
            harmless(task.misconception) if task else "",
        ]
    return cells


def _sum_cells(book: Book, marks: Marks | None) -> list[str]:
    if marks is None:
        return ["", "", ""]
    points = "" if marks.problem else plain(_points(book, marks))
    return [points, plain(max(map(_out_of, book.marks))), harmless(marks.problem)]


def _points(book: Book, marks: Marks) -> float:
    return marks.points + sum(one.points for one in points_given(marks, book.written).values())


def _out_of(marks: Marks) -> float:
    return marks.out_of + sum(task.text_out_of for task in marks.tasks)
