"""Ours against the sources' code as written, in one run: ``python -m benchmarks.against``.

Loading, each experiment that a source prints, and the whole course: seconds and peak memory, each
in a fresh process that may use one core. What the sources do stands in `benchmarks.as_written`,
what the lessons do for the same numbers in `benchmarks.as_taught`. Experiments that take very long
as written run only with ``--slow``; without it their line shows what a slow run of the course
recorded in the ledger, and no ratio. Needs the four compressed files of MNIST. With
``MNIST_COURSE_SOURCE=digits`` the script is tried on the embedded digits, and nothing is kept.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.fresh import ROOT, run_fresh
from benchmarks.table import print_machine, print_table, record_table
from mnist_course.cost import Peak, measure
from mnist_course.report import RESULTS, agrees, parse, published, write
from mnist_course_tools.kernel import kernel_environment
from mnist_course_tools.memory import EVERY, family_memory, held_by

MB = 1e6
LOADS = 3  # runs of each way to load; the table has their medians
Environment = Mapping[str, str]


@dataclass(frozen=True)
class Experiment:
    """One line of the table: a source's experiment, and what the course runs for it."""

    letter: str
    name: str
    written: str  # a key of WRITTEN
    taught: str  # a key of TAUGHT
    recorded: tuple[str, ...] = ()  # where it is slow: a number of each of its fits


EXPERIMENTS = (
    Experiment("A", "logistic regression, 2,000 steps", "lr-raw", "logistic", ("lr-raw.accuracy",)),
    Experiment("A", "logistic regression, standardised", "lr-standard", "lr-standard"),
    Experiment("A", "logistic regression, min-max", "lr-minmax", "lr-minmax"),
    Experiment("A", "quadratic features of 100 components", "lr-poly", "lr-poly"),
    Experiment("B", "pixels that vary", "variance100", "variance100"),
    Experiment("B", "zero or not, SGD", "zero-sgd", "zero-sgd"),
    Experiment(
        "B", "ten digits against the rest, saga", "ovr-saga", "logistic", ("ovr-saga.accuracy",)
    ),
    *(
        Experiment("B", f"SVM, {name}", id, "svm", (f"{id}.accuracy",))
        for id, name in {
            "svm-poly3-variance100": "degree 3, 522 pixels",
            "svm-poly3": "degree 3",
            "svm-poly4-variance100": "degree 4, 522 pixels",
            "svm-rbf": "radial",
            "svm-sigmoid": "sigmoid",
        }.items()
    ),
    Experiment("C", "five or not, SGD", "five-sgd", "five-sgd"),
    Experiment("C", "five or not, forest", "five-forest", "five-forest"),
    Experiment("C", "SVM, 2,000 rows", "svc2000", "svc2000"),
    Experiment(
        "C", "ten digits, SGD", "sgd10", "sgd10", ("sgd10.first-answer", "sgd10.cv-accuracy")
    ),
    Experiment(
        "C",
        "ten digits, SGD, scaled",
        "sgd10-scaled",
        "sgd10-scaled",
        ("sgd10-scaled.five-recall",),
    ),
    Experiment("C", "neighbours: default, search, tuned", "knn", "knn"),
    Experiment("C", "neighbours, two labels", "knn-multilabel", "knn-multilabel"),
    Experiment("D", "logistic regression, 100 steps", "lr-lbfgs100", "lr-lbfgs100"),
)


@dataclass(frozen=True)
class Found:
    """What a fresh process found, or what an earlier one recorded."""

    seconds: float
    peak: float | None = None  # bytes; None where nobody measured
    numbers: Mapping[str, str] = field(default_factory=dict)  # as the ledger writes them
    misses: Sequence[str] = ()  # of the published ones
    note: str = ""


HEADINGS = (
    "what",
    "source",
    "their seconds",
    "our seconds",
    "times faster",
    "their MB",
    "our MB",
    "times less",
    "number",
    "theirs",
    "ours",
    "note",
)


