"""The command `mnist-course`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from mnist_course import __version__, errors
from mnist_course.errors import CourseError, DataError, UsageError
from mnist_course_tools.classroom.commands import app as assign
from mnist_course_tools.stopping import stoppable

if TYPE_CHECKING:
    from mnist_course.profiles import Profile
    from mnist_course_tools.run.job import Outcome
    from mnist_course_tools.run.runner import Place

OK, FAILED = 0, 1
_LEAST_ROWS = 200  # to train on: one model has 120 components, and each digit has to be there

app = typer.Typer(
    help="Run, check and look after the course 'Classical machine learning on MNIST'.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(assign, name="assign")
console = Console(highlight=False)

Chosen = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NN ...]", help="Numbers of chapters, such as 1 04; all without any."),
]
NotebooksFolder = Annotated[
    Path | None, typer.Option("--notebooks", help="Folder of the notebooks, if not the course's.")
]
OwnFolder = Annotated[
    Path | None,
    typer.Argument(help="Of your own; my-course, or the present one if it is such a folder."),
]
DataHome = Annotated[str | None, typer.Option("--data-home", help="Folder of the data cache.")]
Jobs = Annotated[
    int | None,
    typer.Option(min=1, help="Notebooks at a time; as many as cores and memory allow."),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(f"mnist-course {__version__}")
        raise typer.Exit(OK)


@app.callback()
def _prepare(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    # A service manager or CI stops a process with SIGTERM: end in the same orderly way.
    signal.signal(signal.SIGTERM, _interrupt)


@app.command()
def run(
    chosen: Chosen = None,
    profile: Annotated[
        str | None,
        typer.Option(help="quick, browser, full or slow; $MNIST_COURSE_PROFILE or quick."),
    ] = None,
    source: Annotated[str, typer.Option(help="auto, mnist or digits.")] = "auto",
    jobs: Jobs = None,
    out: Annotated[Path, typer.Option(help="Folder for what the run makes.")] = Path("build/run"),
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set a notebook parameter."),
    ] = None,
    accelerate: Annotated[
        bool,
        typer.Option("--accelerate", help="Use faster models where a library has them."),
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Send notebooks to this Dask scheduler's workers."),
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Write the outputs back into the course's own checkout."),
    ] = False,
    exercises: Annotated[
        bool, typer.Option("--exercises", help="Run the solved exercises, not the lessons.")
    ] = False,
    notebooks: NotebooksFolder = None,
) -> None:
    """Run notebooks, show progress, then a table and where the report lies."""
    from mnist_course.data import load_mnist
    from mnist_course.profiles import get_profile
    from mnist_course.report import RESULTS
    from mnist_course_tools.notebooks import LESSONS, SOLUTIONS, course_folder, find_notebooks
    from mnist_course_tools.run import screen
    from mnist_course_tools.run.pages import write_pages
    from mnist_course_tools.run.runner import Runner
    from mnist_course_tools.run.update import write_back

    chosen_profile = get_profile(profile)
    folder = notebooks or course_folder() / (SOLUTIONS if exercises else LESSONS)
    paths = find_notebooks(folder.absolute(), chosen or ())
    parameters = _parameters(parameter or ())
    # Found out once, here: otherwise each notebook would look for the network again.
    found = load_mnist(source).source
    if update:
        _check_update(found, chosen_profile, parameters, notebooks)
    faster = _accelerator() if accelerate else ""
    with stoppable(console):
        with _place(cluster, jobs, chosen_profile, paths, out) as place:
            runner = Runner(chosen_profile, found, out, place, parameters, bool(faster))
            with screen.progress(console) as runner.watch:
                outcomes = runner.run(paths)
        # First of all: what comes after it may fail, and the run would be lost.
        if update:
            write_back(outcomes, RESULTS, notebooks=chosen_profile.name == "full")
        summary = f"Profile {chosen_profile.name} on {_described(found, source)}; {place}"
        summary += f"; accelerated by {faster}." if faster else "."
        console.print(screen.table(outcomes))
        console.print(summary)
        for outcome in outcomes:
            _tell_failure(outcome)
        problems = write_pages(outcomes, out, summary=summary)
    for problem in problems:
        console.print(f"[red]{escape(problem)}", soft_wrap=True)
    console.print(f"Report: {out / 'index.html'}", soft_wrap=True)
    good = all(outcome.ok for outcome in outcomes) and not problems
    raise typer.Exit(OK if good else FAILED)


@app.command()
def fetch(data_home: DataHome = None) -> None:
    """Get MNIST into the cache and check it."""
    from mnist_course.data.load import fetch_mnist

    with stoppable(console):
        path = fetch_mnist(data_home)
    console.print(f"MNIST is ready in {path.parent}, checked.", soft_wrap=True)


@app.command()
def start(
    folder: OwnFolder = None,
    solutions: Annotated[
        bool, typer.Option("--solutions", help="Put the solved exercises there too.")
    ] = False,
) -> None:
    """Put lessons and exercises into a folder of your own, and keep what you changed there."""
    _start(folder, solutions=solutions)
    words = "lab" if folder is None else f'lab "{folder}"'
    console.print(f"To work in it: {errors.command(words)}", soft_wrap=True, markup=False)


@app.command()
def lab(folder: OwnFolder = None) -> None:
    """Start, then open JupyterLab there, with threads that fit this machine."""
    from mnist_course_tools.kernel import kernel_environment

    command = [sys.executable, "-m", "jupyterlab", str(_start(folder))]
    if os.name == "posix":
        os.execve(sys.executable, command, kernel_environment())
    with stoppable(console):  # Windows has no exec: wait for it
        raise typer.Exit(subprocess.run(command, env=kernel_environment()).returncode)


@app.command()
def verify(chosen: Chosen = None, jobs: Jobs = None, notebooks: NotebooksFolder = None) -> None:
    """Re-run lessons and solved exercises on MNIST and compare each output with the stored one."""
    from mnist_course.data import load_mnist
    from mnist_course.profiles import get_profile
    from mnist_course.report import RESULTS
    from mnist_course_tools.check.verify import verify as verify_notebooks
    from mnist_course_tools.claims import claim_problems
    from mnist_course_tools.ledger import ledger_problems
    from mnist_course_tools.notebooks import LESSONS, SOLUTIONS, course_folder, find_notebooks
    from mnist_course_tools.run.runner import ThisMachine

    folders = [notebooks] if notebooks else [course_folder() / n for n in (LESSONS, SOLUTIONS)]
    paths = [p for f in folders for p in find_notebooks(f.absolute(), chosen or ())]
    try:
        load_mnist("mnist")
    except DataError as error:
        raise DataError(
            f"Nothing was verified: committed outputs come from the real MNIST.\n{error}"
        ) from None
    problems = ledger_problems(paths, RESULTS / "ledger.csv")
    problems += claim_problems(paths, RESULTS / "claims.csv")
    for problem in problems:
        console.print(problem, soft_wrap=True, markup=False)
    place = ThisMachine.shared_by(len(paths), get_profile("full"), wanted=jobs)
    with stoppable(console):
        status = verify_notebooks(paths, jobs=place.jobs)
    status = FAILED if problems else status
    words = "agree with a fresh run" if status == OK else "were NOT verified"
    console.print(f"{len(paths)} notebook(s) {words}.")
    raise typer.Exit(status)


@app.command()
def doctor(data_home: DataHome = None) -> None:
    """Show versions, cores, memory and data, and the command that mends what is missing."""
    from rich.table import Table

    from mnist_course_tools.doctor import examine

    findings = examine(data_home)
    rows = Table(show_edge=False)
    rows.add_column("", no_wrap=True)
    rows.add_column("what is there", overflow="fold")
    rows.add_column("what to do", overflow="fold")
    for finding in findings:
        colour = "red" if finding.needed else "yellow"
        rows.add_row(
            finding.subject, escape(finding.finding), f"[{colour}]{escape(finding.remedy)}"
        )
    console.print(rows)
    missing = [finding for finding in findings if finding.needed]
    hints = sum(bool(finding.remedy) for finding in findings) - len(missing)
    console.print(
        f"{len(missing)} thing(s) to mend before the notebooks run."
        if missing
        else f"The notebooks can run{f'; {hints} hint(s) above' if hints else ''}."
    )
    raise typer.Exit(FAILED if missing else OK)


@app.command()
def predict(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Pictures of digits, folders of them, or *.png."),
    ],
    source: Annotated[
        str, typer.Option(help="What the models learn from: auto, mnist or digits.")
    ] = "auto",
    data_home: DataHome = None,
    rows: Annotated[
        int | None,
        typer.Option(min=_LEAST_ROWS, help="Train on the first rows only, for less waiting."),
    ] = None,
    page: Annotated[
        bool, typer.Option("--page", help="Read all digits of a picture that shows several.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON for other programs, and nothing else.")
    ] = False,
) -> None:
    """Read your own handwriting with the models of the course, which are trained once."""
    from mnist_course_tools.predict import predict as read

    with stoppable(console):
        good = read(
            files,
            console,
            source=source,
            data_home=data_home,
            rows=rows,
            page=page,
            as_json=as_json,
        )
    raise typer.Exit(OK if good else FAILED)


def main() -> NoReturn:
    """Run the command line; errors that the reader can mend end in words, not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A Windows console may not know ✓ or ×; better a question mark than a crash.
        stream.reconfigure(errors="replace")
    try:
        app()
    except CourseError as error:
        if str(error) not in errors.said:  # as a notice, when the package was imported
            screen = Console(stderr=True, highlight=False)
            screen.print(f"Error: {error}", soft_wrap=True, markup=False)
        sys.exit(FAILED)
    sys.exit(OK)


