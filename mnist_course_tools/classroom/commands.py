"""The commands `mnist-course assign ...`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from mnist_course.errors import CourseError
from mnist_course_tools.classroom.tables import harmless
from mnist_course_tools.classroom.written import unread
from mnist_course_tools.stopping import stoppable

if TYPE_CHECKING:
    from mnist_course_tools.classroom.grading import Watcher
    from mnist_course_tools.classroom.marks import Book, Marks
    from mnist_course_tools.classroom.room import Room

app = typer.Typer(
    help="Build assignments from the exercises, grade them, and hand them back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
console = Console(highlight=False)

_KEPT = "What was graded is kept: the same command goes on from there."
Folder = Annotated[Path, typer.Option("--class", metavar="FOLDER", help="The class's folder.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ASSIGNMENT ...]", help="Such as 5 or 05_scaling; all without any."),
]
Trusted = Annotated[
    bool,
    typer.Option("--trusted", help="Run students' code as yourself where it cannot be isolated."),
]


@app.command()
def build(
    chosen: Annotated[
        list[str],
        typer.Argument(metavar="NN ...", help="Chapters, or notebooks of your own by their path."),
    ],
    folder: Folder = Path("my-class"),
    source: Annotated[
        str | None, typer.Option(help="Rows to grade on: digits or mnist; digits at first.")
    ] = None,
    new_rows: Annotated[
        bool, typer.Option("--new-rows", help="Draw other rows than so far for these assignments.")
    ] = False,
    beside: Annotated[
        list[Path] | None,
        typer.Option("--with", metavar="FILE", help="Hand out this file too; may be repeated."),
    ] = None,
    trusted: Trusted = False,
) -> None:
    """Write assignments to hand out, and prove that their solutions earn all points."""
    _need_nbgrader()
    from mnist_course_tools.classroom.build import build as build_assignment
    from mnist_course_tools.classroom.build import find_sources
    from mnist_course_tools.classroom.room import make_room
    from mnist_course_tools.classroom.sandbox import require_isolation

    require_isolation(trusted=trusted)
    sources = find_sources(chosen)
    room = make_room(folder, source)
    for path in sources:
        name, known = path.stem, dict(room.seeds)
        with stoppable(console), console.status("") as status:
            room, marks, handed_out = build_assignment(
                room,
                path,
                beside=beside or (),
                new_rows=new_rows,
                trusted=trusted,
                tell=status.update,
            )
        _say(
            f"{name}: the reference solution has {marks.points:g} of {marks.out_of:g} points, a "
            f"blank one none; {marks.seconds:.0f} seconds, {marks.peak_mb:.0f} MB."
        )
        if room.seeds[name] != known.get(name) and room.submissions(name):
            _say("New rows were drawn, and something is handed in already: its marks may change.")
        _say(f"Hand out {room.of_release(name).parent} ({', '.join(handed_out)}).")
        _say(f"Keep {room.of_source(name).parent}.")


@app.command()
def grade(
    names: Names = None,
    folder: Folder = Path("my-class"),
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Submissions at a time; as many as cores.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Grade what has not changed, too.")
    ] = False,
    trusted: Trusted = False,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Grade on this Dask scheduler's workers.")
    ] = None,
) -> None:
    """Grade what was handed in; stopped in the middle, it goes on where it was."""
    _need_nbgrader()
    from mnist_course.machine import owned_cores
    from mnist_course_tools.classroom.grading import grade_class, on_cluster
    from mnist_course_tools.classroom.room import open_room

    room = open_room(folder)
    place = on_cluster(cluster) if cluster else nullcontext((None, owned_cores()))
    with stoppable(console, _KEPT), place as (make, cores):
        for name in _assignments(room, names):
            with _progress(name) as watch:
                book = grade_class(
                    room,
                    name,
                    jobs=jobs or cores,
                    trusted=trusted,
                    again=again,
                    make_executor=make,
                    watch=watch,
                )
            _sum_up(book, room)


@app.command()
def feedback(names: Names = None, folder: Folder = Path("my-class")) -> None:
    """Write a page for each student, and a report on the class for you."""
    from mnist_course_tools.classroom.build import rubrics_of
    from mnist_course_tools.classroom.grading import read_book
    from mnist_course_tools.classroom.pages import feedback_page, report_page
    from mnist_course_tools.classroom.room import open_room
    from mnist_course_tools.notebooks import write_whole

    room = open_room(folder)
    for name in _assignments(room, names):
        book, rubrics = read_book(room, name), rubrics_of(room, name)
        if not book.marks:
            _say(f"{name}: nothing has been graded yet. First: mnist-course assign grade {name}")
            continue
        for marks in book.marks:
            with write_whole(room.of_feedback(name, marks.student)) as file:
                file.write(feedback_page(marks, book.title, book.written, rubrics))
        with write_whole(room.of_report(name)) as file:
            file.write(report_page(book))
        for words in unread(room.of_written(name), book):
            _say(f"  {words}")
        _say(f"{name}: {len(book.marks)} page(s) in {room.folder / 'feedback'}")
        _say(f"What to teach again: {room.of_report(name)}")


@app.command()
def export(folder: Folder = Path("my-class")) -> None:
    """Write the marks of the whole class as one table."""
    from mnist_course_tools.classroom.export import export_marks
    from mnist_course_tools.classroom.grading import read_book
    from mnist_course_tools.classroom.room import open_room

    room = open_room(folder)
    books = [read_book(room, name) for name in _assignments(room, None)]
    export_marks(books, room.table)
    students = {marks.student for book in books for marks in book.marks}
    _say(f"{len(students)} student(s), {len(books)} assignment(s): {room.table}")


def _need_nbgrader() -> None:
    try:
        import nbgrader  # noqa: F401
    except ModuleNotFoundError:
        raise CourseError(
            "Assignments need nbgrader, which learners do not. Install it with: "
            'python -m pip install "mnist-course[teach]"'
        ) from None


def _assignments(room: Room, names: list[str] | None) -> list[str]:
    """Return the assignments meant: by their name or the number it begins with."""
    built = room.assignments()
    if not built:
        raise CourseError(f"No assignment has been built in {room.folder} yet.")
    if not names:
        return built
    found = []
    for wish in names:
        fits = [n for n in built if n == wish or (wish.isdigit() and _number(n) == int(wish))]
        if not fits:
            raise CourseError(f"There is no assignment {wish!r}. Built are: {', '.join(built)}.")
        found += fits
    return found


def _number(name: str) -> int:
    digits = name.partition("_")[0]
    return int(digits) if digits.isdigit() else -1


@contextmanager
def _progress(name: str) -> Iterator[Watcher]:
    """Show how many submissions are graded; in a log, a line for each."""
    from rich import progress

    if not console.is_terminal:

        def tell(done: int, of: int, marks: Marks | None) -> None:
            _say(f"{name}: {done} of {of}{f', {_result(marks)}' if marks else ' are graded'}")

        yield tell
        return
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console) as bars:
        task = bars.add_task(name, total=None)

        def move(done: int, of: int, marks: Marks | None) -> None:
            words = f"{name}: {escape(_result(marks))}" if marks else name
            bars.update(task, completed=done, total=of, description=words)

        yield move


def _result(marks: Marks) -> str:
    student = harmless(marks.student).replace("\n", " ")
    if marks.problem:
        return f"{student}: not graded"
    return f"{student}: {marks.points:g} of {marks.out_of:g}"


def _sum_up(book: Book, room: Room) -> None:
    """Say what a teacher wants to know first: how many, how well, and what went wrong."""
    name = book.assignment
    if not book.marks:
        place = room.submitted / "STUDENT" / name / f"{name}.ipynb"
        _say(f"{name}: nothing has been handed in. Each notebook belongs in {place}")
    graded = [marks for marks in book.marks if not marks.problem]
    if book.marks:
        _say(f"{name}: {len(graded)} of {len(book.marks)} submission(s) graded.")
    if graded:
        mean = sum(marks.points for marks in graded) / len(graded)
        _say(f"On average {mean:.1f} of {graded[0].out_of:g} points for code.")
    for marks in book.marks:
        for words in (marks.problem, *marks.notes):
            if words:
                _say(f"  {marks.student}: {words}")
    for student, names in room.strays(name).items():
        _say(f"  {student}: nothing for {name}, but {', '.join(names)}. Is that name right?")
    for words in unread(room.of_written(name), book):
        _say(f"  {words}")
    if loose := room.loose():
        _say(f"Not in any student's folder, so not looked at: {', '.join(loose[:10])}")
    if any(task.text for marks in graded for task in marks.tasks):
        _say(f"Written answers, for you to mark: {room.of_written(book.assignment)}")


def _say(words: str) -> None:
    # Students' names and words may hold what a terminal obeys, or lines that look like ours.
    words = harmless(words).replace("\n", " ")
    console.print(words, soft_wrap=True, markup=False)
