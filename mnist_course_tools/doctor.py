"""What the course finds on this machine, and the command that mends what is missing.

Whatever is wrong with a machine may be wrong where this runs, too: what needs NumPy or another
package is imported once that package has been found.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from mnist_course.errors import DataError, UsageError, command
from mnist_course.machine import THREAD_VARIABLES, owned_cores, visible_cores

GB = 1e9
_MEMORY_WANTED = 1.0  # GB: what a notebook may need in the quick profile
_ROOM_WANTED = 0.1  # GB: the cache and a download beside it
_PATIENCE = 30  # seconds for another Python to say what it is
_LONGEST_SPIN = 26  # OPENBLAS_THREAD_TIMEOUT: 2**26 ticks are what nobody who waits should spin
_ABOUT = (
    "import json, sys; from importlib.util import find_spec; "
    "print(json.dumps([sys.version.split()[0], sys.prefix, bool(find_spec('mnist_course'))]))"
)


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
    findings = [_python(sys.version_info[:3]), *_packages()]
    if any(finding.needed for finding in findings):
        return [*findings, Finding("the rest", "is looked at once these are mended")]
    return [
        *findings,
        *_extras(),
        *_kernel(),
        _cores(),
        _threads(),
        *_spinning(os.environ),
        _memory(),
        *_data(data_home),
    ]


def _python(found: tuple[int, int, int]) -> Finding:
    from packaging.specifiers import SpecifierSet

    name = ".".join(map(str, found))
    words = f"{name} on {platform.platform(terse=True)}"
    try:
        wanted = SpecifierSet(metadata("mnist-course")["Requires-Python"])
    except PackageNotFoundError:
        return Finding("Python", words)  # said where the packages are listed
    if wanted.contains(name, prereleases=True):
        return Finding("Python", words)
    remedy = f"make an environment with a Python that is {wanted}, and install the course there"
    return Finding("Python", f"{words}; the course needs {wanted}", remedy, needed=True)


def _packages() -> Iterator[Finding]:
    """Yield one line of all packages that fit, then one for each that does not."""
    from packaging.requirements import Requirement

    try:
        lines = requires("mnist-course") or ()
    except PackageNotFoundError:
        remedy = f"in the course's folder: {sys.executable} -m pip install -e ."
        yield Finding("mnist-course", f"is not installed in {sys.prefix}", remedy, needed=True)
        return
    # Those with a marker belong to an extra.
    needed = [wanted for wanted in map(Requirement, lines) if wanted.marker is None]
    fit, wrong = [], []
    for wanted in needed:
        install = f'{sys.executable} -m pip install "{wanted}"'
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            wrong.append(Finding(wanted.name, "missing", install, needed=True))
            continue
        if wanted.specifier.contains(found, prereleases=True):
            fit.append(f"{wanted.name} {found}")
        else:
            words = f"{found}; the course needs {wanted.specifier}"
            wrong.append(Finding(wanted.name, words, install, needed=True))
    yield Finding("packages", f"{len(fit)} of {len(needed)} fit: {', '.join(fit)}")
    yield from wrong


def _extras() -> Iterator[Finding]:
    for name, extra, purpose in (
        ("pytest-xdist", "dev", "the tests"),
        ("distributed", "cluster", "mnist-course run --cluster"),
        ("scikit-learn-intelex", "fast", "mnist-course run --accelerate"),
    ):
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            if not _offered(name, extra):
                continue
            install = f'{sys.executable} -m pip install "mnist-course[{extra}]"'
            yield Finding(name, f"not installed; only for {purpose}: {install}")


def _offered(name: str, extra: str) -> bool:
    """Tell whether the course's extra has this package on this kind of machine."""
    from packaging.requirements import Requirement

    return any(
        wanted.name == name
        and wanted.marker is not None
        and wanted.marker.evaluate({"extra": extra})
        for wanted in map(Requirement, requires("mnist-course") or ())
    )


