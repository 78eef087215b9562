"""The grader's end of the line: requests to a student's process, and limits on its answers."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any, NoReturn

import numpy as np

from mnist_course_tools.classroom import wire
from mnist_course_tools.classroom.sandbox import Limits, end, student_process
from mnist_course_tools.memory import family_memory

_EVERY = 0.1  # seconds between two looks at memory and clock
_START = 60.0  # seconds until Python and IPython are there, on a busy machine
_METHODS = ("fit", "fit_transform", "transform", "predict", "predict_proba", "score")


class Stopped(BaseException):
    """The student's process has ended, or had to be; no check may take it for an answer's error."""


class StudentError(Exception):
    """What student code raised; a class of the same name is made for each."""


class RemoteObject:
    """Something in the student's process that is no plain data."""

    __iter__ = None  # otherwise Python would try every number as a key

    def __init__(self, session: Session, number: int) -> None:
        self._session, self._number = session, number

    def __getitem__(self, key: Any) -> Any:
        return self._session.ask("item", self._number, key)

    def __getattr__(self, name: str) -> Any:
        if name not in _METHODS:
            raise AttributeError(name)
        return lambda *arguments: self._session.ask("method", self._number, name, arguments)


class RemoteFunction(RemoteObject):
    """Something in the student's process that can be called."""

    def __init__(self, session: Session, number: int, name: str) -> None:
        super().__init__(session, number)
        self.__name__ = name

    def __call__(self, *arguments: Any) -> Any:
        return self._session.call(self._number, arguments)


class Session:
    """A student's process, and what it has used so far.

    Attributes
    ----------
    peak_mb : float
        The most memory that was seen.
    """

    def __init__(self, process: Popen[bytes], limits: Limits, deadline: float) -> None:
        self._process, self._limits, self._deadline = process, limits, deadline
        self._answers: queue.Queue[bytes | Exception] = queue.Queue()
        self._requests: queue.Queue[bytes] = queue.Queue()
        self.peak_mb = 0.0
        for work in (self._read, self._write):
            threading.Thread(target=work, daemon=True).start()

    def run(self, code: str) -> None:
        """Run a cell; raises StudentError for what it raises, Stopped if it has to be stopped."""
        self._request("run", code)

    def answers(self, expressions: list[str]) -> tuple[Any, ...]:
        """Return what expressions are worth in the student's process."""
        return tuple(map(self._decode, self._request("answers", expressions)["values"]))

    def ask(self, *request: Any) -> Any:
        (value,) = self._request(*request)["values"]
        return self._decode(value)

    def call(self, number: int, arguments: tuple[Any, ...]) -> Any:
        """Call a function there; arrays that it changes are changed here as well."""
        found = self._request("call", number, arguments)
        for place, array in found.get("changed", ()):
            new, old = self._decode(array), arguments[place]
            if isinstance(new, np.ndarray) and new.shape == old.shape:
                old[...] = new
        (value,) = found["values"]
        return self._decode(value)

    def start(self, settings: dict[str, int | None], seed: int | None) -> None:
        """Wait until the process is there."""
        self._request("limits", settings, seed, seconds=_START)

    def _request(self, *request: Any, seconds: float | None = None) -> dict[str, Any]:
        seconds = self._limits.cell_seconds if seconds is None else seconds
        self._requests.put(wire.to_student(request))
        try:
            found = wire.from_student(self._wait(time.monotonic() + seconds, seconds))
        except wire.BrokenMessage:
            self._give_up()
        return self._checked(found)

    def _checked(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return an answer of the known form; raise what was raised there."""
        match found:
            case {"raised": [str() as name, str() as words]}:
                raise _class_named(name)(words)
            case {"ready": True} | {"done": True} | {"values": list()}:
                return found
        self._give_up()

    def _give_up(self) -> NoReturn:
        end(self._process)
        raise Stopped("wrote to the channel that answers go through")

    def _wait(self, until: float, seconds: float) -> bytes:
        while True:
            try:
                found = self._answers.get(timeout=_EVERY)
            except queue.Empty:
                self._look(until, seconds)
                continue
            self._look(float("inf"), seconds)
            if isinstance(found, EOFError):
                raise Stopped("ended its own process")
            if isinstance(found, Exception):
                raise found
            return found

    def _look(self, until: float, seconds: float) -> None:
        """Stop a process that takes too long, or too much memory."""
        used = family_memory(self._process.pid, itself=True) / 2**20
        self.peak_mb = max(self.peak_mb, used)
        reason = ""
        if used > self._limits.memory_mb:
            reason = f"took more than {self._limits.memory_mb:,} MB of memory"
        elif time.monotonic() > self._deadline:
            reason = f"took more than {self._limits.seconds:g} seconds in all"
        elif time.monotonic() > until:
            reason = f"ran for more than {seconds:g} seconds"
        if reason:
            end(self._process)
            raise Stopped(reason)

    def _decode(self, found: Any) -> Any:
        try:
            return wire.decode(found, self._proxy)
        except wire.BrokenMessage:
            self._give_up()

    def _proxy(self, number: int, name: str, is_callable: bool) -> RemoteObject:
        if is_callable:
            return RemoteFunction(self, number, name)
        kind = type(_identifier(name), (RemoteObject,), {})
        return kind(self, number)

    def _read(self) -> None:
        while True:
            try:
                self._answers.put(wire.receive(self._process.stdout, wire.LARGEST_MESSAGE))
            except (EOFError, OSError, ValueError):
                self._answers.put(EOFError())
                return
            except wire.BrokenMessage as error:
                self._answers.put(error)
                return

    def _write(self) -> None:
        try:
            while True:
                wire.send(self._process.stdin, self._requests.get())
        except (OSError, ValueError):
            return  # its end is seen by who reads


@contextmanager
def session(
    submission: Path,
    limits: Limits,
    deadline: float,
    *,
    seed: int | None,
    trusted: bool = False,
    data: Path | None = None,
) -> Iterator[Session]:
    """Yield a line to a fresh process for a student's code.

    Parameters
    ----------
    submission, limits, trusted, data
        As for `student_process`.
    deadline : float
        On the monotonic clock, when it is stopped in any case.
    seed : int, optional
        Draws the rows.
    """
    with student_process(submission, limits, trusted=trusted, data=data) as (process, settings):
        line = Session(process, limits, deadline)
        line.start(settings, seed)
        yield line


def _class_named(name: str) -> type[StudentError]:
    return type(_identifier(name), (StudentError,), {})


def _identifier(name: str) -> str:
    return name if name.isidentifier() else "Error"
