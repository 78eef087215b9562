"""The command `mnist-course`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from mnist_course.errors import CourseError, DataError

if TYPE_CHECKING:
    from mnist_course_tools.run.runner import Place

OK, FAILED, INTERRUPTED = 0, 1, 130

app = typer.Typer(
    help="Run, check and look after the course 'Classical machine learning on MNIST'.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
console = Console(highlight=False)

Chosen = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NN ...]", help="Numbers of chapters, such as 1 04; all without any."),
]
NotebooksFolder = Annotated[
    Path | None, typer.Option("--notebooks", help="Folder of the notebooks, if not the course's.")
]
DataHome = Annotated[str | None, typer.Option("--data-home", help="Folder of the data cache.")]


@app.callback()
def _prepare() -> None:
    from mnist_course.data.load import FOLDER_VARIABLE, named_folder

    # Kernels start in the notebooks' folder, where a relative path would mean another place.
    if folder := named_folder():
        os.environ[FOLDER_VARIABLE] = str(folder)


@app.command()
def run(
    chosen: Chosen = None,
    profile: Annotated[
        str | None, typer.Option(help="quick, full or published; $MNIST_COURSE_PROFILE or quick.")
    ] = None,
    source: Annotated[str, typer.Option(help="auto, mnist or digits.")] = "auto",
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Notebooks at a time; 1, or with --cluster one for each worker."),
    ] = None,
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
        typer.Option("--update", help="Write the outputs back: notebooks and results/ledger.csv."),
    ] = False,
    notebooks: NotebooksFolder = None,
) -> None:
    """Run notebooks, show progress, then a table and where the report lies."""
    from mnist_course.data import load_mnist
    from mnist_course.profiles import get_profile
    from mnist_course_tools.run import screen
    from mnist_course_tools.notebooks import find_notebooks
    from mnist_course_tools.run.pages import write_report
    from mnist_course_tools.run.runner import Runner
    from mnist_course_tools.run.update import write_back

    chosen_profile = get_profile(profile)
    folder, results = _folders(notebooks)
    paths = find_notebooks(folder, chosen or ())
    parameters = _parameters(parameter or ())
    # Found out once, here: otherwise each notebook would look for the network again.
    source = load_mnist(source).source
    if update and (source != "mnist" or chosen_profile.train_rows is not None or parameters):
        raise CourseError(
            "--update writes outputs that others rely on, so it needs the real data, the profile "
            "full or published, and no parameters.\nTry: mnist-course run --source mnist "
            "--profile full --update"
        )
    # A service manager or CI stops a process with SIGTERM: end in the same orderly way.
    signal.signal(signal.SIGTERM, _interrupt)
    faster = _accelerator(accelerate)
    try:
        with _place(cluster, jobs, [folder, out]) as (place, at_a_time, where):
            runner = Runner(chosen_profile, source, out, at_a_time, parameters, bool(faster), place)
            if runner.jobs < at_a_time:
                console.print(
                    f"Note: {at_a_time} jobs were asked for; with {runner.jobs} core(s) to use, "
                    f"{runner.jobs} run at a time."
                )
            with screen.progress(console, paths) as runner.watch:
                outcomes = runner.run(paths)
    except KeyboardInterrupt:
        console.print("Stopped. Everything that was started has ended.")
        raise typer.Exit(INTERRUPTED) from None
    where = where or f"{runner.jobs} at a time with {runner.threads} thread(s) each"
    summary = f"Profile {chosen_profile.name} on {_described(source)}; {where}"
    summary += f"; accelerated by {faster}." if faster else "."
    report = write_report(outcomes, out, summary=summary)
    console.print(screen.table(outcomes))
    console.print(summary)
    if update:
        write_back(outcomes, results, notebooks=chosen_profile.name == "full")
    for outcome in outcomes:
        _tell_failure(outcome)
    console.print(f"Report: {report}", soft_wrap=True)
    raise typer.Exit(OK if all(outcome.ok for outcome in outcomes) else FAILED)


@app.command()
def fetch(
    source: Annotated[str, typer.Option(help="mnist or digits.")] = "mnist",
    data_home: DataHome = None,
) -> None:
    """Get the data into the cache and check them."""
    from mnist_course.data import load_mnist, store

    data = load_mnist(source, data_home=data_home)
    where = f" in {store.cache_folder(data_home)}" if data.source == "mnist" else ""
    console.print(f"{data} ready{where}, checked.", soft_wrap=True)


@app.command()
def verify(chosen: Chosen = None, notebooks: NotebooksFolder = None) -> None:
    """Re-run committed notebooks on MNIST and compare every output with the stored one."""
    from mnist_course_tools.check.verify import check_ledger
    from mnist_course_tools.check.verify import verify as verify_notebooks
    from mnist_course.data import load_mnist
    from mnist_course.machine import owned_cores, thread_environment
    from mnist_course_tools.notebooks import find_notebooks

    folder, results = _folders(notebooks)
    paths = find_notebooks(folder, chosen or ())
    try:
        load_mnist("mnist")
    except DataError as error:
        raise DataError(
            f"Nothing was verified: committed outputs come from the real MNIST.\n{error}"
        ) from None
    status = check_ledger(paths, results / "ledger.csv")
    status = verify_notebooks(paths, environment=thread_environment(owned_cores())) or status
    words = "agree with a fresh run" if status == OK else "were NOT verified"
    console.print(f"{len(paths)} notebook(s) {words}.")
    raise typer.Exit(status)


@app.command()
def doctor(data_home: DataHome = None) -> None:
    """Show versions, cores, memory and data, and the command that mends what is missing."""
    from rich.markup import escape
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


def main() -> NoReturn:
    """Run the command line; errors that the reader can mend end in words, not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A Windows console may not know ✓ or ×; better a question mark than a crash.
        stream.reconfigure(errors="replace")
    try:
        app()
    except (CourseError, ValueError) as error:
        Console(stderr=True, highlight=False).print(f"Error: {error}", soft_wrap=True, markup=False)
        sys.exit(FAILED)
    sys.exit(OK)


