"""Runs student code, cell by cell, as the grader asks for it: a process of its own.

Nothing is judged here. Whatever student code does to this process, to NumPy or to this module, it
can change no more than the answers that it would have given anyway.
"""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import Any, BinaryIO

from mnist_course_tools.classroom import wire

_LONGEST_WORDS = 500  # characters of an error's message


def main() -> None:
    """Take the two channels out of student code's sight, then answer requests until the end."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # 100 MB of output go nowhere, and input() finds an end
        os.dup2(nothing, standard)
    _, limits, seed = wire.from_grader(wire.receive(requests))
    _limit(**limits)
    _prepare(seed)
    Inside(requests, answers).serve()


class Inside:
    """A shell with the student's names, and what the grader has been told of by number."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        self.requests, self.answers = requests, answers
        self.objects: list[Any] = []
        settings = Config()
        settings.HistoryManager.enabled = False
        settings.InteractiveShell.colors = "nocolor"
        self.shell = InteractiveShell.instance(config=settings)

    def serve(self) -> None:
        """Answer requests until the grader ends them."""
        wire.send(self.answers, wire.to_grader({"ready": True}))
        while True:
            try:
                request = wire.from_grader(wire.receive(self.requests))
            except EOFError:
                return
            try:
                found = getattr(self, f"_{request[0]}")(*request[1:])
            except BaseException as error:
                found = {"raised": _words(error)}
            wire.send(self.answers, wire.to_grader(found))

    def _run(self, code: str) -> dict[str, Any]:
        """Run a cell."""
        result = self.shell.run_cell(code, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        return {"raised": _words(error)} if error is not None else {"done": True}

    def _answers(self, expressions: list[str]) -> dict[str, Any]:
        """Evaluate what the check is given."""
        names = self.shell.user_ns
        return {"values": [self._encode(eval(each, names)) for each in expressions]}

    def _call(self, number: int, arguments: tuple[Any, ...]) -> dict[str, Any]:
        """Call something kept, and say as well which arrays it has changed."""
        import numpy as np

        before = {
            place: each.copy()
            for place, each in enumerate(arguments)
            if isinstance(each, np.ndarray)
        }
        value = self._encode(self.objects[number](*arguments))
        changed = [
            [place, self._encode(arguments[place])]
            for place, old in before.items()
            if not np.array_equal(old, arguments[place])
        ]
        return {"values": [value], "changed": changed}

    def _method(self, number: int, name: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
        return {"values": [self._encode(getattr(self.objects[number], name)(*arguments))]}

    def _item(self, number: int, key: Any) -> dict[str, Any]:
        return {"values": [self._encode(self.objects[number][key])]}

    def _encode(self, value: Any) -> dict[str, Any]:
        return wire.encode(value, self._keep)

    def _keep(self, value: Any) -> int:
        self.objects.append(value)
        return len(self.objects) - 1


def _limit(*, user: int | None, memory: int, file_size: int, processes: int | None) -> None:
    """Become another user, and set what this process and its children may use."""
    if hasattr(os, "nice"):
        os.nice(5)  # the grader, and what watches over this process, come first
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    if sys.platform == "win32":
        return
    import resource

    limits = {resource.RLIMIT_FSIZE: file_size, resource.RLIMIT_CORE: 0}
    if sys.platform == "linux":
        limits[resource.RLIMIT_AS] = memory
        if processes is not None:
            limits[resource.RLIMIT_NPROC] = processes
    for name, most in limits.items():
        resource.setrlimit(name, (most, most))


def _prepare(seed: int | None) -> None:
    """Put rows that nobody has seen where the notebook finds them, and no check beside them."""
    sys.path.insert(0, str(Path.cwd()))  # as a notebook finds a module beside it
    checks = types.ModuleType("mnist_course.checks")
    checks.check = lambda *answer, **given: None
    sys.modules[checks.__name__] = checks
    if seed is not None:
        from mnist_course_tools.classroom.rows import draw_rows

        draw_rows(seed)


def _words(error: BaseException) -> list[str]:
    try:
        words = str(error)
    except BaseException:
        words = ""
    return [type(error).__name__[:80], words[:_LONGEST_WORDS]]


if __name__ == "__main__":
    main()
