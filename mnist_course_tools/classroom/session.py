"""The grader's end of the line: requests to a student's process, and limits on its answers."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any, BinaryIO, NoReturn

import numpy as np

from mnist_course.errors import CourseError
from mnist_course_tools.classroom import wire
from mnist_course_tools.classroom.sandbox import Limits, end, student_process
from mnist_course_tools.classroom.usage import Look, Used, look_at

_EVERY = 0.2  # seconds between two looks at memory and clock
_START = 60.0  # seconds until Python and IPython are there, on a busy machine
_MOST_FILES = 20_000
_LONGEST_WORDS, _LONGEST_NAME = 500, 80  # characters
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

    Time is counted as a core's: who shares this machine with the submissions of others loses
    none. By the clock there are three times as many seconds.

    Attributes
    ----------
    peak_mb : float
        The most memory that was seen.
    """

    def __init__(self, process: Popen[bytes], limits: Limits, used: Used) -> None:
        self._process, self._limits = process, limits
        self._answers: queue.Queue[bytes | Exception] = queue.Queue(maxsize=1)
        self._requests: queue.Queue[bytes] = queue.Queue()
        self._request_limit: tuple[Used, float] | None = None
        self._before, self._now = used, used
        self._began = time.monotonic()
        self._reason = ""
        self._over = threading.Event()
        self.peak_mb = 0.0
        for work, channel in (
            (self._read, process.stdout),
            (self._write, process.stdin),
            (self._watch, None),
        ):
            threading.Thread(target=_then_close, args=(work, channel), daemon=True).start()

    def run(self, code: str, *, seconds: float | None = None) -> None:
        """Run a cell; raises StudentError for what it raises, Stopped if it has to be stopped.

        What the assignment itself computes may take longer than a cell's seconds.
        """
        self._request("run", code, seconds=seconds)

    def answers(self, expressions: list[str]) -> tuple[Any, ...]:
        """Return what expressions are worth in the student's process."""
        found = self._request("answers", expressions, values=len(expressions))
        return tuple(map(self._decode, found["values"]))

    def ask(self, *request: Any) -> Any:
        (value,) = self._request(*request, values=1)["values"]
        return self._decode(value)

    def call(self, number: int, arguments: tuple[Any, ...]) -> Any:
        """Call a function there; arrays that it changes are changed here as well."""
        found = self._request("call", number, arguments, values=1)
        for change in found.get("changed", ()):
            match change:
                case [int() as place, dict() as array] if 0 <= place < len(arguments):
                    new, old = self._decode(array), arguments[place]
                    if isinstance(old, np.ndarray) and np.shape(new) == old.shape:
                        old[...] = new
        return self._decode(found["values"][0])

    def start(self, settings: dict[str, int | None], seed: int | None) -> None:
        """Wait until the process is there."""
        try:
            self._request("limits", settings, seed, seconds=_START)
            # It may have been there before the first look at what it uses.
            if reason := self._too_much(look_at(self._process.pid)):
                raise Stopped(reason)
        except (Stopped, StudentError) as error:
            if self._now.beyond(self._limits.seconds):
                raise
            raise CourseError(
                f"The place for students' code did not start: it {error}. Are the limits in "
                f"class.toml wide enough?"
            ) from None

    @property
    def used(self) -> Used:
        """What this submission has used so far."""
        return self._now

    def close(self) -> None:
        """End the threads that look after the process."""
        self._over.set()
        self._requests.put(b"")

    def _request(
        self, *request: Any, values: int = 0, seconds: float | None = None
    ) -> dict[str, Any]:
        limit = self._limits.cell_seconds if seconds is None else seconds
        self._request_limit = self._now, limit
        self._requests.put(wire.to_student(request))
        answer = self._answers.get()
        self._request_limit = None
        if isinstance(answer, EOFError):
            raise Stopped(self._reason or "ended its own process")
        try:
            if isinstance(answer, Exception):
                raise answer
            return self._checked(wire.from_student(answer), values)
        except wire.BrokenMessage:
            self._give_up()

    def _checked(self, found: dict[str, Any], values: int) -> dict[str, Any]:
        """Return an answer of the form that was asked for; raise what was raised there."""
        match found:
            case {"raised": [str() as name, str() as words]}:
                raise _class_named(name)(words[:_LONGEST_WORDS])
            case {"values": list() as given, **more} if len(given) == values:
                if isinstance(more.get("changed", []), list):
                    return found
            case {"ready": True} | {"done": True} if not values:
                return found
        self._give_up()

    def _give_up(self) -> NoReturn:
        end(self._process)
        raise Stopped(self._reason or "wrote to the channel that answers go through")

    def _watch(self) -> None:
        """Look at memory and clock until the end, also while an answer is being judged."""
        while not self._over.wait(_EVERY):
            try:
                look = look_at(self._process.pid)
                clock = self._before.clock + time.monotonic() - self._began
                self._now = Used(max(self._now.cpu, self._before.cpu + look.cpu), clock)
                self.peak_mb = max(self.peak_mb, look.memory_mb)
                self._reason = self._too_much(look)
            except Exception as error:  # better stopped than not watched
                self._reason = f"could not be watched ({type(error).__name__})"
            if self._reason:
                end(self._process)
                return

    def _too_much(self, look: Look) -> str:
        """Return what there has been too much of; empty if of nothing."""
        limits, request = self._limits, self._request_limit
        if look.memory_mb > limits.memory_mb:
            return f"took more than {limits.memory_mb:,} MB of memory"
        if look.files > _MOST_FILES:
            return f"made more than {_MOST_FILES:,} files"
        if self._now.beyond(limits.seconds):
            return f"took more than {limits.seconds:g} seconds in all"
        if request and (self._now - request[0]).beyond(request[1]):
            return f"ran for more than {request[1]:g} seconds"
        return ""

    def _decode(self, found: Any) -> Any:
        try:
            return wire.decode(found, self._proxy)
        except wire.BrokenMessage:
            self._give_up()

    def _proxy(self, number: int, name: str, is_callable: bool) -> RemoteObject:
        name = name[:_LONGEST_NAME]
        if is_callable:
            return RemoteFunction(self, number, name)
        kind = type(_identifier(name), (RemoteObject,), {})
        return kind(self, number)

    def _read(self) -> None:
        found: bytes | Exception = b""
        while not isinstance(found, Exception):
            try:
                found = wire.receive(self._process.stdout, wire.LARGEST_MESSAGE)
            except wire.BrokenMessage as error:
                found = error
            except (EOFError, OSError, ValueError):
                found = EOFError()
            while not self._over.is_set():  # one at a time: what was not asked for has to wait
                with contextlib.suppress(queue.Full):
                    self._answers.put(found, timeout=1)
                    break

    def _write(self) -> None:
        try:
            while not self._over.is_set():
                wire.send(self._process.stdin, self._requests.get())
        except (OSError, ValueError):
            return  # its end is seen by who reads


@contextlib.contextmanager
def session(
    submission: Path,
    limits: Limits,
    used: Used | None = None,
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
    used : Used, optional
        What the same submission has used before.
    seed : int, optional
        Draws the rows.
    """
    with student_process(submission, limits, trusted=trusted, data=data) as (process, settings):
        line = Session(process, limits, used or Used())
        try:
            line.start(settings, seed)
            yield line
        finally:
            line.close()


def _then_close(work: Callable[[], None], channel: BinaryIO | None) -> None:
    """Do the work of a thread, and close what nobody else reads or writes."""
    work()
    if channel is not None:
        with contextlib.suppress(OSError):  # what was still to be written has no reader
            channel.close()


def _class_named(name: str) -> type[StudentError]:
    return type(_identifier(name), (StudentError,), {})


def _identifier(name: str) -> str:
    return name if name.isidentifier() else "Error"
