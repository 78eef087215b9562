"""The runner: one process for each notebook, watched, measured, stopped cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import psutil
import pytest

from mnist_course.errors import CourseError
from mnist_course.report import Record
from mnist_course.machine import owned_cores
from mnist_course.profiles import get_profile
from mnist_course_tools.run.job import Outcome
from mnist_course_tools.notebooks import find_notebooks
from mnist_course_tools.run.pages import agreement, formulas_as_mathml, write_report
from mnist_course_tools.run.runner import Runner
from tests.support.notebooks import write_notebook

MEGABYTE = 1_000_000


def _run(tmp_path: Path, *notebooks: Path, **options):
    runner = Runner(get_profile("quick"), "digits", tmp_path / "out", **options)
    return runner.run(notebooks)


def _texts(path: Path) -> list[str]:
    notebook = nbformat.read(path, as_version=4)
    return [output["text"] for cell in notebook.cells for output in cell.get("outputs", ())]


def test_a_notebook_runs_with_the_profile_and_source_of_the_run(tmp_path):
    notebook = write_notebook(
        tmp_path / "01_good.ipynb",
        'import os; print(os.environ["MNIST_COURSE_PROFILE"], os.environ["MNIST_COURSE_SOURCE"])',
    )
    (outcome,) = _run(tmp_path, notebook)
    assert outcome.ok
    assert outcome.title == "Tiny?"
    assert _texts(outcome.output) == ["quick digits\n"]


def test_a_failing_notebook_is_named_with_cell_and_error_and_the_others_go_on(tmp_path):
    bad = write_notebook(tmp_path / "01_bad.ipynb", "x = 1", "x / 0")
    good = write_notebook(tmp_path / "02_good.ipynb", "print('fine')")
    first, second = _run(tmp_path, bad, good)
    assert (first.failure.cell, first.failure.name) == (4, "ZeroDivisionError")
    assert first.failure.message == "division by zero"
    assert "x / 0" in first.failure.traceback
    assert second.ok


def test_a_number_outside_its_tolerance_fails_the_run(tmp_path):
    code = (
        "from mnist_course import reporter\nreporter('mnist', 'full')('variance100.features', {})"
    )
    right = write_notebook(tmp_path / "01_right.ipynb", code.format(522))
    wrong = write_notebook(tmp_path / "02_wrong.ipynb", code.format(521))
    first, second = _run(tmp_path, right, wrong)
    assert first.ok and [record.ours for record in first.records] == ["522"]
    assert second.failure is None and not second.ok
    assert [record.id for record in second.disagreeing] == ["variance100.features"]


def test_a_parameter_reaches_the_notebook(tmp_path):
    notebook = write_notebook(tmp_path / "01_p.ipynb", "print(seed + 1)")
    (outcome,) = _run(tmp_path, notebook, parameters={"seed": 7})
    assert _texts(outcome.output) == ["8\n"]


def test_an_unknown_parameter_is_an_error_before_anything_runs(tmp_path):
    notebook = write_notebook(tmp_path / "01_p.ipynb", "print(seed)")
    with pytest.raises(CourseError, match=r"no parameter 'sede'.*source, profile, seed"):
        _run(tmp_path, notebook, parameters={"sede": 7})
    assert not (tmp_path / "out").exists()


def test_a_notebook_without_a_parameters_cell_is_an_error(tmp_path):
    notebook = write_notebook(tmp_path / "01_p.ipynb", "print(1)", parameters=None)
    with pytest.raises(CourseError, match="no cell tagged 'parameters'"):
        _run(tmp_path, notebook)


def test_a_kernel_that_dies_is_reported_as_such(tmp_path):
    notebook = write_notebook(tmp_path / "01_dies.ipynb", "import os; os._exit(9)")
    (outcome,) = _run(tmp_path, notebook)
    assert outcome.failure.cell == 3
    assert outcome.failure.name == "Kernel died"


def test_a_cell_that_hangs_is_stopped(tmp_path):
    notebook = write_notebook(tmp_path / "01_hangs.ipynb", "import time; time.sleep(600)")
    impatient = replace(get_profile("quick"), cell_timeout=2)
    (outcome,) = Runner(impatient, "digits", tmp_path / "out").run([notebook])
    assert (outcome.failure.cell, outcome.failure.name) == (3, "Timeout")


def test_peak_memory_counts_a_short_spike_of_the_kernel(tmp_path):
    spike = "x = bytearray(400_000_000); del x"
    quiet = write_notebook(tmp_path / "01_quiet.ipynb", "x = 1")
    loud = write_notebook(tmp_path / "02_loud.ipynb", spike, "import time; time.sleep(0.5)")
    low, high = _run(tmp_path, quiet, loud)
    assert 20 * MEGABYTE < low.peak_bytes < 300 * MEGABYTE
    assert high.peak_bytes - low.peak_bytes > 380 * MEGABYTE


def test_peak_memory_counts_the_processes_a_kernel_starts(tmp_path):
    child = "import time; x = bytearray(200_000_000); time.sleep(2)"
    notebook = write_notebook(
        tmp_path / "01_children.ipynb",
        "import subprocess, sys\n"
        f"children = [subprocess.Popen([sys.executable, '-c', {child!r}]) for _ in range(2)]\n"
        "print([c.wait() for c in children])",
    )
    (outcome,) = _run(tmp_path, notebook)
    assert outcome.peak_bytes > 400 * MEGABYTE


def test_jobs_times_threads_never_exceeds_the_cores(tmp_path, monkeypatch):
    for cores in (1, 2, 3, 8):
        monkeypatch.setattr("mnist_course_tools.run.runner.owned_cores", lambda cores=cores: cores)
        for jobs in (1, 2, 3, 40):
            runner = Runner(get_profile("quick"), "digits", tmp_path, jobs)
            assert 1 <= runner.jobs * runner.threads <= cores
    monkeypatch.undo()
    runner = Runner(get_profile("quick"), "digits", tmp_path / "out", jobs=40)
    notebook = write_notebook(
        tmp_path / "01_threads.ipynb",
        "import numpy, threadpoolctl\n"
        "print(max(pool['num_threads'] for pool in threadpoolctl.threadpool_info()))",
    )
    (outcome,) = runner.run([notebook])
    assert int(_texts(outcome.output)[0]) * runner.jobs <= owned_cores()


def test_the_reader_s_own_start_up_files_are_left_out(tmp_path, monkeypatch):
    startup = tmp_path / "home" / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("seed = 'spoiled'; surprise = 1", encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    notebook = write_notebook(tmp_path / "01_clean.ipynb", "print('surprise' in globals())")
    (outcome,) = _run(tmp_path, notebook)
    assert _texts(outcome.output) == ["False\n"]


def test_the_report_shows_every_notebook_and_loads_nothing_from_elsewhere(tmp_path):
    notebooks = [
        write_notebook(
            tmp_path / "01_right.ipynb",
            "import mnist_course",
            "mnist_course.reporter('mnist', 'full')('variance100.features', 522)",
            title="Is it <right>?",
        ),
        write_notebook(tmp_path / "02_bad.ipynb", "raise ValueError('<b>no</b>')"),
    ]
    outcomes = _run(tmp_path, *notebooks)
    index = write_report(outcomes, tmp_path / "out", summary="Two notebooks.")
    text = index.read_text(encoding="utf-8")
    assert '<a href="01_right.html">Is it &lt;right&gt;?</a>' in text
    assert "1 of 1" in text
    assert "02_bad.ipynb, cell 3: ValueError" in text
    assert "<b>no</b>" not in text
    page = (tmp_path / "out" / "01_right.html").read_text(encoding="utf-8")
    assert "pixels kept" in page
    for reach in ("<script", "<link ", "<iframe", "@import", "url(http", "url('http", 'src="http'):
        assert reach not in page


def test_formulas_become_mathml_and_code_stays_code():
    text = formulas_as_mathml(
        r"<p>$a &lt; \sigma(b)$ costs $5 or $6, <code>$x$</code></p><p>$$\frac{1}{2}$$</p>"
    )
    assert text.count("<math") == 2
    assert "<mo>&#x0003C;</mo>" in text and "&#x003C3;" in text and "<mfrac>" in text
    assert "costs $5 or $6, <code>$x$</code>" in text


def test_notebooks_are_found_by_number_and_by_name(tmp_path):
    for name in ("02_b.ipynb", "01_a.ipynb", "draft.ipynb"):
        write_notebook(tmp_path / name)
    names = [path.stem for path in find_notebooks(tmp_path)]
    assert names == ["01_a", "02_b"]
    for wish in ("2", "02", "02_b", "02_b.ipynb"):
        assert [path.stem for path in find_notebooks(tmp_path, [wish])] == ["02_b"]
    with pytest.raises(CourseError, match=r"no notebook '3'\. There are: 01_a, 02_b"):
        find_notebooks(tmp_path, ["3"])
    with pytest.raises(CourseError, match="holds no numbered notebook"):
        find_notebooks(tmp_path / "empty")


def _wait_for(condition, what: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds} s for {what}"
        time.sleep(0.1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_everything_that_was_started(tmp_path, sign):
    pids = tmp_path / "pids"
    write_notebook(
        tmp_path / "notebooks" / "01_sleeps.ipynb",
        "import os, pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(pids)!r}).write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(600)",
    )
    command = subprocess.Popen(
        [
            *(sys.executable, "-m", "mnist_course_tools.cli", "run", "--source", "digits"),
            *("--notebooks", str(tmp_path / "notebooks"), "--out", str(tmp_path / "out")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    _wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2, "the notebook")
    started = [int(pid) for pid in pids.read_text().split()]
    command.send_signal(sign)
    output, _ = command.communicate(timeout=30)
    assert command.returncode == 130
    assert "Traceback" not in output
    assert "Stopped." in output
    _wait_for(
        lambda: not any(_alive(pid) for pid in started), "the kernel and its child to end", 10
    )


def _alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def _command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mnist_course_tools.cli", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "120", "PYTHONUTF8": "1", **environment},
    )


def test_the_command_prints_a_table_and_ends_with_status_1_if_a_notebook_fails(tmp_path):
    folder = tmp_path / "notebooks"
    write_notebook(folder / "01_good.ipynb", "x = 1")
    where = ("--notebooks", str(folder), "--out", str(tmp_path / "out"), "--source", "digits")
    good = _command("run", *where)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "01_good" in good.stdout and "peak memory" in good.stdout
    assert str(tmp_path / "out" / "index.html") in good.stdout
    write_notebook(folder / "02_bad.ipynb", "raise RuntimeError('[bold]not[/bold] today')")
    bad = _command("run", *where)
    assert bad.returncode == 1
    assert "02_bad.ipynb, cell 3: RuntimeError: [bold]not[/bold] today" in bad.stdout
    only = _command("run", "1", *where)
    assert only.returncode == 0 and "02_bad" not in only.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--profile", "fast"], "no profile 'fast'"),
        (["run", "--source", "cifar"], "no source 'cifar'"),
        (["run", "77"], "no notebook '77'"),
        (["run", "-p", "seed"], "NAME=VALUE"),
        (["run", "-p", "profile=full"], "Use --profile full"),
        (["run", "--source", "digits", "--update"], "needs the real data"),
        (["run", "--source", "digits", "-p", "depth=3"], "no parameter 'depth'"),
    ],
)
def test_a_mistake_on_the_command_line_ends_in_words(tmp_path, arguments, words):
    folder = tmp_path / "notebooks"
    write_notebook(folder / "01_good.ipynb", "x = 1")
    done = _command(*arguments, "--notebooks", str(folder), "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_verify_without_the_real_data_says_so_and_fails(tmp_path):
    folder = tmp_path / "notebooks"
    write_notebook(folder / "01_good.ipynb", "x = 1")
    done = _command(
        "verify",
        "--notebooks",
        str(folder),
        MNIST_COURSE_DATA="",
        MNIST_COURSE_CACHE=str(tmp_path / "cache"),
        MNIST_COURSE_MIRROR="http://127.0.0.1:9/",
        SCIKIT_LEARN_DATA=str(tmp_path / "sklearn"),
        # No name is resolved through this: OpenML cannot be reached, network or not.
        https_proxy="http://127.0.0.1:9/",
    )
    assert done.returncode == 1
    assert "Nothing was verified" in done.stderr
    assert "MNIST_COURSE_DATA" in done.stderr


def test_the_doctor_names_what_is_missing_and_the_command_that_mends_it(tmp_path):
    empty = {"MNIST_COURSE_DATA": "", "MNIST_COURSE_CACHE": str(tmp_path / "cache")}
    done = _command("doctor", **empty)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("scikit-learn", "cores", "threads", "memory", "mnist-course fetch"):
        assert words in done.stdout
    empty["MNIST_COURSE_DATA"] = str(tmp_path)
    done = _command("doctor", **empty)
    assert "lacks" in done.stdout
    assert "hint(s) above" in done.stdout


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "none"),
        ([(True, "full")], "1 of 1"),
        ([(True, "full"), (False, "full")], "1 of 2"),
        ([(True, "full"), (True, "published")], "2 of 2 (1 recorded)"),
        ([(None, "full")], "1 not compared"),
        ([(True, "published"), (None, "full")], "1 of 1 (1 recorded), 1 not compared"),
    ],
)
def test_the_table_says_how_many_numbers_agree_and_which_of_them_are_recorded(records, words):
    rows = tuple(Record("a", "1", "1", agrees, profile, "mnist") for agrees, profile in records)
    outcome = Outcome(Path("1.ipynb"), Path("1.ipynb"), "?", "full", 1.0, 1, rows)
    assert agreement(outcome) == words