def _start(folder: Path | None, *, solutions: bool = False) -> Path:
    """Put the learner's edition into a folder, say what was done, and return the folder."""
    from mnist_course_tools.start import default_folder, start

    def say(words: str) -> None:
        console.print(words, soft_wrap=True, markup=False)

    done = start((folder or default_folder()).absolute(), solutions=solutions)
    parts = [
        f"{len(names)} notebook(s) {words}"
        for names, words in (
            (done.new, "new"),
            (done.replaced, "brought up to date"),
            (done.kept, "changed by you and kept as they are"),
        )
        if names
    ]
    say(f"Your course is in {done.folder}: {', '.join(parts) or 'all as it was'}.")
    for name, beside in done.beside.items():
        say(f"Note: there is a newer {name}. Yours is kept; the new one is {beside}.")
    return done.folder


def _parameters(settings: list[str] | tuple[str, ...]) -> dict[str, object]:
    import yaml

    parameters = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator:
            raise UsageError(f"{setting!r} sets nothing. Write it as NAME=VALUE.")
        if name in ("source", "profile"):
            raise UsageError(f"Use --{name} {value} for that: all notebooks then know of it.")
        try:
            # As papermill reads its own parameters: 3 is a number, true a truth value.
            parameters[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UsageError(
                f"The value of {name} cannot be read: {value!r}. Write a number, a word, true, "
                f"false, or a list such as [1, 2], in quotes where the shell needs them."
            ) from None
    return parameters


def _check_update(
    source: str, profile: Profile, parameters: dict[str, object], notebooks: Path | None
) -> None:
    if source != "mnist" or profile.train_rows is not None or parameters or notebooks:
        raise UsageError(
            "--update writes outputs that others rely on, so it needs the real data, the profile "
            "full or slow, the course's own notebooks, and no parameters.\n"
            "Try: mnist-course run --source mnist --profile full --update"
        )


def _accelerator() -> str:
    """Start what makes models faster, in a process like a kernel, and name what did start."""
    from mnist_course.acceleration import REMEDY
    from mnist_course_tools.kernel import kernel_environment

    code = "import mnist_course; name = mnist_course.accelerate(); print(); print(name or '')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=kernel_environment(),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    *said, name = done.stdout.split("\n")[:-1] or [""]
    if not name:
        why = " ".join(line for line in said if line) or f"no accelerator starts here. {REMEDY}"
        console.print(f"Note: {why}", soft_wrap=True, markup=False)
    return name


@contextmanager
def _place(
    cluster: str | None, jobs: int | None, profile: Profile, paths: list[Path], out: Path
) -> Iterator[Place]:
    """Yield where notebooks run."""
    if cluster is None:
        from mnist_course_tools.run.runner import ThisMachine

        place = ThisMachine.shared_by(len(paths), profile, wanted=jobs)
        if jobs and place.jobs < min(jobs, len(paths)):
            console.print(
                f"Note: {jobs} jobs were asked for; with {place.jobs} core(s) to use, "
                f"{place.jobs} run at a time."
            )
        yield place
        return
    from mnist_course_tools.run.remote import cluster_place

    out.mkdir(parents=True, exist_ok=True)
    with cluster_place(cluster, [paths[0].parent, out]) as place:
        place.jobs = jobs or place.jobs
        yield place


def _described(found: str, wanted: str) -> str:
    if found == "mnist":
        return "MNIST"
    from mnist_course.data.load import SOURCE_VARIABLE  # with NumPy, which --help does not need

    asked = wanted == "digits" or os.environ.get(SOURCE_VARIABLE) == "digits"
    return f"the embedded digits ({'as asked' if asked else 'MNIST was not at hand'})"


def _tell_failure(outcome: Outcome) -> None:
    if outcome.failure is not None:
        failure = outcome.failure
        console.print(
            f"[red]{outcome.notebook.name}, cell {failure.cell}: {escape(failure.name)}: "
            f"{escape(failure.message)}"
        )
    for record in outcome.disagreeing:
        console.print(
            f"[red]{outcome.notebook.name}: {record.id} is {escape(record.ours)}, "
            f"published {escape(record.published)}: outside its tolerance"
        )
    for claim in outcome.broken:
        console.print(
            f"[red]{outcome.notebook.name}: this does not hold: {escape(claim.sentence)}."
        )


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
