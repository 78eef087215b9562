"""Student code that is no answer: it reaches nothing, stops nobody, and earns nothing.

All of this runs in bubblewrap as it does when a class is graded.
"""

from __future__ import annotations

import os
import platform
import time
from dataclasses import replace

import psutil
import pytest

from mnist_course.errors import UsageError
from mnist_course_tools.classroom import sandbox
from mnist_course_tools.classroom.grade import grade
from mnist_course_tools.classroom.sandbox import Limits, can_isolate, require_isolation
from mnist_course_tools.classroom.seccomp import _CALLS, _MACHINES
from mnist_course_tools.classroom.session import Stopped, StudentError, session
from tests.support.students import QUICK, answering, assignment_of, submission_of

pytestmark = pytest.mark.skipif(
    not can_isolate(), reason="bubblewrap is not here, or not allowed to work"
)
LIMITS = Limits(seconds=90, cell_seconds=4, memory_mb=700)
SECRETS = {"MNIST_COURSE_SECRET": "of the teacher"}


@pytest.fixture
def line(tmp_path, monkeypatch):
    """Return a line to student code; beside its folder lie a gradebook and another's work."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    own, other = tmp_path / "submitted" / "own", tmp_path / "submitted" / "other"
    for folder in (own, other):
        folder.mkdir(parents=True)
        (folder / "work.txt").write_text("work", encoding="utf-8")
    (tmp_path / "marks.csv").write_text("marks", encoding="utf-8")
    for folder in (own, other):  # it is not the system that keeps them out
        folder.chmod(0o755)
    with session(own, LIMITS, seed=1) as line:
        line.folder = tmp_path
        yield line


def _value(line, expression):
    return line.answers([expression])[0]


def test_only_its_own_submission_is_in_reach(line):
    assert _value(line, "open('work.txt').read()") == "work"
    for path in ("submitted/other/work.txt", "marks.csv"):
        with pytest.raises(StudentError) as raised:
            _value(line, f"open({str(line.folder / path)!r}).read()")
        assert type(raised.value).__name__ == "FileNotFoundError"
    root = _value(line, "sorted(__import__('os').listdir('/'))")
    assert not {"home", "var", "srv", "mnt", "opt"} & set(root)
    assert _value(line, "__import__('os').listdir('/submission')") == ["work.txt"]


def test_solutions_checks_and_the_grader_are_not_there(line):
    line.run("import mnist_course, pathlib, sys")
    for module in ("checks.chapter_04", "checks.answers"):
        with pytest.raises(StudentError, match=r"No module named|not a package"):
            line.run(f"import mnist_course.{module}")
    here = "pathlib.Path(mnist_course.__file__).parent"
    assert _value(line, f"[p.name for p in ({here} / 'checks').iterdir()]") == []
    assert _value(line, f"({here}.parent / 'exercises').exists()") is False
    with pytest.raises(StudentError, match="No module named"):
        line.run("import mnist_course_tools.classroom.grade")
    # Nor under any other name: all that is there of the course is a part of the helper.
    seen = "sorted(p.name for p in pathlib.Path('/grader').rglob('*.py'))"
    assert _value(line, seen) == ["__init__.py", "__init__.py", "inside.py", "rows.py", "wire.py"]


def test_neither_environment_nor_other_processes_can_be_seen(line):
    assert _value(line, "'MNIST_COURSE_SECRET' in __import__('os').environ") is False
    processes = "[int(p) for p in __import__('os').listdir('/proc') if p.isdigit()]"
    assert len(_value(line, processes)) <= 3
    line.run("import os, signal")
    with pytest.raises(StudentError, match=r"No such process|not permitted"):
        line.run(f"os.kill({os.getpid()}, signal.SIGKILL)")


def test_there_is_no_network(line):
    line.run("import socket")
    for where in ("('1.1.1.1', 53)", "('127.0.0.1', 8888)", "('::1', 8888)"):
        with pytest.raises(StudentError, match=r"unreachable|refused|Cannot assign|not known"):
            line.run(f"socket.create_connection({where}, 1)")


def test_it_is_another_user_where_the_grader_is_root(line):
    if os.geteuid() != 0:
        pytest.skip("the grader is not root here, so there is no other user to become")
    assert _value(line, "__import__('os').getuid()") >= 61184
    with pytest.raises(StudentError, match="not permitted"):
        line.run("import os; os.setuid(0)")


def test_nothing_is_left_for_the_next_one(tmp_path):
    trial = "import os\nfor place in ('/tmp', '/dev/shm', '/submission', '/grader', '/usr', '/'):\n"
    trial += "    try: open(place + '/left', 'w').write('x')\n    except OSError: pass\n"
    places = ("/tmp", "/dev/shm", "/submission", "/grader", "/usr", "/")
    look = f"[p for p in {places} if __import__('os').path.exists(p + '/left')]"
    for expected in (["/tmp", "/dev/shm"], None):
        with session(tmp_path, LIMITS, seed=1) as line:
            if expected is not None:
                line.run(trial)
                assert set(_value(line, look)) <= set(expected)
            else:
                assert _value(line, look) == []
    assert list(tmp_path.iterdir()) == []


def test_memory_that_no_process_is_seen_to_hold_is_not_to_be_had(line):
    line.run("import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)")
    with pytest.raises(StudentError, match="not permitted"):
        line.run("os.memfd_create('hidden')")
    for call in ("shmget(0, 10**8, 0o1600)", "unshare(0x10000000)", "unshare(0x00020000)"):
        assert _value(line, f"libc.{call}") == -1
    # add_key(2), by its number: nothing may stay in the system for whoever comes next.
    add_key = _CALLS["add_key"][list(_MACHINES).index(platform.machine())]
    assert _value(line, f"libc.syscall({add_key}, b'user', b'left', b'x', 1, -4)") == -1
    line.run("import threading\nt = threading.Thread(target=print)\nt.start()\nt.join()")
    assert _value(line, "__import__('subprocess').run(['true']).returncode") == 0


def test_too_many_files_are_stopped(tmp_path):
    with (
        pytest.raises(Stopped, match="more than 20,000 files"),
        session(tmp_path, LIMITS, seed=1) as line,
    ):
        line.run("for n in range(10**7): open(f'/tmp/{n}', 'w').close()")


def test_the_list_of_processes_names_no_folder_outside(line):
    seen = "[open(f'/proc/{p}/cmdline').read() for p in __import__('os').listdir('/proc') "
    words = " ".join(_value(line, seen + "if p.isdigit()]"))
    assert "bwrap" in words
    assert str(line.folder) not in words


def test_the_disk_is_small(line):
    with pytest.raises(StudentError, match=r"No space left|File too large"):
        line.run("open('/tmp/large', 'wb').write(b'x' * 10**8)")
    line.run("import os; os.remove('/tmp/large')")
    with pytest.raises(StudentError, match="No space left"):
        line.run("for n in range(100): open(f'/tmp/{n}', 'wb').write(b'x' * 10**7)")


def test_a_module_beside_the_notebook_comes_along_and_cannot_take_the_graders_place(tmp_path):
    tmp_path.chmod(0o755)  # as the grader leaves a submission
    (tmp_path / "helper.py").write_text("answer = 42", encoding="utf-8")
    # Would run before limits are set, if it were found first.
    for name in ("mnist_course_tools", "json", "resource"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit", encoding="utf-8")
    with session(tmp_path, LIMITS, seed=1) as line:
        line.run("import helper")
        assert _value(line, "helper.answer") == 42


STOPS = {
    "an endless loop": ("while True: pass", "ran for more than 4 seconds"),
    "a loop that catches all": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "ran for more than 4 seconds",
    ),
    "a memory hog": ("x = []\nwhile True: x.append(bytearray(10**7))", "more than 700 MB"),
    "hogs side by side": (
        "import os, time\nfor _ in range(5): os.fork()\nx = bytearray(10**8)\n"
        "x[::4096] = b'1' * len(x[::4096])\ntime.sleep(60)",
        "more than 700 MB",
    ),
    "an exit": ("import os\nos._exit(0)", "ended its own process"),
    "a crash": ("import ctypes\nctypes.string_at(0)", "ended its own process"),
    "a fork bomb": (
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        "ran for more than 4 seconds|more than 700 MB",
    ),
    "noise on every channel": (
        "import os\nfor n in range(3, 50):\n    try: os.write(n, b'\\xff' * 5000)\n"
        "    except OSError: pass\nimport time; time.sleep(60)",
        "wrote to the channel|ran for more than 4",
    ),
}


@pytest.mark.parametrize("what", STOPS)
def test_what_does_not_stop_is_stopped_with_all_that_it_started(what, tmp_path):
    code, words = STOPS[what]
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with (
        pytest.raises(Stopped, match=words),
        session(tmp_path, LIMITS, seed=1) as line,
    ):
        line.run(code)
    time.sleep(0.3)
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before


BOUND = (
    "import gc\nfrom mnist_course_tools.classroom.inside import Inside\n"
    "from mnist_course_tools.classroom import wire\n"
    "(inside,) = (o for o in gc.get_objects() if type(o).__name__ == 'Inside')\n"
)
FORGED = {
    "answers of another number": """wire.send(inside.answers, b'{"values": [1, 2, 3]}')""",
    "no answers": """for _ in range(3): wire.send(inside.answers, b'{"done": true}')""",
    "changes that are none": (
        """wire.send(inside.answers, b'{"values": [{"plain": 1}], "changed": 5}')"""
    ),
    "a flood": "for _ in range(50): wire.send(inside.answers, b' ' * 60_000_000)",
    "words without end": (
        """wire.send(inside.answers, b'{"raised": ["E", "' + b"x" * 60_000_000 + b'"]}')"""
    ),
    "many values": (
        """wire.send(inside.answers, b'{"values": [{"list": [' """
        """+ b'{"plain": 0},' * 3_000_000 + b'{"plain": 0}]}]}')"""
    ),
}


@pytest.mark.parametrize("what", FORGED)
def test_forged_messages_earn_nothing_and_cost_the_grader_little(what):
    code = BOUND + FORGED[what] + "\ndef precision_recall(matrix):\n    return 1, 1"
    marks = grade(
        assignment_of(QUICK, limits=LIMITS), submission_of(answering(QUICK, {"exercise-4-1": code}))
    )
    assert marks.tasks[0].points == 0
    assert len(marks.tasks[0].reason) < 1000
    assert psutil.Process().memory_info().rss < 3 * 2**30


def test_memory_is_watched_while_an_answer_is_judged(tmp_path):
    with session(tmp_path, LIMITS, seed=1) as line:
        line.run(
            "import threading, time\nx = []\n"
            "def later():\n    time.sleep(0.5)\n    while True: x.append(bytearray(10**7))\n"
            "threading.Thread(target=later, daemon=True).start()"
        )
        time.sleep(4)  # the grader is busy, and asks for nothing
        assert line.peak_mb < 2 * LIMITS.memory_mb
        with pytest.raises(Stopped, match="more than 700 MB"):
            line.run("1")


def test_100_mb_of_output_go_nowhere(line):
    line.run("for _ in range(100): print('x' * 10**6)")
    line.run("import sys; sys.stderr.write('x' * 10**8); 'y' * 10**8")
    assert line.peak_mb < 700


SLIPPED_IN = """
import numpy, pandas, sys, types
numpy.array_equal = numpy.allclose = numpy.isclose = lambda *args, **kwargs: True
numpy.abs = numpy.absolute = lambda values: 0
pandas.Series.equals = lambda *args: True
checks = types.ModuleType("mnist_course.checks")
checks.check = lambda *args, **kwargs: True
sys.modules["mnist_course.checks"] = checks
sys.modules["mnist_course.checks.answers"] = checks
import mnist_course
mnist_course.check = check = checks.check
import builtins
builtins.isinstance = lambda *args: True
builtins.float = lambda *args: 0.0
"""
CHEATS = {
    "a patched library": SLIPPED_IN + "def precision_recall(matrix):\n    return 0.5, 0.5",
    "an object that equals all": (
        "class Equal:\n    __eq__ = lambda self, other: True\n    __hash__ = None\n"
        "    __array__ = lambda self, *args, **kwargs: __import__('numpy').ones(2)\n"
        "def precision_recall(matrix):\n    return Equal()"
    ),
    "an array that lies": (
        "import numpy as np\nclass Lies(np.ndarray):\n"
        "    def __array_ufunc__(self, *args, **kwargs): return np.zeros(2)\n"
        "    def __sub__(self, other): return np.zeros(2)\n"
        "def precision_recall(matrix):\n    return np.ones(2).view(Lies)"
    ),
    "a number for all": "def precision_recall(matrix):\n    return 0.8, 0.7",
    "an import of the answers": (
        "from mnist_course.checks.chapter_04 import exercise_1\n"
        "def precision_recall(matrix):\n    return exercise_1(matrix)"
    ),
    "an endless loop in the answer": "def precision_recall(matrix):\n    while True: pass",
    "an exit in the answer": "import os\ndef precision_recall(matrix):\n    os._exit(0)",
    "an endless answer": "def precision_recall(matrix):\n    return [0.5] * 10**8",
    "an error": "def precision_recall(matrix):\n    return matrix[7]",
    "an exit by exception": "def precision_recall(matrix):\n    raise SystemExit(0)",
}


@pytest.mark.parametrize("what", CHEATS)
def test_no_trick_earns_a_mark_and_the_other_tasks_are_graded(what):
    # Only the first task is tricked; a trick that spoils the shell costs its owner the rest.
    submission = submission_of(answering(QUICK, {"exercise-4-1": CHEATS[what]}))
    marks = grade(assignment_of(QUICK, limits=LIMITS), submission)
    first, *others = marks.tasks
    assert first.points == 0, first
    assert first.reason
    if what != "a patched library":
        assert [task.points for task in others] == [2, 2, 2]


def test_a_rewritten_check_earns_nothing():
    code = {
        "exercise-4-1": "precision_recall = None",
        "check-4-1": "from mnist_course.checks import Verdict\nVerdict('4.1', True, 'right.')",
    }
    marks = grade(assignment_of(QUICK), submission_of(answering(QUICK, code)))
    assert marks.tasks[0].points == 0
    assert "nothing here yet" in marks.tasks[0].reason
    assert "The check of 4.1 was changed; the original was used." in marks.notes


def test_what_runs_too_long_in_all_loses_only_what_was_not_reached():
    limits = replace(LIMITS, seconds=8, cell_seconds=7)
    code = {"exercise-4-2": "while True: pass", "exercise-4-3": "while True: pass"}
    marks = grade(assignment_of(QUICK, limits=limits), submission_of(answering(QUICK, code)))
    assert marks.tasks[0].points == 2
    assert marks.tasks[1].state == "stopped"
    assert "Time was up before this task was reached." in [task.reason for task in marks.tasks]
    assert marks.seconds < 24  # three times as many by the clock, and no more


def test_a_bubblewrap_that_may_not_work_is_told_from_one_that_is_missing(monkeypatch, tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(UsageError, match=r"may not work \(bwrap: No permissions") as caught:
        require_isolation(trusted=False)
    assert "apt install" not in str(caught.value)


def test_without_bubblewrap_nothing_is_run_unless_it_is_trusted(monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    assert not can_isolate()
    with pytest.raises(UsageError, match="apt install bubblewrap"):
        require_isolation(trusted=False)
    require_isolation(trusted=True)
    with session(tmp_path, LIMITS, seed=1, trusted=True) as line:
        assert _value(line, "6 * 7") == 42
        assert _value(line, "__import__('os').getuid()") == os.getuid()
        with pytest.raises(Stopped, match="more than 700 MB"):
            line.run("x = []\nwhile True: x.append(bytearray(10**7))")
