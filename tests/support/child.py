"""A process of its own that loads a small edition: ``python -m tests.support.child TASK``.

It imports nothing but what loading needs, because tests start 40 of them.
"""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def start(do: str, **task: Any) -> subprocess.Popen[str]:
    """Start a child that prints ``ready``, waits for a line, does its task and prints a result.

    Parameters
    ----------
    do : {"mnist", "auto", "hold"}
        Load a small edition in MNIST's place, or with the digits to fall back on; or hold the
        lock of a cache until killed.
    **task
        ``cache`` (str), ``edition`` (from `to_plain`), ``file_size_limit`` (bytes) and
        ``read_timeout`` (seconds).
    """
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.child", json.dumps({"do": do, **task})],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )


def let_go(*children: subprocess.Popen[str]) -> None:
    """Wait until all children are ready, and only then let the first of them go."""
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()


def result_of(child: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for the end of a child that was let go, and return the result on its last line."""
    output, _ = child.communicate(timeout=300)
    return json.loads(output.splitlines()[-1])


def main() -> None:
    """Do one task."""
    from tests.support.isolation import no_names_but_local

    no_names_but_local()
    task = json.loads(sys.argv[1])
    cache = Path(task["cache"])
    if "file_size_limit" in task:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (task["file_size_limit"], hard))
    if "read_timeout" in task:
        from mnist_course.data import download

        download.READ_TIMEOUT = task["read_timeout"]
    if task["do"] == "mnist":
        mnist(cache, task["edition"])
    elif task["do"] == "auto":
        auto(cache, task["edition"])
    else:
        hold(cache)


def mnist(cache: Path, edition: dict[str, Any]) -> None:
    """Load an edition, and print what came of it."""
    from mnist_course.data import load
    from mnist_course.errors import DataError
    from tests.support.editions import from_plain

    load.MNIST = from_plain(edition)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the course's commands do
    wait()
    try:
        data = load.load_mnist("mnist", data_home=cache)
    except DataError as error:
        print(json.dumps({"error": str(error)}))
    except KeyboardInterrupt:
        print(json.dumps({"interrupted": True}))
    else:
        print(json.dumps({"sha256": hashlib.sha256(data.images.tobytes()).hexdigest()}))


def auto(cache: Path, edition: dict[str, Any]) -> None:
    """Load what can be had, and print where it came from and what was said about it."""
    import contextlib
    import io

    from mnist_course.data import load
    from tests.support.editions import from_plain

    load.MNIST = from_plain(edition)
    wait()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        data = load.load_mnist(data_home=cache)
    print(json.dumps({"source": data.source, "said": said.getvalue().splitlines()}))


def hold(cache: Path) -> None:
    """Hold the lock of a cache until killed."""
    from mnist_course.data.cache import exclusive

    with exclusive(cache):
        wait()


def wait() -> None:
    """Say that all is ready, and wait for a line or the end of the input."""
    print("ready", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