def main(slow: bool) -> None:
    """Measure everything, and record one table."""
    source = os.environ.get("MNIST_COURSE_SOURCE", "mnist")
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure_all(source, Path(scratch), slow=slow)
    if source == "mnist":
        record_table("against", HEADINGS, rows)
    else:
        print_machine()
        print_table(HEADINGS, rows)


def measure_all(source: str, scratch: Path, *, slow: bool) -> list[tuple[str, ...]]:
    """Run everything once, loading more than once, and return the table's rows."""
    chosen = [experiment for experiment in EXPERIMENTS if slow or not experiment.recorded]
    written = list(dict.fromkeys(experiment.written for experiment in chosen))
    taught = list(dict.fromkeys(experiment.taught for experiment in EXPERIMENTS))
    progress = Progress(4 * LOADS + len(written) + len(taught) + 1)

    # First, so that a lesson that fails does so before anything else was waited for.
    course = progress("ours: the whole course, quick", run_course, source, scratch)
    loads, theirs_env, ours_env = measure_loading(source, scratch, progress)
    theirs, ours = {}, {}
    for experiment in EXPERIMENTS:
        if experiment in chosen:
            name = experiment.written
            theirs[name] = progress(f"theirs: {experiment.name}", child, theirs_env, "theirs", name)
        if experiment.taught not in ours:
            name = experiment.taught
            ours[name] = progress(f"ours: {experiment.name}", child, ours_env, "ours", name)

    rows = [row(f"load MNIST, {when}", "all", *pair) for when, pair in loads.items()]
    for each in EXPERIMENTS:
        mine = theirs.get(each.written) or from_ledger(each.recorded)
        rows.append(row(each.name, each.letter, mine, ours[each.taught]))
    for letter in "ABCD":
        both = sums(letter, theirs, ours, loads["again"])
        rows.append(row(f"all measured of source {letter}", letter, *both))
    everything = sums("ABCD", theirs, ours, loads["again"])
    rows.append(row("all measured of the four sources", "all", *everything))
    rows.append(row("the whole course, quick", "all", everything[0], course))
    return rows


def sums(
    letters: str, theirs: Mapping[str, Found], ours: Mapping[str, Found], load: tuple[Found, Found]
) -> tuple[Found, Found]:
    """Add up what some sources' experiments took that were run as written, and ours for them.

    Each side loads the data once. What the course runs once for several experiments counts once.
    """
    own = [each for each in EXPERIMENTS if each.letter in letters]
    done = [each for each in own if each.written in theirs]
    there = [theirs[each.written] for each in done]
    here = [ours[name] for name in {each.taught for each in done}]
    return total([load[0], *there], left_out=len(own) - len(done)), total([load[1], *here])


class Progress:
    """Say on standard error what runs now, how many of how many it is, and what it took."""

    def __init__(self, steps: int) -> None:
        self.steps, self.step = steps, 0

    def __call__(self, name: str, task: Callable[..., Found], *arguments: Any) -> Found:
        self.step += 1
        print(f"[{self.step}/{self.steps}] {name} ...", end=" ", file=sys.stderr, flush=True)
        found = task(*arguments)
        print(f"{found.seconds:.2f} s, {found.peak / MB:.0f} MB", file=sys.stderr, flush=True)
        return found


