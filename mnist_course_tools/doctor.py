"""What the course finds on this machine, and the command that mends what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from mnist_course.data.block import BLOCK_NAME, MNIST, open_block
from mnist_course.data.cache import cache_folder
from mnist_course.data.load import FOLDER_VARIABLE, named_folder, read_files
from mnist_course.errors import DataError, UsageError, command
from mnist_course.machine import THREAD_VARIABLES, owned_cores, visible_cores
from mnist_course_tools.memory import owned_memory

GB = 1e9
_MEMORY_WANTED = 1.0  # GB: what a notebook may need in the quick profile
_ROOM_WANTED = 0.1  # GB: the cache and a download beside it


@dataclass(frozen=True)
class Finding:
    """One line of the examination.

    Attributes
    ----------
    subject, finding : str
    remedy : str
        What to do about it; empty where all is well.
    needed : bool
        Whether the notebooks cannot run without the remedy.
    """

    subject: str
    finding: str
    remedy: str = ""
    needed: bool = False


def examine(data_home: str | None = None) -> list[Finding]:
    """Look at versions, cores, memory, data and tools.

    Parameters
    ----------
    data_home : str, optional
        Folder of the cache, as in `load_mnist`.
    """
    return [
        Finding("Python", f"{platform.python_version()} on {platform.platform(terse=True)}"),
        *_packages(),
        *_extras(),
        _kernel(),
        _cores(),
        _threads(),
        _memory(),
        *_data(cache_folder(data_home)),
    ]


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    for line in requires("mnist-course") or ():
        wanted = Requirement(line)
        if wanted.marker is not None:
            continue  # belongs to an extra
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            yield Finding(wanted.name, "missing", "python -m pip install -e .", needed=True)
            continue
        fits = wanted.specifier.contains(found, prereleases=True)
        remedy = "" if fits else f'python -m pip install "{wanted}"'
        finding = found if fits else f"{found}; the course needs {wanted.specifier}"
        yield Finding(wanted.name, finding, remedy, needed=not fits)


def _extras() -> Iterator[Finding]:
    for name, extra, purpose in (
        ("pytest-xdist", "dev", "the tests"),
        ("distributed", "cluster", "mnist-course run --cluster"),
        ("scikit-learn-intelex", "fast", "mnist-course run --accelerate"),
    ):
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(
                name,
                f"not installed (only {purpose} needs it)",
                f'python -m pip install -e ".[{extra}]"',
            )


def _kernel() -> Finding:
    """Look whether the kernel that notebooks ask for is this very Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    remedy = "python -m pip install ipykernel"
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Finding("kernel", "no kernel 'python3' is installed", remedy, needed=True)
    program = shutil.which(spec.argv[0]) or spec.argv[0]
    # "python" alone is this Python: Jupyter itself puts it there.
    if spec.argv[0] == "python" or Path(program).resolve() == Path(sys.executable).resolve():
        return Finding("kernel", "'Python 3 (ipykernel)' is this Python: choose it in JupyterLab")
    return Finding(
        "kernel",
        f"'{spec.display_name}' is another Python ({program}), which may lack the course",
        f"start JupyterLab with: {command('lab')}",
    )


def _cores() -> Finding:
    try:
        owned, visible = owned_cores(), visible_cores()
    except UsageError as error:
        finding, _, remedy = str(error).partition(". ")
        return Finding("cores", finding, remedy, needed=True)
    beyond = "" if owned == visible else f" (the machine shows {visible})"
    return Finding("cores", f"{owned} to use{beyond}")


def _threads() -> Finding:
    import numpy  # noqa: F401  (its BLAS is what is asked for its threads)
    import threadpoolctl

    pools = threadpoolctl.threadpool_info()
    running = ", ".join(f"{pool['internal_api']} {pool['num_threads']}" for pool in pools)
    chosen = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if name in os.environ]
    owned = _owned_or_visible()
    too_many = any(pool["num_threads"] > owned for pool in pools)
    return Finding(
        "threads",
        f"{running or 'no library has started any'}; "
        + (", ".join(chosen) if chosen else "no limit set by the environment"),
        f"set OMP_NUM_THREADS={owned}: more threads than cores make all of them wait"
        if too_many
        else "",
    )


def _owned_or_visible() -> int:
    try:
        return owned_cores()
    except UsageError:  # said where the cores are listed
        return visible_cores()


def _memory() -> Finding:
    owned = owned_memory() / GB
    enough = owned >= _MEMORY_WANTED
    remedy = "" if enough else f"the quick profile may need {_MEMORY_WANTED:.0f} GB"
    return Finding("memory", f"{owned:.1f} GB to use", remedy, needed=not enough)


def _data(cache: Path) -> Iterator[Finding]:
    folder = named_folder()
    usable = False
    if folder is not None:
        finding = _named(folder)
        usable = not finding.remedy
        yield finding
    finding = _cached(cache, needed=not usable)
    yield finding
    free = _free_space(cache)
    if finding.remedy and free is not None and free < _ROOM_WANTED:
        yield Finding("disk", f"{free:.2f} GB free", f"free {_ROOM_WANTED:.1f} GB at {cache}")


def _named(folder: Path) -> Finding:
    try:
        kept = open_block(folder, MNIST) is not None
        what = "the cache file" if kept else "the IDX files"
        if not kept:
            read_files(folder, MNIST)
    except DataError as error:
        return Finding(
            FOLDER_VARIABLE,
            f"{folder} {error}",
            f"put the four MNIST files there, or unset {FOLDER_VARIABLE}",
        )
    return Finding(FOLDER_VARIABLE, f"{folder} holds {what}")


def _cached(cache: Path, *, needed: bool) -> Finding:
    remedy = command("fetch") if needed else ""
    try:
        block = open_block(cache, MNIST)
    except DataError as error:
        return Finding("cache", f"{cache / BLOCK_NAME} {error}", command("fetch"))
    if block is None:
        return Finding("cache", f"{cache} holds no MNIST yet", remedy)
    return Finding("cache", f"{cache} holds MNIST, checked")


def _free_space(folder: Path) -> float | None:
    for existing in (folder, *folder.parents):
        if existing.exists():
            return shutil.disk_usage(existing).free / GB
    return None
