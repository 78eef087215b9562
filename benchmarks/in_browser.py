"""What the course takes in a browser's tab: ``python -m benchmarks.in_browser``.

Every lesson and every exercise runs to its end in Chromium, from a site that is built for it, with
all other machines out of reach: on the embedded digits, and on the rows of MNIST that the site
serves. Each has a browser of its own, with nothing kept from before. At its end the last control
is moved. Ends with 1 if a cell failed or wrote in red, a control moved nothing, something was asked
for elsewhere, or a budget was passed. Chapters can be named, and then nothing is recorded:
``python -m benchmarks.in_browser 3 6``.
"""

from __future__ import annotations

import platform
import sys
import tempfile
from dataclasses import astuple, dataclass, field
from pathlib import Path

import psutil

from benchmarks.table import print_table, record_table
from mnist_course.machine import owned_cores
from mnist_course_tools.notebooks import chapter_of, find_notebooks
from mnist_course_tools.site import lite as build
from tests.support import browser, lite

LIMIT = 600  # seconds after which a notebook is given up
KERNEL_SECONDS, KERNEL_MB, SECONDS, HEAP_MB = 25, 60, 90, 700
HEADINGS = ("", "rows", "kernel ready, s", "MB until then", "all cells, s", "busy, s", "heap, MB")


@dataclass
class Run:
    """One notebook in the tab: what it took, and what went wrong."""

    name: str
    source: str
    kernel_seconds: float = 0.0
    kernel_mb: float = 0.0
    seconds: float = 0.0
    busy_seconds: float = 0.0  # of processors, by all of the browser's processes
    heap_mb: float = 0.0
    versions: str = ""  # of what ran it
    faults: list[str] = field(default_factory=list)

    @property
    def row(self) -> tuple[str, ...]:
        """The figures as a line of the table."""
        return (self.name, self.source, *(f"{value:.0f}" for value in astuple(self)[2:7]))

    @property
    def passed(self) -> list[str]:
        """The budgets that it does not keep."""
        budgets = {
            "the kernel's seconds": (self.kernel_seconds, KERNEL_SECONDS),
            "the first visit's MB": (self.kernel_mb, KERNEL_MB),
            "seconds": (self.seconds, SECONDS),
            "the heap's MB": (self.heap_mb, HEAP_MB),
        }
        return [f"{what}: {got:.0f} of {m}" for what, (got, m) in budgets.items() if got > m]


def run(site: Path, path: str, source: str) -> Run:
    """Run one notebook in a fresh browser.

    Parameters
    ----------
    site : Path
    path : str
        Such as ``lessons/01_exploration.ipynb``.
    source : {"digits", "mnist"}
    """
    took = Run(path.removesuffix(".ipynb"), source)
    with (
        browser.chromium() as chromium,
        lite.serving(site) as served,
        lite.window(chromium, served.address) as (page, traffic),
    ):
        took.kernel_seconds = lite.open_notebook(page, served.address, path)
        took.kernel_mb = served.bytes / 1e6
        lite.choose(page, source)
        before = _busy_seconds()
        try:
            took.seconds = lite.run_all(page, LIMIT)
        except Exception as error:  # playwright's own, which says what was waited for
            took.faults.append(str(error).splitlines()[0])
            took.seconds = LIMIT
        else:
            took.heap_mb = lite.heap_mb(page)
            took.versions = f"Chromium {chromium.version}, in it {lite.versions(page)}"
            if lite.move_control(page) is False:
                took.faults.append("its control moves nothing")
        took.busy_seconds = _busy_seconds() - before
        took.faults += lite.errors(page) + [f"in red: {words}" for words in lite.red(page)]
        took.faults += [f"asked for {url}" for url in traffic.outside]
    return took


def main() -> None:
    """Run all, print as it goes, and record the table if all were run."""
    chosen = {int(number) for number in sys.argv[1:]}
    runs = []
    with tempfile.TemporaryDirectory() as place:
        site = Path(place)
        build.build(site / "run")
        files = site / "run" / "files"
        paths = [path for part in build.FOLDERS.values() for path in find_notebooks(files / part)]
        served = (site / "run" / build.ROWS_FOLDER).exists()
        for path in paths:
            if chosen and chapter_of(path) not in chosen:
                continue
            for source in ("digits", "mnist") if served else ("digits",):
                took = run(site, path.relative_to(files).as_posix(), source)
                runs.append(took)
                print(*took.row, *took.faults, *took.passed, sep="  ", flush=True)
    rows = [took.row for took in runs]
    machine = f"{owned_cores()} cores, {platform.system()} {platform.machine()}, "
    machine += ", ".join(sorted({took.versions for took in runs} - {""}))
    if chosen or not served:
        print(f"{machine}\n")
        print_table(HEADINGS, rows)
        print("\nNot recorded: this is not all of it." + " MNIST is not here." * (not served))
    else:
        record_table("in_browser", HEADINGS, rows, machine=machine)
    if any(took.faults or took.passed for took in runs):
        sys.exit("Not all is well; see the lines above.")


def _busy_seconds() -> float:
    """Return the processors' seconds that the browser has used, all its processes together."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            times = process.cpu_times()
        except psutil.Error:  # it has just ended
            continue
        total += times.user + times.system
    return total


if __name__ == "__main__":
    main()
