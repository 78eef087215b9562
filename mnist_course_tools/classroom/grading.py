"""Grades a class: side by side, resumed where it was stopped, each result whole or not at all."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from mnist_course.errors import CourseError
from mnist_course.machine import thread_environment
from mnist_course_tools.classroom.assignment import Assignment, read_assignment
from mnist_course_tools.classroom.grade import grade
from mnist_course_tools.classroom.marks import Book, Marks, read_marks, write_marks
from mnist_course_tools.classroom.reference import reference_of
from mnist_course_tools.classroom.room import Room
from mnist_course_tools.classroom.sandbox import require_isolation
from mnist_course_tools.classroom.submission import Submission, read_submission
from mnist_course_tools.classroom.written import read_written, update_written

_PATIENCE = 3.0  # a submission's seconds are a core's; by the clock it may be more
_MOST_MEMORY = 8 * 2**30  # bytes of address space, for a process that judges
_NOWHERE = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for as long as this process lives
Watcher = Callable[[int, int, Marks | None], None]
"""Is told how many are done, of how many, and what was found last."""
MakeExecutor = Callable[[int], Executor]


def grade_class(
    room: Room,
    name: str,
    *,
    jobs: int = 1,
    trusted: bool = False,
    again: bool = False,
    make_executor: MakeExecutor | None = None,
    watch: Watcher = lambda done, of, marks: None,
) -> Book:
    """Grade what has changed since it was graded last, and return all marks.

    Parameters
    ----------
    room : Room
    name : str
        Of the assignment.
    jobs : int
        Submissions at a time.
    trusted : bool
        Run student code without isolation.
    again : bool
        Grade what has not changed, too.
    make_executor : callable, optional
        Makes, from a number of jobs, what runs them; processes of this machine by default.
    watch : callable, optional

    Raises
    ------
    UsageError
        If student code cannot be isolated, and is not trusted.
    CourseError
        If the assignment is missing, or its reference solution does not run.
    """
    assignment = read_assignment(room, name)
    known, todo = _sorted_out(room, assignment, again=again)
    _forget_the_gone(room, name, [*known, *todo])
    done, total = len(known), len(known) + len(todo)
    watch(done, total, None)
    if todo:
        if make_executor is None:
            require_isolation(trusted=trusted)
        for marks in _graded(assignment, todo, jobs, trusted, make_executor or _processes):
            write_marks(marks, room.of_marks(name, marks.student))
            known[marks.student] = marks
            done += 1
            watch(done, total, marks)
    book = Book(name, assignment.title, [known[student] for student in sorted(known)])
    update_written(room.of_written(name), book.marks)
    book.written = read_written(room.of_written(name))
    return book


def read_book(room: Room, name: str) -> Book:
    """Return the marks of an assignment as they were found last; nothing is graded."""
    assignment = read_assignment(room, name)
    folder = room.of_marks(name, "").parent
    marks = [found for path in sorted(folder.glob("*.json")) if (found := read_marks(path))]
    return Book(name, assignment.title, marks, read_written(room.of_written(name)))


def data_folder(rows: str) -> Path | None:
    """Return the folder that student code needs for these rows, filled if it is not yet."""
    if rows == "digits":
        return None
    from mnist_course.data.load import fetch_mnist

    return fetch_mnist().parent


def grade_here(assignment: Assignment, submission: Submission, trusted: bool) -> Marks:
    """Grade a submission in this process: what a worker is asked to do."""
    data = data_folder(assignment.rows)
    reference_of(assignment)  # if that does not run, nothing can be graded
    try:
        return grade(assignment, submission, trusted=trusted, data=data)
    except CourseError:
        raise  # the same for everybody
    except Exception as error:
        # Whatever was handed in, it may not keep others from being graded.
        words = f"Grading it failed in the grader ({type(error).__name__}: {error})"[:500]
        key = assignment.key(submission.files)
        return Marks(submission.student, assignment.name, problem=f"{words}.", key=key)


def _grade_watched(assignment: Assignment, submission: Submission, trusted: bool) -> Marks:
    """Grade in a process of one's own, which ends if that takes far too long."""
    reference_of(assignment)
    most = 2 * _PATIENCE * assignment.limits.seconds
    faulthandler.dump_traceback_later(most, exit=True, file=_NOWHERE)
    try:
        return grade_here(assignment, submission, trusted)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _sorted_out(
    room: Room, assignment: Assignment, *, again: bool
) -> tuple[dict[str, Marks], dict[str, Submission]]:
    """Return marks that still hold, and submissions that are to be graded."""
    known: dict[str, Marks] = {}
    todo: dict[str, Submission] = {}
    for student, folders in room.submissions(assignment.name).items():
        if len(folders) > 1:
            names = " and ".join(repr(folder.parent.name) for folder in folders)
            words = f"There are two folders of this name, {names}. Keep one of them."
            known[student] = Marks(student, assignment.name, problem=words)
            write_marks(known[student], room.of_marks(assignment.name, student))
            continue
        submission = read_submission(student, folders[0])
        marks = read_marks(room.of_marks(assignment.name, student))
        if marks and marks.key == assignment.key(submission.files) and not again:
            known[student] = marks
        else:
            todo[student] = submission
    return known, todo


