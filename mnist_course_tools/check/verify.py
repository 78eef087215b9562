"""Check committed notebooks: house rules first, then a fresh run compared with what is stored."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from mnist_course_tools.check.house import check_file
from mnist_course.report import collect, read_ledger

# Committed outputs come from the real data and all rows; nothing else can confirm them.
COMMITTED_AS = {"MNIST_COURSE_SOURCE": "mnist", "MNIST_COURSE_PROFILE": "full"}
# A whole notebook may take 180 s; a cell that needs ten times as long hangs, on any machine.
CELL_TIMEOUT_SECONDS = 1800
FAILED = 1
# os.devnull would do on POSIX, but pytest asks whether the file exists.
PYTEST_CONFIGURATION = Path(__file__).with_name("nbval.ini")
# pytest's status when it found no test. pytest itself is not imported: only checking needs it.
PYTEST_COLLECTED_NOTHING = 5


def verify(notebooks: Sequence[Path], *, environment: Mapping[str, str] | None = None) -> int:
    """Check committed notebooks against the house rules, then against a fresh run.

    Whether the real data is at hand is the caller's business.

    Parameters
    ----------
    notebooks : sequence of Path
        The notebooks to check.
    environment : mapping, optional
        Further environment variables for the kernels. Kernels run in the notebook's folder, so
        paths in it have to be absolute.

    Returns
    -------
    status : int
        0 only if every cell of every notebook was checked and agrees.
    """
    if not notebooks:
        print("There is no notebook to verify: name at least one.", flush=True)
        return FAILED
    broken = print_house_problems(notebooks)
    return FAILED if broken else run_nbval(notebooks, environment=environment)


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


def run_nbval(notebooks: Sequence[Path], *, environment: Mapping[str, str] | None = None) -> int:
    """Run notebooks afresh and compare each cell with its stored outputs.

    Parameters
    ----------
    notebooks : sequence of Path
        The notebooks to run.
    environment : mapping, optional
        Further environment variables for the kernels.

    Returns
    -------
    status : int
        pytest's exit status: 0 if all cells agree.
    """
    if find_spec("nbval") is None:
        print(
            "nbval is not installed, so nothing was verified. Install it with\n"
            '  python -m pip install -e ".[dev]"',
            flush=True,
        )
        return FAILED
    command, variables = nbval_command(notebooks), nbval_environment(environment)
    status = subprocess.run(command, env=variables, check=False).returncode
    if status == PYTEST_COLLECTED_NOTHING:
        print(
            "pytest found no cell to run, so nothing was verified: that is a failure.", flush=True
        )
    return status


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


def nbval_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Build the environment that nbval and its kernels run in.

    Parameters
    ----------
    environment : mapping, optional
        Further variables; they win over the caller's.

    Returns
    -------
    variables : dict
        The caller's environment with the source and profile of committed outputs.
    """
    # PYTEST_ADDOPTS="-k ..." left in a shell would check a part and call it the whole.
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return {**inherited, **(environment or {}), **COMMITTED_AS}


def check_ledger(notebooks: Sequence[Path], ledger: Path) -> int:
    """Check that the committed ledger says what the committed notebooks say, and that all agrees.

    Parameters
    ----------
    notebooks : sequence of Path
        Committed notebooks, run in the full profile.
    ledger : Path
        The committed ledger; other profiles' rows in it are not looked at.

    Returns
    -------
    status : int
        0 if every record of the notebooks stands in the ledger as it is and agrees.
    """
    stored = {(row.id, row.profile): row for row in read_ledger(ledger)}
    problems = []
    for notebook in notebooks:
        for record in collect(json.loads(notebook.read_text(encoding="utf-8"))):
            if not record.agrees:
                problems.append(f"{notebook.name}: {record.id} does not agree with the source.")
            if stored.get((record.id, record.profile)) != record:
                problems.append(
                    f"{notebook.name}: {record.id} is {record.ours} in the notebook and other in "
                    f"{ledger.name}. Run it again: mnist-course run --profile full --source mnist "
                    f"--update"
                )
    for sentence in problems:
        print(sentence, flush=True)
    return FAILED if problems else 0