def _folders(notebooks: Path | None) -> tuple[Path, Path]:
    """Return the folder of the notebooks and that of the results."""
    from mnist_course_tools.notebooks import project_folder

    folder = (notebooks or project_folder() / "notebooks").absolute()
    return folder, folder.parent / "results"


def _parameters(settings: list[str] | tuple[str, ...]) -> dict[str, object]:
    import yaml

    parameters = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator:
            raise CourseError(f"{setting!r} sets nothing. Write it as NAME=VALUE.")
        if name in ("source", "profile"):
            raise CourseError(f"Use --{name} {value} for that: all notebooks then know of it.")
        # As papermill reads its own parameters: 3 is a number, true a truth value.
        parameters[name] = yaml.safe_load(value)
    return parameters


def _accelerator(wanted: bool) -> str:
    """Name what will make models faster, and say plainly if nothing will."""
    if not wanted:
        return ""
    from mnist_course.acceleration import REMEDY, available

    name = available()
    if not name:
        console.print(f"Note: not accelerated, because no accelerator is installed. {REMEDY}")
    return name


@contextmanager
def _place(
    cluster: str | None, jobs: int | None, folders: list[Path]
) -> Iterator[tuple[Place, int, str]]:
    """Yield where notebooks run, how many at a time, and that place in words."""
    if cluster is None:
        from mnist_course_tools.run.job import run_job

        yield run_job, jobs or 1, ""
        return
    from mnist_course_tools.run.remote import cluster_place

    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    with cluster_place(cluster, folders) as place:
        workers = len(place.workers)
        yield place, jobs or workers, f"on {workers} worker(s) of the cluster at {cluster}"


def _described(source: str) -> str:
    return {"mnist": "MNIST", "digits": "the embedded digits (MNIST was not at hand)"}[source]


def _tell_failure(outcome) -> None:
    from rich.markup import escape

    if outcome.failure is not None:
        failure = outcome.failure
        console.print(
            f"[red]{outcome.notebook.name}, cell {failure.cell}: {escape(failure.name)}: "
            f"{escape(failure.message)}"
        )
    for record in outcome.disagreeing:
        console.print(
            f"[red]{outcome.notebook.name}: {record.id} is {record.ours}, "
            f"published {record.published}: outside its tolerance"
        )


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