def _forget_the_gone(room: Room, name: str, students: Sequence[str]) -> None:
    """Remove marks of students whose submission is gone."""
    for path in room.of_marks(name, "").parent.glob("*.json"):
        if path.stem not in students:
            path.unlink()


def _graded(
    assignment: Assignment,
    todo: dict[str, Submission],
    jobs: int,
    trusted: bool,
    make_executor: MakeExecutor,
) -> Iterator[Marks]:
    """Yield marks as they come; a submission that ends a grader costs only itself."""
    waiting = dict(todo)
    while waiting:
        with make_executor(jobs) as executor:
            try:
                for future in _submitted(executor, assignment, waiting, trusted):
                    marks = future.result()
                    del waiting[marks.student]
                    yield marks
            except BrokenProcessPool:
                if jobs == 1:  # only the first was being worked on
                    student = next(iter(waiting))
                    del waiting[student]
                    words = "Grading it ended the grader itself; have a look at it yourself."
                    yield Marks(student, assignment.name, problem=words)
                jobs = 1
            except BaseException:
                executor.shutdown(wait=False, cancel_futures=True)
                for process in multiprocessing.active_children():
                    process.kill()  # with it ends the student's, which is bound to it
                raise


def _submitted(
    executor: Executor, assignment: Assignment, waiting: dict[str, Submission], trusted: bool
) -> Iterator[Future[Marks]]:
    futures = [
        executor.submit(
            _grade_watched if isinstance(executor, ProcessPoolExecutor) else grade_here,
            assignment,
            submission,
            trusted,
        )
        for submission in waiting.values()
    ]
    return as_completed(futures)


def _processes(jobs: int) -> Executor:
    """Return processes that have one BLAS thread each, and end when this one does."""
    context = multiprocessing.get_context("spawn")
    os.environ.update(thread_environment(1))  # for those that start now, before NumPy does
    return ProcessPoolExecutor(
        jobs, mp_context=context, initializer=_end_with, initargs=(os.getpid(),)
    )


def _end_with(parent: int) -> None:
    """End this process when the grader does, however that ends; and let it take no more memory
    than an answer can ask for.
    """
    if os.name != "posix":
        return
    if sys.platform == "linux":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, most))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def on_cluster(address: str) -> Iterator[tuple[MakeExecutor, int]]:
    """Yield what grades on a Dask cluster, and how many workers it has.

    Each worker has to have the course, with nbgrader and bubblewrap; submissions are sent to it.

    Raises
    ------
    ClusterError
        If no cluster answers.
    """
    from mnist_course.dask_cluster import connect

    with connect(address) as client:
        workers = len(client.scheduler_info(n_workers=-1)["workers"])
        yield lambda jobs: client.get_executor(pure=False), workers