def measure_loading(
    source: str, scratch: Path, progress: Progress
) -> tuple[dict[str, tuple[Found, Found]], Environment, Environment]:
    """Load in both ways, first from a server on this machine and then from the cache.

    Returns
    -------
    dict
        For "the first time" and "again" what theirs and ours took.
    theirs, ours : mapping
        Environments in which the caches are filled.
    """
    from mnist_course import load_mnist
    from tests.support.openml import openml_stub
    from tests.support.servers import serve

    base = {k: v for k, v in kernel_environment(threads=1).items() if k != "MNIST_COURSE_DATA"}
    # Children must write bytecode, or every import would compile anew.
    base.pop("PYTHONDONTWRITEBYTECODE", None)
    # Solvers that stop before they have settled say so; the sources' numbers come from such stops.
    base |= {"NO_PROXY": "*", "MNIST_COURSE_SOURCE": source, "PYTHONWARNINGS": "ignore"}
    homes = [{**base, "SCIKIT_LEARN_DATA": str(scratch / f"home-{i}")} for i in range(LOADS)]
    caches = [{**base, "MNIST_COURSE_CACHE": str(scratch / f"cache-{i}")} for i in range(LOADS)]
    runs: dict[str, list[Found]] = {}
    with ExitStack() as servers:
        data = load_mnist(source)
        openml = servers.enter_context(openml_stub(data.images, data.labels)).address
        del data
        files = mirrored_files(source)
        mirror = servers.enter_context(
            serve(lambda request: request.answer(files[request.file_name]))
        )
        for i in range(LOADS):
            cold = {**caches[i], "MNIST_COURSE_MIRROR": mirror.address}
            for name, task in {
                "theirs, the first time": (homes[i], "theirs", "load", openml),
                "ours, the first time": (cold, "ours", "load"),
                "theirs, again": (homes[i], "theirs", "load"),
                "ours, again": (caches[i], "ours", "load"),
            }.items():
                found = progress(f"load, {name}", child, *task)
                runs.setdefault(name, []).append(found)
    middle = {  # without the numbers, which only prove that there are data
        name: Found(median(f.seconds for f in found), median(f.peak for f in found))
        for name, found in runs.items()
    }
    pairs = {
        when: (middle[f"theirs, {when}"], middle[f"ours, {when}"])
        for when in ("the first time", "again")
    }
    return pairs, homes[0], caches[0]


def mirrored_files(source: str) -> dict[str, bytes]:
    """Return the four compressed files that a mirror serves, by name; none for the digits."""
    if source != "mnist":
        return {}
    from mnist_course.data.block import MNIST

    folder = Path(os.environ.get("MNIST_COURSE_DATA", ""))
    paths = [folder / file.name for file in MNIST.files]
    if not os.environ.get("MNIST_COURSE_DATA") or not all(path.is_file() for path in paths):
        sys.exit(
            "MNIST_COURSE_DATA does not name a folder with the four compressed files of the real "
            f"MNIST ({', '.join(path.name for path in paths)}); set it first."
        )
    return {path.name: path.read_bytes() for path in paths}


def child(environment: Environment, *task: str) -> Found:
    """Run `run` in a fresh process."""
    return Found(**run_fresh("-m", "benchmarks.against", *task, environment=environment))


def run(side: str, name: str, *address: str) -> None:
    """Run one thing in this process, and print what it found as JSON.

    Seconds are those of the experiment with the data at hand; memory is that of the whole process,
    with loading.
    """
    import psutil

    prepare = _theirs if side == "theirs" else _ours
    with measure() as cost:
        task = prepare(name, *address)
        start = time.perf_counter()
        numbers = task()
        seconds = time.perf_counter() - start
    known = published()
    found = {
        "seconds": seconds,
        "peak": max(cost.peak_bytes, held_by([psutil.Process()])),
        "numbers": {id: write(value) for id, value in numbers.items()},
        "misses": [id for id in numbers if id in known and not agrees(numbers[id], known[id])],
    }
    print(json.dumps(found))


def _theirs(name: str, *address: str) -> Callable[[], Mapping[str, Any]]:
    from benchmarks import as_written
    from tests.support.openml import redirect

    for each in address:
        redirect(each)
    if name == "load":
        import pandas  # noqa: F401 - as for ours, the libraries are there before

        return lambda: {"rows": len(as_written.fetch().data)}
    (letter,) = {each.letter for each in EXPERIMENTS if each.written == name}
    X, y = as_written.LOAD[letter]()
    return lambda: as_written.WRITTEN[name](X=X, y=y)