def _kernel() -> Iterator[Finding]:
    """Look whether the kernel that notebooks ask for is this very Python, or one that will do."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    anew = f"{sys.executable} -m ipykernel install --sys-prefix"
    manager = KernelSpecManager()
    try:
        spec = manager.get_kernel_spec("python3")
        program = shutil.which(spec.argv[0]) or spec.argv[0]
    except NoSuchKernel:
        yield Finding("kernel", "no kernel 'python3' is installed", anew, needed=True)
        return
    except Exception as error:  # a kernel.json may hold anything
        folder = manager.find_kernel_specs().get("python3")
        words = f"{folder} holds no description of a kernel ({type(error).__name__}: {error})"
        yield Finding("kernel", words, f"remove that folder, then: {anew}", needed=True)
        return
    other = _other_python(spec.argv[0], program)
    if other is None:
        yield Finding("kernel", "'Python 3 (ipykernel)' is this Python: choose it in JupyterLab")
    else:
        remedy = f"start JupyterLab with: {command('lab')}; "
        remedy += f"or remove {spec.resource_dir}, then: {anew}"
        yield Finding("kernel", f"'{spec.display_name}' is {other}", remedy)
    if os.environ.get("TERM_PROGRAM") == "vscode":
        words = f"its notebooks run in the Python that you select there: {sys.executable}"
        yield Finding("VS Code", words)


def _other_python(name: str, program: str) -> str | None:
    """Say which Python a kernel starts, and whether it has the course; None if it is this one."""
    # "python" alone is this Python: Jupyter itself puts it there. Otherwise the folder decides:
    # the interpreters of two environments may be links to one and the same file.
    here = Path(sys.executable).parent.resolve()
    if name == "python" or Path(program).parent.resolve() == here:
        return None
    another = f"another Python ({program})"
    try:
        # From a folder where the course does not lie: it would be found without being installed.
        with tempfile.TemporaryDirectory() as elsewhere:
            done = subprocess.run(
                [program, "-c", _ABOUT],
                cwd=elsewhere,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_PATIENCE,
            )
        number, prefix, has_course = json.loads(done.stdout)
    except FileNotFoundError:
        return f"{another}, which is not there"
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return f"{another}, which does not start"
    if Path(prefix).resolve() == Path(sys.prefix).resolve():
        return None  # by way of a link, or of a script that starts it
    words = f"another Python, {number} ({program})"
    return words if has_course else f"{words}, which lacks the course"


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

    owned = _owned_or_visible()
    pools = threadpoolctl.threadpool_info()
    running = ", ".join(f"{pool['internal_api']} {pool['num_threads']}" for pool in pools)
    chosen = {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
    listed = ", ".join(f"{name}={value}" for name, value in chosen.items())
    # A library that is not loaded yet would start as many as its variable says.
    high = [name for name, value in chosen.items() if value.isdigit() and int(value) > owned]
    if not high and any(pool["num_threads"] > owned for pool in pools):
        high = ["OMP_NUM_THREADS"]
    why = "more threads than cores make all of them wait"
    return Finding(
        "threads",
        f"{running or 'no library has started any'}; {listed or 'no limit set by the environment'}",
        f"set {' and '.join(f'{name}={owned}' for name in high)}: {why}" if high else "",
    )


def _spinning(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the settings that let threads without work take a core from those that have some."""
    settings = {
        "OMP_WAIT_POLICY": lambda value: value.lower() == "active",
        "KMP_BLOCKTIME": lambda value: value.lower() == "infinite",
        "GOMP_SPINCOUNT": lambda value: value.lower() in ("infinite", "infinity"),
        "OPENBLAS_THREAD_TIMEOUT": lambda value: value.isdigit() and int(value) >= _LONGEST_SPIN,
    }
    for name, spins in settings.items():
        if spins(environment.get(name, "").strip()):
            yield Finding(
                name,
                f"{environment[name]}: threads that wait for work keep their core busy",
                f"unset {name}: two notebooks side by side would slow each other down",
            )


def _owned_or_visible() -> int:
    try:
        return owned_cores()
    except UsageError:  # said where the cores are listed
        return visible_cores()


def _memory() -> Finding:
    import psutil

    from mnist_course_tools.memory import owned_memory

    owned = owned_memory() / GB
    free = min(owned, psutil.virtual_memory().available / GB)
    words = f"{owned:.1f} GB to use, {free:.1f} GB of them free"
    why = f"a notebook needs up to {_MEMORY_WANTED:.0f} GB in the quick profile"
    if owned < _MEMORY_WANTED:
        remedy = f"take a larger machine, or give this container more: {why}"
        return Finding("memory", words, remedy, needed=True)
    scarce = free < _MEMORY_WANTED
    return Finding("memory", words, f"close other programs: {why}" if scarce else "")


def _data(data_home: str | None) -> Iterator[Finding]:
    from mnist_course.data.cache import cache_folder
    from mnist_course.data.load import named_folder

    cache, folder = cache_folder(data_home), named_folder()
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
    from mnist_course.data.block import MNIST, open_block
    from mnist_course.data.load import FOLDER_VARIABLE, read_files

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
    from mnist_course.data.block import BLOCK_NAME, MNIST, open_block
    from mnist_course.data.cache import CACHE_VARIABLE

    existing = next((place for place in (cache, *cache.parents) if place.exists()), cache)
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        kind = "cannot be written" if existing.is_dir() else "is a file"
        remedy = f"name a folder of your own in {CACHE_VARIABLE}" if needed else ""
        return Finding("cache", f"{existing} {kind}: nothing can be kept in {cache}", remedy)
    try:
        block = open_block(cache, MNIST)
    except DataError as error:
        # fetch passes the damaged file over and puts a sound one in its place.
        return Finding("cache", f"{cache / BLOCK_NAME} {error}", command("fetch"))
    if block is None:
        return Finding("cache", f"{cache} holds no MNIST yet", command("fetch") if needed else "")
    return Finding("cache", f"{cache} holds MNIST, checked")


def _free_space(folder: Path) -> float | None:
    for existing in (folder, *folder.parents):
        if existing.exists():
            return shutil.disk_usage(existing).free / GB
    return None
