"""Run Python in a fresh process, so that nothing is warm that would be cold for a reader."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mnist_course_tools.kernel import kernel_environment

ROOT = Path(__file__).parents[1]


def run_fresh(*arguments: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Start Python with these arguments and wait for what it finds.

    Parameters
    ----------
    *arguments : str
        As on the command line: ``"-c", script`` or ``"-m", module``, and what these take.
    environment : mapping of str to str, optional
        All of its variables; those of this process by default.

    Returns
    -------
    dict
        The last line that it prints, read as JSON.

    Raises
    ------
    subprocess.CalledProcessError
        If it fails; its own message stands on standard error.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        encoding="utf-8",
    )
    return json.loads(done.stdout.splitlines()[-1])


def run_each(module: str, names: Iterable[str], *, threads: int) -> Iterator[dict[str, Any]]:
    """Run a benchmark's module once for each name, and say on standard error which one runs.

    Sums are added up as in the notebooks' kernels, so that what is recorded can be repeated there.

    Parameters
    ----------
    module : str
        Started with ``-m`` and one name.
    names : iterable of str
    threads : int
        For BLAS; a notebook that repeats counts to the last one has 1.

    Yields
    ------
    dict
        What `run_fresh` returns.
    """
    if not os.environ.get("MNIST_COURSE_DATA"):
        sys.exit("MNIST_COURSE_DATA does not name a folder with the real MNIST; set it first.")
    environment = kernel_environment(threads=threads)
    for name in names:
        print(f"running: {name}", file=sys.stderr)
        found = run_fresh("-m", module, name, environment=environment)
        print(found, file=sys.stderr)
        yield found