def _ours(name: str) -> Callable[[], Mapping[str, Any]]:
    import numpy  # noqa: F401 - the library is there before loading is timed

    from mnist_course import load_mnist

    source = os.environ["MNIST_COURSE_SOURCE"]
    if name == "load":
        # The file is only mapped: every pixel is read once, as theirs are.
        return lambda: {"largest": load_mnist(source).images.max()}
    from benchmarks.as_taught import TAUGHT

    mnist = load_mnist(source)
    return lambda: TAUGHT[name](mnist)


def run_course(source: str, scratch: Path) -> Found:
    """Run all lessons in the quick profile, as ``make run`` does."""
    environment = {**os.environ, "MNIST_COURSE_SOURCE": source}
    command = ["-m", "mnist_course_tools", "run", "--profile", "quick", "--source", source]
    watch = Peak(lambda: family_memory(os.getpid()), EVERY)
    watch.start()
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *command, "--out", str(scratch / "run")],
        cwd=ROOT,
        env=environment,
        stdout=sys.stderr,  # its own progress, and the names of lessons that fail
        check=True,
    )
    return Found(time.perf_counter() - start, watch.stop(), note="ten lessons on fewer rows")


def from_ledger(ids: Iterable[str]) -> Found:
    """Return what the course's slow run recorded for a source's experiment."""
    import csv

    with (RESULTS / "ledger.csv").open(encoding="utf-8", newline="") as file:
        lines = {line["id"]: line for line in csv.DictReader(file) if line["profile"] == "slow"}
    chosen = [lines[id] for id in ids]
    with_what = " and ".join(sorted({line["accelerator"] for line in chosen} - {""}))
    return Found(
        sum(float(line["seconds"]) for line in chosen),
        numbers={line["id"]: line["ours"] for line in chosen[-1:]},
        note="theirs recorded" + (f", with {with_what.split()[0]}" if with_what else ""),
    )


def total(parts: Sequence[Found], left_out: int = 0) -> Found:
    """Add up the seconds of some processes; memory is that of the largest."""
    note = f"without the {left_out} recorded" if left_out else ""
    seconds = sum(part.seconds for part in parts)
    return Found(seconds, max(part.peak or 0 for part in parts), note=note)


def row(name: str, letter: str, theirs: Found, ours: Found) -> tuple[str, ...]:
    """Return a line of the table; ratios only of what this run measured."""
    measured = theirs.peak is not None
    id = next(iter(theirs.numbers), "")
    quantity = published()[id].quantity if id else ""
    # Of another model the same quantity is no published number, and has no id.
    mine = ours.numbers.get(id) or ours.numbers.get(id.partition(".")[2], "")
    return (
        name,
        letter,
        _seconds(theirs.seconds),
        _seconds(ours.seconds),
        f"{theirs.seconds / ours.seconds:.1f}" if measured else "",
        f"{theirs.peak / MB:.0f}" if measured else "",
        f"{ours.peak / MB:.0f}",
        f"{theirs.peak / ours.peak:.1f}" if measured else "",
        quantity,
        _short(theirs.numbers.get(id, "")),
        _short(mine),
        _note(theirs, ours),
    )


def _note(theirs: Found, ours: Found) -> str:
    parts = [part for part in (theirs.note, ours.note) if part]
    if theirs.numbers:
        shared = theirs.numbers.keys() & ours.numbers.keys()
        same = "the same number" if len(shared) == 1 else f"the same {len(shared)} numbers"
        parts.append(same if shared else "another model")
    for who, found in {"theirs": theirs, "ours": ours}.items():
        parts += [f"{who} misses {id}" for id in found.misses]
    return "; ".join(parts)


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:.0f}"


def _short(text: str) -> str:
    """Return a number of the ledger with four decimals; of several, their mean."""
    value = parse(text) if text else ""
    if isinstance(value, tuple):
        value = sum(value) / len(value)
    return f"{value:.4f}" if isinstance(value, float) and value % 1 else text


if __name__ == "__main__":
    if sys.argv[1:] in ([], ["--slow"]):
        main(slow="--slow" in sys.argv)
    else:
        run(*sys.argv[1:])
