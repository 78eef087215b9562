"""How fast and how big is loading, beside ``fetch_openml``: ``python -m benchmarks.load``.

Every measurement is a fresh process that runs one of the short scripts below, so nothing is warm
that would be cold for a reader, and what is counted can be read off the script.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.fresh import ROOT, run_fresh
from benchmarks.table import print_machine, print_table

MB = 1e6

_PEAK = """
def peak():
    # Linux's own mark for this program; ru_maxrss would start at the size of the parent.
    import pathlib, sys
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines()
                    if line.startswith("VmHWM"))
    import psutil
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
"""
_IMPORT = """
import json, time
start = time.perf_counter()
{statement}
print(json.dumps({{"seconds": time.perf_counter() - start}}))
"""
_LOAD = (
    _PEAK
    + """
import json, time
import numpy, psutil
{before}
resident = psutil.Process().memory_info().rss
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
new = psutil.Process().memory_info().rss - resident
print(json.dumps({{"seconds": seconds, "new": new, "peak": peak()}}))
"""
)
_OURS = "from mnist_course import load_mnist\ndata = load_mnist('mnist')"
_THEIRS = "bunch = fetch_openml('mnist_784', version=1, as_frame={as_frame})"
_FILL = """
import sys
from sklearn.datasets import fetch_openml
from tests.support.openml import redirect
redirect(sys.argv[1])
fetch_openml('mnist_784', version=1, as_frame=False)
"""


def main() -> None:
    """Measure, and print one table."""
    folder = os.environ.get("MNIST_COURSE_DATA")
    if not folder:
        sys.exit("MNIST_COURSE_DATA does not name a folder with the real MNIST; set it first.")
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(Path(folder).absolute(), Path(scratch))
    print_machine()
    warm = rows["load_mnist, warm"]
    headings = (
        "What (median of runs)",
        "runs",
        "seconds",
        "× warm load",
        "new MB",
        "peak MB",
    )
    print_table(
        headings,
        [
            (
                name,
                str(row["n"]),
                f"{row['seconds']:.3f}",
                f"{row['seconds'] / warm['seconds']:.1f}",
                f"{row['new'] / MB:.0f}" if "new" in row else "",
                f"{row['peak'] / MB:.0f}" if "peak" in row else "",
            )
            for name, row in rows.items()
        ],
    )


def measure(data: Path, scratch: Path) -> dict[str, dict[str, float]]:
    """Run every script several times, and return the medians.

    Parameters
    ----------
    data : Path
        Folder with the four original files.
    scratch : Path
        An empty folder, for caches.

    Returns
    -------
    dict of dict
        For each thing measured ``seconds``, ``n`` (processes) and, where it is about loading,
        ``new`` and ``peak`` (bytes).
    """
    cache, home = scratch / "cache", scratch / "scikit-learn"
    base = {k: v for k, v in os.environ.items() if not k.startswith("MNIST_COURSE_")}
    # Children must write bytecode, or every import would compile anew.
    base.pop("PYTHONDONTWRITEBYTECODE", None)
    from_files = {**base, "MNIST_COURSE_DATA": str(data)}
    from_cache = {**base, "MNIST_COURSE_CACHE": str(cache)}
    openml = {**base, "SCIKIT_LEARN_DATA": str(home)}

    fill_openml_cache(data, openml)
    filled = {**from_files, "MNIST_COURSE_CACHE": str(cache)}
    run_fresh("-c", _load(_OURS), environment=filled)
    rows = {
        name: _repeat(7, _IMPORT.format(statement=statement), [base])
        for name, statement in {
            "import mnist_course": "import mnist_course",
            "the same, and numpy with load_mnist": "from mnist_course import load_mnist",
        }.items()
    }
    colds = [{**from_files, "MNIST_COURSE_CACHE": str(scratch / f"cold-{i}")} for i in range(6)]
    rows["load_mnist, cold, from the four files"] = _repeat(5, _load(_OURS), colds)
    rows["load_mnist, warm"] = _repeat(9, _load(_OURS), [from_cache])
    all_pixels = _load(f"{_OURS}\ndata.images.max()")
    rows["load_mnist, warm, and read every pixel"] = _repeat(9, all_pixels, [from_cache])
    ready = "from sklearn.datasets import fetch_openml\nimport pandas"
    for as_frame in (True, False):
        script = _load(_THEIRS.format(as_frame=as_frame), before=ready)
        rows[f"fetch_openml(as_frame={as_frame}), warm"] = _repeat(3, script, [openml])
    return rows


def fill_openml_cache(data: Path, environment: dict[str, str]) -> None:
    """Let the real ``fetch_openml`` fetch all 70,000 rows once, from a stub on this machine."""
    from mnist_course import load_idx
    from tests.support.openml import openml_stub

    rows = load_idx(data)
    with openml_stub(rows.images, rows.labels) as server:
        subprocess.run(
            [sys.executable, "-c", _FILL, server.address],
            cwd=ROOT,
            env={**environment, "NO_PROXY": "*"},
            check=True,
        )


def _load(statement: str, *, before: str = "") -> str:
    return _LOAD.format(statement=statement, before=before)


def _repeat(n: int, script: str, environments: list[dict[str, str]]) -> dict[str, float]:
    """Run a script once to warm bytecode and file cache, then n times, and take medians."""
    environments = environments * (n + 1) if len(environments) == 1 else environments
    results = [run_fresh("-c", script, environment=each) for each in environments][1:]
    return {"n": n, **{key: median(result[key] for result in results) for key in results[0]}}


if __name__ == "__main__":
    main()
