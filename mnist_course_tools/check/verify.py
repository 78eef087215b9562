"""Check committed notebooks: house rules first, then a fresh run compared with what is stored."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from mnist_course.profiles import PROFILE_VARIABLE
from mnist_course_tools.check.house import check_file
from mnist_course_tools.kernel import kernel_environment

# Committed outputs come from the real data and all rows; nothing else can confirm them.
COMMITTED_AS = {"MNIST_COURSE_SOURCE": "mnist", PROFILE_VARIABLE: "full"}
# A whole notebook may take 180 s; a cell that needs ten times as long hangs, on any machine.
CELL_TIMEOUT_SECONDS = 1800
FAILED = 1
# os.devnull would do on POSIX, but pytest asks whether the file exists.
PYTEST_CONFIGURATION = Path(__file__).with_name("nbval.ini")
# pytest's status when it found no test. pytest itself is not imported: only checking needs it.
PYTEST_COLLECTED_NOTHING = 5


def verify(notebooks: Sequence[Path], *, jobs: int = 1) -> int:
    """Check committed notebooks against the house rules, then against a fresh run.

    Whether the real data is at hand is the caller's business.

    Parameters
    ----------
    notebooks : sequence of Path
        The notebooks to check.
    jobs : int, default=1
        Notebooks at a time.

    Returns
    -------
    status : int
        0 only if every cell of every notebook was checked and agrees.
    """
    if not notebooks:
        print("There is no notebook to verify: name at least one.", flush=True)
        return FAILED
    broken = print_house_problems(notebooks)
    return FAILED if broken else run_nbval(notebooks, jobs=jobs)


def print_house_problems(notebooks: Sequence[Path]) -> int:
    """Print what breaks the house rules.

    Parameters
    ----------
    notebooks : sequence of Path
        The notebooks to read.

    Returns
    -------
    count : int
        How many problems there are.
    """
    problems = [sentence for notebook in notebooks for sentence in check_file(notebook)]
    for sentence in problems:
        print(sentence, flush=True)
    if problems:
        print(f"House rules: {len(problems)} problem(s). Mend them, then verify again.", flush=True)
    return len(problems)


def run_nbval(notebooks: Sequence[Path], *, jobs: int = 1) -> int:
    """Run notebooks afresh and compare each cell with its stored outputs.

    Parameters
    ----------
    notebooks : sequence of Path
        The notebooks to run.
    jobs : int, default=1
        Notebooks at a time, each in a process of its own.

    Returns
    -------
    status : int
        0 if all cells of all notebooks agree, else the first other status of pytest.
    """
    if find_spec("nbval") is None:
        print(
            "nbval is not installed, so nothing was verified. Install it with\n"
            "  python -m pip install nbval==0.11.0 pytest",
            flush=True,
        )
        return FAILED
    started: list[subprocess.Popen[str]] = []
    pool = ThreadPoolExecutor(jobs)
    try:
        waiting = [pool.submit(_run_one, path, started) for path in notebooks]
        statuses = []
        for path, future in zip(notebooks, waiting, strict=True):
            status, said = future.result()
            # Of a notebook that agrees, pytest's last line says enough.
            print(f"{_name(path)}: {said if status else said.splitlines()[-1]}", flush=True)
            statuses.append(status)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in started:
            process.terminate()  # its kernel goes with it; one that has ended does not mind
        pool.shutdown()
    return next((status for status in statuses if status), 0)


def _run_one(notebook: Path, started: list[subprocess.Popen[str]]) -> tuple[int, str]:
    """Run nbval on one notebook; return pytest's status and what it said."""
    print(f"running {_name(notebook)}\n", end="", flush=True)  # whole, beside other threads
    with tempfile.TemporaryDirectory(prefix="mnist-course-") as private:
        process = subprocess.Popen(
            nbval_command([notebook]),
            env=nbval_environment(private=Path(private) / "ipython"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        started.append(process)
        said, _ = process.communicate()
        said = said.strip()
    if process.returncode == PYTEST_COLLECTED_NOTHING:
        said += "\npytest found no cell to run, so nothing was verified: that is a failure."
    return process.returncode, said


def _name(notebook: Path) -> str:
    """Name a notebook so that a lesson and its solved exercises are told apart."""
    return f"{notebook.parent.name}/{notebook.stem}"


def nbval_command(notebooks: Sequence[Path]) -> list[str]:
    """Build the command line that runs nbval with our plugin.

    Parameters
    ----------
    notebooks : sequence of Path
        The notebooks to run.

    Returns
    -------
    command : list of str
        To be run with `nbval_environment`.
    """
    paths = [path.resolve() for path in notebooks]
    return [
        *(sys.executable, "-m", "pytest"),
        *("--nbval", "--nbval-current-env", f"--nbval-cell-timeout={CELL_TIMEOUT_SECONDS}"),
        *("-p", "mnist_course_tools.check.nbval_plugin", "-p", "no:cacheprovider"),
        # The project's own options, test paths and conftest are about its tests, not these.
        *("-c", str(PYTEST_CONFIGURATION), f"--rootdir={paths[0].parent}", "--noconftest"),
        *("-q", "--disable-warnings", f"--color={'yes' if sys.stdout.isatty() else 'no'}"),
        *map(str, paths),
    ]


def nbval_environment(
    *, private: Path | None = None, settings: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Build the environment that nbval and its kernels run in.

    Parameters
    ----------
    private, settings
        As for `kernel_environment`.

    Returns
    -------
    variables : dict
        The caller's environment with the source and profile of committed outputs, and one
        BLAS thread, as they were made with.
    """
    variables = kernel_environment(
        threads=1, private=private, settings={**(settings or {}), **COMMITTED_AS}
    )
    # PYTEST_ADDOPTS="-k ..." left in a shell would check a part and call it the whole.
    return {key: value for key, value in variables.items() if not key.startswith("PYTEST_")}
