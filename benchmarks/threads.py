"""What limiting BLAS to the cores one owns buys: ``python -m benchmarks.threads``.

Logistic regression, 60 iterations of lbfgs on 20,000 rows of MNIST, in fresh processes: with one
BLAS thread, with two as OpenBLAS comes (idle threads spin), and with two as the course sets them
(idle threads sleep soon); alone, beside a process that keeps one core busy, and two fits at once
as ``mnist-course run --jobs 2`` runs them. All share two cores, however many the machine has.
Let it alone meanwhile: it waits for an idle machine before each fit, and takes the better of two.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import psutil

from benchmarks.table import print_machine, print_table
from mnist_course.machine import thread_environment

ROOT = Path(__file__).parents[1]
ROWS, ITERATIONS = 20_000, 60

Environment = Mapping[str, str | None]
ENVIRONMENTS: dict[str, Environment] = {
    "1 thread": thread_environment(1),
    "2 that spin": {**thread_environment(2), "OPENBLAS_THREAD_TIMEOUT": None},
    "2 that sleep": thread_environment(2),
}

_FIT = f"""
import json, sys, time, warnings
import numpy as np
from sklearn.linear_model import LogisticRegression
from mnist_course import load_mnist
warnings.simplefilter("ignore")  # 60 iterations are not meant to converge
data = load_mnist("mnist")
X = (data.images[:{ROWS}] / 255).astype(sys.argv[1])
y = data.labels[:{ROWS}]
model = LogisticRegression(solver="lbfgs", max_iter={ITERATIONS}, tol=0)
print("ready", flush=True)
sys.stdin.readline()
start = time.perf_counter()
model.fit(X, y)
print(json.dumps([time.perf_counter() - start, int(model.n_iter_[0])]))
"""
_BUSY = "print('ready', flush=True)\nwhile True: pass"


def main() -> None:
    """Measure, and print one table."""
    if not os.environ.get("MNIST_COURSE_DATA"):
        sys.exit("MNIST_COURSE_DATA does not name a folder with the real MNIST; set it first.")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    rows = []
    for dtype in ("float32", "float64"):
        for place, measure in {
            "alone": fit,
            "beside a busy process": beside_a_busy_process,
            "two fits at once": partial(fit, at_once=2),
        }.items():
            seconds = [
                min(_undisturbed(measure, dtype, environment) for _ in range(2))
                for environment in ENVIRONMENTS.values()
            ]
            ratios = [f"{value / seconds[0]:.1f}" for value in seconds[1:]]
            rows.append((f"{dtype}, {place}", *(f"{value:.1f}" for value in seconds), *ratios))
    print_machine()
    names = list(ENVIRONMENTS)
    ratios = [f"{name} / {names[0]}" for name in names[1:]]
    print_table(("60 iterations, seconds (better of two)", *names, *ratios), rows)


def fit(dtype: str, environment: Environment, *, at_once: int = 1) -> float:
    """Fit in fresh processes.

    Parameters
    ----------
    dtype : {"float32", "float64"}
    environment : mapping of str to str or None
        Variables of each process; None takes a variable away.
    at_once : int, default=1
        Processes that fit at the same time.

    Returns
    -------
    float
        Seconds of the slowest fit, data loading not counted.
    """
    fits = [_start(_FIT, dtype, environment=environment) for _ in range(at_once)]
    for process in fits:
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [json.loads(process.communicate()[0]) for process in fits]
    if any(n != ITERATIONS for _, n in results):
        raise RuntimeError(f"A fit stopped before {ITERATIONS} iterations: {results}")
    return max(seconds for seconds, _ in results)


def beside_a_busy_process(dtype: str, environment: Environment) -> float:
    """Fit once while another process keeps one core busy; return seconds."""
    with _busy_core():
        return fit(dtype, environment)


def _undisturbed(
    measure: Callable[[str, Environment], float], dtype: str, environment: Environment
) -> float:
    """Measure once the machine is idle: who else computes meanwhile would be measured, too."""
    for _ in range(120):
        if psutil.cpu_percent(interval=1) < 5:
            return measure(dtype, environment)
    sys.exit("Something else keeps this machine busy; the figures would say nothing.")


@contextlib.contextmanager
def _busy_core() -> Iterator[None]:
    process = _start(_BUSY)
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def _start(
    script: str, *arguments: str, environment: Environment | None = None
) -> subprocess.Popen[str]:
    """Start a process and wait until it is ready for what is measured."""
    changed = {**os.environ, **(environment or {})}
    process = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env={name: value for name, value in changed.items() if value is not None},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    if process.stdout.readline() != "ready\n":
        raise RuntimeError("A process ended before it could be measured; its error stands above.")
    return process


if __name__ == "__main__":
    main()
