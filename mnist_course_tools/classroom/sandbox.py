"""Where student code runs: a process that reaches its own submission, and nothing else.

On Linux bubblewrap builds a file system of its own around it, without network, with a disk of a
few megabytes; started by root, the process becomes another user as well. Limits on time and
memory are kept by the grader, which looks on.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

import mnist_course
from mnist_course.errors import UsageError
from mnist_course.machine import thread_environment
from mnist_course_tools.classroom.seccomp import filter_for

# Of the workshop, the only modules that come along; where the checks lie there is nothing.
_INSIDE = ("__init__.py", "classroom/__init__.py", "classroom/inside.py", "classroom/wire.py")
_INSIDE += ("classroom/rows.py",)
_WORKSHOP, _HELPER = Path(__file__).parents[1], Path(mnist_course.__file__).parent
_GRADER, _SUBMISSION, _DATA = "/grader", "/submission", "/data"
SCRATCH = "/tmp"  # as programs expect it; inside, a small disk of its own
# systemd gives numbers from this range to services that need a user for a moment.
_FIRST_USER, _USERS = 61184, 4000
_ADDRESSES = 3 * 2**30  # bytes of address space that libraries take without using them
_SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/localtime")

_OR_TRUST = (
    "If you would run this code yourself, under your own account, add --trusted: it can then read "
    "and change whatever you can."
)


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes
    ----------
    seconds : float
        Of a core, for all of its cells and checks. By the clock, three times as many.
    cell_seconds : float
        For a single cell, or a single call by a check; likewise.
    memory_mb, disk_mb : int
        For all of its processes together, and for what it writes.
    processes : int
        At a time, threads included.
    """

    seconds: float = 120.0
    cell_seconds: float = 20.0
    memory_mb: int = 2048
    disk_mb: int = 64
    processes: int = 64


def why_not_isolated() -> str | None:
    """Return why students' code cannot be kept apart here, and what to do; None if it can."""
    if sys.platform != "linux":
        return (
            "Bubblewrap keeps students' code away from your files and the network, and it works on "
            "Linux only. Grade there, for instance in a virtual machine or in WSL."
        )
    if shutil.which("bwrap") is None:
        return (
            "There is no bubblewrap here, which keeps students' code away from your files and the "
            "network. On Debian and Ubuntu: apt install bubblewrap."
        )
    with _bubblewrap(_mounts(), Limits(), {}) as (command, channels):
        trial = [*command, sys.executable, "-c", "pass"]
        done = subprocess.run(trial, capture_output=True, pass_fds=channels)
    if not done.returncode:
        return None
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    why = said[-1] if said else f"it ended with {done.returncode}"
    return (
        f"Bubblewrap, which keeps students' code away from your files and the network, is here "
        f"but may not work ({why}). In a container, or where the system forbids user namespaces, "
        f"whoever runs it has to allow them."
    )


def can_isolate() -> bool:
    """Tell whether bubblewrap is here and allowed to work."""
    return why_not_isolated() is None


def require_isolation(*, trusted: bool) -> None:
    """Refuse to go on where student code would run as the teacher, unless that is wanted.

    Raises
    ------
    UsageError
        In words that a teacher understands.
    """
    if not trusted and (why := why_not_isolated()):
        raise UsageError(f"{why} {_OR_TRUST}")


@contextlib.contextmanager
def student_process(
    submission: Path, limits: Limits, *, trusted: bool, data: Path | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, int | None]]]:
    """Start the process in which student code will run, and end all of it afterwards.

    Parameters
    ----------
    submission : Path
        The student's own folder; read only.
    limits : Limits
    trusted : bool
        Whether it runs as the teacher, in reach of everything.
    data : Path, optional
        The folder with MNIST; read only.

    Yields
    ------
    process : subprocess.Popen
        Its standard input and output are the two channels of `wire`.
    settings : dict
        What `inside` is told to limit itself to.
    """
    with _command(submission, limits, trusted=trusted, data=data) as start:
        process = subprocess.Popen(
            start.arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=start.cwd,
            env=start.environment,
            pass_fds=start.channels,
            start_new_session=True,
        )
    try:
        yield process, start.settings
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it has started."""
    family = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    # Bubblewrap's first process ends with it, and with that one everything inside.
    process.kill()
    for each in family:  # where nothing isolates them, one by one
        with contextlib.suppress(psutil.Error):
            each.kill()
    process.wait()


@dataclass(frozen=True)
class _Start:
    """How a student's process is started."""

    arguments: list[str]
    environment: dict[str, str]
    cwd: Path
    settings: dict[str, int | None]
    channels: tuple[int, ...] = ()


