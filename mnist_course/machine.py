"""What this process really owns: its cores, and a thread limit that fits them.

Only the standard library is imported here, so that the limit can be set before NumPy loads.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from mnist_course.errors import UsageError, notice

CORES_VARIABLE = "MNIST_COURSE_CORES"
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
# OpenBLAS' idle threads spin for 2**n ticks of the processor's clock before they sleep: 2**26 or
# more if nobody says otherwise, tens of milliseconds taken from whoever has work to do.
# With 2**16, a few hundredths of a millisecond, a second thread helps logistic regression instead
# of slowing it (benchmarks/threads.py). OpenBLAS takes values from 4 to 30.
_SOON_ASLEEP = {"OPENBLAS_THREAD_TIMEOUT": "16"}
_CGROUP_ROOT = Path("/sys/fs/cgroup")
_CGROUP_OF_SELF = Path("/proc/self/cgroup")


def visible_cores() -> int:
    """Count the cores that libraries see: all of the machine, or those of the affinity mask."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def owned_cores() -> int:
    """Count the cores this process may really keep busy: at least 1.

    The smallest of the affinity mask, the CPU quota of the container (control groups, version
    2; whole cores, rounded down) and ``MNIST_COURSE_CORES``; UsageError if that is no number.
    """
    limits: list[float] = [visible_cores()]
    for text in cgroup_settings("cpu.max"):
        quota, _, period = text.partition(" ")
        if quota.isdigit() and period.isdigit() and int(period):
            limits.append(int(quota) / int(period))
    wish = os.environ.get(CORES_VARIABLE, "").strip()
    if wish:
        if not wish.isdigit() or int(wish) < 1:
            raise UsageError(
                f"{CORES_VARIABLE} is {wish!r}, which is not a number of cores. "
                f"Set it to a whole number of at least 1, or remove it."
            )
        limits.append(int(wish))
    return max(1, int(min(limits)))


def cgroup_settings(name: str) -> Iterator[str]:
    """Yield a setting of this process's control group, such as ``cpu.max``, and of those around."""
    for line in _read(_CGROUP_OF_SELF).splitlines():
        if not line.startswith("0::"):
            continue  # a controller of version 1
        # Inside a container the path may be the host's and not exist here: the top still does.
        inner = _CGROUP_ROOT / line.removeprefix("0::").lstrip("/")
        for folder in (inner, *inner.parents):
            if folder.is_relative_to(_CGROUP_ROOT):
                yield _read(folder / name)


def thread_environment(threads: int) -> dict[str, str]:
    """Return the environment that holds a process and its BLAS to a number of threads.

    ``LOKY_MAX_CPU_COUNT`` is among them: it makes joblib's ``n_jobs=-1`` mean the same number.
    So is the time after which an idle OpenBLAS thread goes to sleep.
    """
    limits = dict.fromkeys((*THREAD_VARIABLES, "LOKY_MAX_CPU_COUNT"), str(threads))
    return limits | _SOON_ASLEEP


def limit_threads(environment: MutableMapping[str, str] | None = None) -> int:
    """Hold BLAS and OpenMP in this process to the cores it owns, and return their number.

    Variables that are already set are left alone. Where the libraries would find the right
    number by themselves no number is set, because joblib divides the cores among its workers
    only while these variables are unset. Idle OpenBLAS threads are sent to sleep soon in any
    case; this has an effect only before NumPy is loaded.
    """
    environment = os.environ if environment is None else environment
    for name, value in _SOON_ASLEEP.items():
        environment.setdefault(name, value)
    try:
        cores = owned_cores()
    except UsageError as error:
        # Said, not raised: this runs when the package is imported, before anybody could mend it.
        notice(str(error))
        return visible_cores()
    if cores >= visible_cores():
        return cores
    chosen = {k: v for k, v in thread_environment(cores).items() if k not in environment}
    environment.update(chosen)
    if "numpy" in sys.modules and "OPENBLAS_NUM_THREADS" in chosen:
        # Too late for the variables: the thread pools exist. Shrink them instead.
        import threadpoolctl

        threadpoolctl.threadpool_limits(limits=cores)
    return cores


def versions() -> str:
    """Name the versions that the numbers of a notebook depend on.

    Returns
    -------
    str
        One line: Python, and the packages that compute and draw.
    """
    from importlib.metadata import version

    packages = ("numpy", "scipy", "scikit-learn", "pandas", "matplotlib")
    named = [f"{name} {version(name)}" for name in packages]
    return ", ".join([f"Python {sys.version_info.major}.{sys.version_info.minor}", *named])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