@contextlib.contextmanager
def _command(
    submission: Path, limits: Limits, *, trusted: bool, data: Path | None
) -> Iterator[_Start]:
    environment = {
        **thread_environment(1),
        "MPLBACKEND": "agg",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    settings: dict[str, int | None] = {
        "user": None,
        "memory": limits.memory_mb * 2**20 + _ADDRESSES,
        "file_size": limits.disk_mb * 2**20,
        "processes": None if trusted else limits.processes,  # it would count the teacher's own
    }
    # -P: a module in the student's folder may not come before ours.
    program = [sys.executable, "-P", "-m", "mnist_course_tools.classroom.inside"]
    if trusted:
        if data is not None:
            environment["MNIST_COURSE_DATA"] = str(data)
        yield _Start(program, {**os.environ, **environment}, submission, settings)
        return
    environment |= {
        "HOME": SCRATCH,
        "IPYTHONDIR": f"{SCRATCH}/ipython",
        "LANG": "C.UTF-8",
        "MPLCONFIGDIR": f"{SCRATCH}/matplotlib",
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": os.pathsep.join([_GRADER, str(_HELPER.parent)]),
        "TMPDIR": SCRATCH,
    }
    mounts = [*_mounts(), *_bind(submission, _SUBMISSION), "--chdir", _SUBMISSION]
    if data is not None:
        mounts += _bind(data, _DATA)
        environment["MNIST_COURSE_DATA"] = _DATA
    if os.geteuid() == 0:
        # Another one for each: nothing that a user leaves in the system is the next one's.
        settings["user"] = _FIRST_USER + secrets.randbelow(_USERS)
    outside = {"PATH": os.environ.get("PATH", os.defpath)}
    with _bubblewrap(mounts, limits, environment) as (command, channels):
        yield _Start([*command, *program], outside, Path("/"), settings, channels)


@contextlib.contextmanager
def _bubblewrap(
    mounts: list[str], limits: Limits, environment: Mapping[str, str]
) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """Yield the command that a program is added to, and the channels that it reads.

    No network, no other processes, a small disk. Its options come through a channel: the list of
    processes, which can be seen inside, then shows no name of a folder outside.
    """
    size = ["--size", str(limits.disk_mb * 2**20)]
    options = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    options += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"]
    if os.geteuid() != 0:
        options += ["--unshare-user"]
    options += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", *size, "--tmpfs"]
    options += ["/dev/shm", "--perms", "1777", *size, "--tmpfs", SCRATCH]
    options += [*mounts, "--remount-ro", "/"]
    options += [part for pair in environment.items() for part in ("--setenv", *pair)]
    channels: list[int] = []
    with contextlib.ExitStack() as stack:
        if (calls := filter_for()) is not None:
            channels.append(stack.enter_context(_channel(calls)))
            options += ["--seccomp", str(channels[0])]
        text = b"".join(os.fsencode(option) + b"\0" for option in options)
        channels.append(stack.enter_context(_channel(text)))
        yield ["bwrap", "--args", str(channels[-1]), "--"], tuple(channels)


@contextlib.contextmanager
def _channel(content: bytes) -> Iterator[int]:
    """Yield a descriptor from which a program can read some bytes."""
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file.fileno()


def _mounts() -> list[str]:
    """Return what is seen of the disk: the system's programs, Python, the helper; read only."""
    mounts = [part for name in _SYSTEM for part in _as_it_is(Path(name))]
    # First what lies further up, so that nothing is covered by what comes after it.
    python = {Path(sys.prefix), Path(sys.base_prefix), *_packages()}
    for folder in sorted(python, key=lambda path: len(path.parts)):
        if not folder.is_relative_to("/usr"):
            mounts += _bind(folder, folder)
    mounts += [*_bind(_HELPER, _HELPER), "--tmpfs", str(_HELPER / "checks")]
    if any(_WORKSHOP.is_relative_to(folder) for folder in (*python, Path("/usr"))):
        mounts += ["--tmpfs", str(_WORKSHOP)]
    for name in _INSIDE:
        mounts += _bind(_WORKSHOP / name, f"{_GRADER}/{_WORKSHOP.name}/{name}")
    return [*mounts, *_fonts()]


def _packages() -> set[Path]:
    return {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib")}


def _fonts() -> list[str]:
    """Return mounts for matplotlib's list of fonts, which takes seconds to make anew."""
    import matplotlib

    folder = f"{SCRATCH}/matplotlib"
    mounts = ["--perms", "1777", "--dir", folder]
    for path in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        mounts += ["--ro-bind", str(path), f"{folder}/{path.name}"]
    return mounts


def _as_it_is(path: Path) -> Iterable[str]:
    if path.is_symlink():
        return ("--symlink", str(path.readlink()), str(path))
    return ("--ro-bind", str(path), str(path)) if path.exists() else ()


def _bind(path: Path, place: str | Path) -> list[str]:
    """Return a mount, and folders above it that everybody may pass."""
    above = [str(folder) for folder in reversed(Path(place).parents) if folder != Path("/")]
    folders = [part for folder in above for part in ("--perms", "0755", "--dir", folder)]
    return [*folders, "--ro-bind", str(path), str(place)]
