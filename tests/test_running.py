"""The runner: one process for each notebook, watched, measured, stopped cleanly."""

from __future__ import annotations

import asyncio
import os
import queue
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from typer.testing import CliRunner

import mnist_course
from mnist_course.errors import CourseError
from mnist_course.profiles import get_profile
from mnist_course.report import Record
from mnist_course_tools import cli
from mnist_course_tools.ledger import ledger_problems
from mnist_course_tools.notebooks import find_notebooks, read_notebook
from mnist_course_tools.run import worker
from mnist_course_tools.run.job import Outcome, _follow
from mnist_course_tools.run.pages import agreement
from mnist_course_tools.run.runner import Runner, ThisMachine
from tests.support.disks import small_disk
from tests.support.notebooks import spoil_start_up, write_notebook
from tests.support.processes import alive, course, start_course, wait_for

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


def test_what_the_command_says_wins_over_what_a_reader_wrote_into_the_notebook(tmp_path):
    changed = 'source = "mnist"\nprofile = "full"\nseed = 42'
    notebook = write_notebook(
        tmp_path / "01_changed.ipynb", "print(source, profile)", parameters=changed
    )
    (outcome,) = _run(tmp_path, notebook)
    assert _texts(outcome.output) == ["digits quick\n"]


def test_cells_are_counted_as_the_notebook_has_them(tmp_path):
    notebook = write_notebook(tmp_path / "01_p.ipynb", "x = 1", "x / 0")
    seen = []
    (outcome,) = _run(
        tmp_path,
        notebook,
        parameters={"seed": 7},
        watch=lambda path, cell, cells: seen.append((cell, cells)),
    )
    assert outcome.failure.cell == 4
    assert seen[-1] == (4, 4)


@pytest.mark.parametrize("line", ["5", "null", "[1]", '{"a": 1}', '{"event": "cell"}', "{"])
def test_what_others_write_to_the_channel_is_not_taken_for_an_event(tmp_path, line):
    said = []
    talker = f'print({line!r}); print(\'{{"event": "cell", "cell": 3}}\')'
    process = subprocess.Popen(
        [sys.executable, "-c", talker], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert _follow(process, said.append) == (None, "")
    assert said == [3]


def test_what_a_kernel_writes_to_its_own_standard_output_stays_out_of_the_channel(tmp_path):
    # Written past IPython, as a library in C would do it.
    event = b'{"event": "failed", "cell": 1, "name": "Lie", "message": "never happened"}\n'
    notebook = write_notebook(
        tmp_path / "01_noise.ipynb", f"import os\nos.write(os.dup(1), {event!r})\nprint('fine')"
    )
    (outcome,) = _run(tmp_path, notebook)
    assert outcome.ok


def test_a_notebook_saved_with_a_kernel_of_another_name_runs_with_this_python(tmp_path):
    notebook = write_notebook(tmp_path / "01_other.ipynb", "import sys; print(sys.prefix)")
    text = notebook.read_text(encoding="utf-8")
    notebook.write_text(text.replace('"python3"', '"my-env"'), encoding="utf-8")
    (outcome,) = _run(tmp_path, notebook)
    assert outcome.ok and _texts(outcome.output) == [f"{sys.prefix}\n"]


def test_a_disk_too_full_for_the_output_is_named(tmp_path):
    notebook = write_notebook(tmp_path / "01_big.ipynb", "print('x' * 200_000)")
    with small_disk(tmp_path / "out", kilobytes=60):
        (outcome,) = _run(tmp_path, notebook)
    assert outcome.failure.name == "The disk is full"
    assert "--out" in outcome.failure.message


def test_a_folder_that_cannot_take_a_run_is_refused_in_words(tmp_path):
    notebook = write_notebook(tmp_path / "01_a.ipynb", "print('x')")
    before = notebook.read_bytes()
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    for out, words in (
        (file, "cannot write into"),
        (file / "below", "cannot write into"),
        (tmp_path, "holds the notebooks themselves"),
    ):
        with pytest.raises(CourseError, match=words):
            Runner(get_profile("quick"), "digits", out).run([notebook])
    assert notebook.read_bytes() == before
    assert file.read_text(encoding="utf-8") == "mine"


def test_two_runs_do_not_share_a_folder(tmp_path):
    started = tmp_path / "started"
    slow = write_notebook(
        tmp_path / "notebooks" / "01_slow.ipynb",
        f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(600)",
    )
    where = ("--notebooks", str(slow.parent), "--out", str(tmp_path / "out"), "--source", "digits")
    first = start_course("run", *where)
    wait_for(started.exists, "the first run")
    second = course("run", *where)
    assert second.returncode == 1
    assert "Another run is writing into" in second.stdout
    assert "Traceback" not in second.stdout
    assert first.poll() is None
    first.terminate()
    first.communicate(timeout=30)


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


def test_a_message_that_nobody_announces_is_found_all_the_same():
    class Deaf:
        """A socket whose message lies there, and which is told so only by asking anew."""

        asked = 0

        async def poll(self, milliseconds):
            assert milliseconds <= 1000, "it would wait for a wake-up that never comes"
            self.asked += 1
            return self.asked > 2

    class Channel:
        socket = Deaf()

        async def _recv(self):
            return {"content": "here"}

    assert asyncio.run(worker._get_message(Channel(), timeout=300)) == {"content": "here"}
    Channel.socket.asked = -1000
    with pytest.raises(queue.Empty):
        asyncio.run(worker._get_message(Channel(), timeout=0))


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


@pytest.mark.skipif(
    sys.platform == "darwin", reason="macOS keeps no mark of a process's highest memory"
)
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


@pytest.mark.parametrize(
    ("cores", "gigabytes", "notebooks", "wanted", "jobs"),
    [
        (2, 24, 8, None, 2),
        (8, 24, 8, None, 8),
        (8, 3.5, 8, None, 3),  # the quick profile may need 1 GB for each
        (8, 0.5, 8, None, 1),
        (8, 24, 1, None, 1),
        (2, 24, 8, 40, 2),
        (8, 24, 8, 2, 2),
    ],
)
def test_as_many_run_at_a_time_as_cores_and_memory_allow(
    monkeypatch, cores, gigabytes, notebooks, wanted, jobs
):
    runner = "mnist_course_tools.run.runner"
    monkeypatch.setattr(f"{runner}.owned_cores", lambda: cores)
    monkeypatch.setattr(f"{runner}.owned_memory", lambda: int(gigabytes * 1e9))
    place = ThisMachine.shared_by(notebooks, get_profile("quick"), wanted=wanted)
    assert place == ThisMachine(jobs)


def test_a_kernel_has_one_thread_however_many_run_at_a_time(tmp_path):
    notebook = write_notebook(
        tmp_path / "01_threads.ipynb",
        "import numpy, threadpoolctl\n"
        "pools = threadpoolctl.threadpool_info()\n"
        # macOS: NumPy may bring Accelerate, which threadpoolctl does not see
        "print(max([pool['num_threads'] for pool in pools], default=1))",
    )
    (outcome,) = _run(tmp_path, notebook, place=ThisMachine(jobs=1))
    assert _texts(outcome.output) == ["1\n"]


def test_notebooks_really_run_side_by_side(tmp_path):
    meet = (
        "import pathlib, time\n"
        "pathlib.Path('{0}').touch()\n"
        "until = time.monotonic() + 60\n"
        "while not pathlib.Path('{1}').exists():\n"
        "    assert time.monotonic() < until, 'the other one did not start'\n"
        "    time.sleep(0.05)"
    )
    first = write_notebook(tmp_path / "01_a.ipynb", meet.format("a", "b"))
    second = write_notebook(tmp_path / "02_b.ipynb", meet.format("b", "a"))
    outcomes = _run(tmp_path, first, second, place=ThisMachine(jobs=2))
    assert all(outcome.ok for outcome in outcomes)


def test_the_reader_s_own_start_up_files_are_left_out(tmp_path, monkeypatch):
    spoil_start_up(monkeypatch, tmp_path / "home", "seed = 'spoiled'; surprise = 1")
    notebook = write_notebook(tmp_path / "01_clean.ipynb", "print('surprise' in globals())")
    (outcome,) = _run(tmp_path, notebook)
    assert outcome.ok, outcome.failure
    assert _texts(outcome.output) == ["False\n"]


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
    command = start_course(
        *("run", "--source", "digits"),
        *("--notebooks", str(tmp_path / "notebooks"), "--out", str(tmp_path / "out")),
    )
    wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2, "the notebook")
    started = [int(pid) for pid in pids.read_text().split()]
    command.send_signal(sign)
    output, _ = command.communicate(timeout=30)
    assert command.returncode == 130
    assert "Traceback" not in output
    assert "Stopped." in output
    wait_for(lambda: not any(alive(pid) for pid in started), "the kernel and its child to end", 10)


def test_the_command_prints_a_table_and_ends_with_status_1_if_a_notebook_fails(tmp_path):
    folder = tmp_path / "notebooks"
    write_notebook(folder / "01_good.ipynb", "x = 1")
    where = ("--notebooks", str(folder), "--out", str(tmp_path / "out"), "--source", "digits")
    good = course("run", *where)
    assert good.returncode == 0, good.stdout
    assert "01_good" in good.stdout and "peak memory" in good.stdout
    assert str(tmp_path / "out" / "index.html") in good.stdout
    write_notebook(folder / "02_bad.ipynb", "raise RuntimeError('[bold]not[/bold] today')")
    bad = course("run", *where)
    assert bad.returncode == 1
    assert "02_bad.ipynb, cell 3: RuntimeError: [bold]not[/bold] today" in bad.stdout
    only = course("run", "1", *where)
    assert only.returncode == 0 and "02_bad" not in only.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--profile", "fast"], "no profile 'fast'"),
        (["run", "--source", "cifar"], "no source 'cifar'"),
        (["run", "77"], "no notebook '77'"),
        (["run", "-p", "seed"], "NAME=VALUE"),
        (["run", "-p", "seed=[1"], "The value of seed cannot be read: '[1'"),
        (["run", "-p", "profile=full"], "Use --profile full"),
        (["run", "--source", "digits", "--update"], "needs the real data"),
        (["run", "--source", "digits", "-p", "depth=3"], "no parameter 'depth'"),
    ],
)
def test_a_mistake_on_the_command_line_ends_in_words(tmp_path, arguments, words):
    folder = tmp_path / "notebooks"
    write_notebook(folder / "01_good.ipynb", "x = 1")
    done = course(*arguments, "--notebooks", str(folder), "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert words in done.stdout
    assert "Traceback" not in done.stdout


def test_the_command_tells_its_version():
    done = course("--version")
    assert (done.returncode, done.stdout.strip()) == (0, f"mnist-course {mnist_course.__version__}")


def test_a_notebook_with_git_s_conflict_markers_is_named_as_that(tmp_path):
    path = write_notebook(tmp_path / "notebooks" / "02_mine.ipynb", "x = 1")
    text = path.read_text(encoding="utf-8")
    half = len(text) // 2
    path.write_text(
        f"{text[:half]}\n<<<<<<< HEAD\n 1\n=======\n 2\n>>>>>>> theirs\n{text[half:]}",
        encoding="utf-8",
    )
    done = course("run", "--source", "digits", "--notebooks", str(path.parent), cwd=tmp_path)
    assert done.returncode == 1
    assert "02_mine.ipynb holds two versions at once: git could not merge" in done.stdout
    mine = Path("notebooks", path.name)
    assert f"git checkout --theirs {mine}" in done.stdout and "Traceback" not in done.stdout
    path.write_text(text[:half], encoding="utf-8")
    with pytest.raises(CourseError, match=r"02_mine\.ipynb is not a notebook, or a damaged one"):
        read_notebook(path)


def test_a_damaged_notebook_is_named_by_verify_too(tmp_path):
    path = write_notebook(tmp_path / "01_mine.ipynb", "x = 1")
    path.write_text("<<<<<<< HEAD\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(CourseError, match=r"01_mine\.ipynb holds two versions at once"):
        ledger_problems([path], tmp_path / "ledger.csv")


def test_a_wrong_number_of_cores_is_one_line(tmp_path):
    write_notebook(tmp_path / "notebooks" / "01_a.ipynb", "x = 1")
    done = course(
        *("run", "--source", "digits", "--notebooks", str(tmp_path / "notebooks")),
        *("--out", str(tmp_path / "out")),
        MNIST_COURSE_CORES="abc",
    )
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1
    assert "MNIST_COURSE_CORES is 'abc'" in done.stdout


def _updating(monkeypatch, tmp_path, code):
    """Run --update in this process, on a notebook and a ledger of its own; return both."""
    notebook = write_notebook(tmp_path / "notebooks" / "01_number.ipynb", code)
    results = tmp_path / "results"
    monkeypatch.setattr("mnist_course_tools.notebooks.course_folder", lambda: tmp_path)
    monkeypatch.setattr("mnist_course.report.RESULTS", results)
    monkeypatch.setattr("mnist_course.data.load_mnist", lambda _: SimpleNamespace(source="mnist"))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.app, ["run", "--profile", "full", "--update"])
    return done, notebook, results / "ledger.csv"


_REPORT = (
    "from mnist_course import reporter\nreporter('mnist', 'full')('variance100.features', 522)"
)


def test_update_writes_outputs_and_ledger(tmp_path, monkeypatch):
    done, notebook, ledger = _updating(monkeypatch, tmp_path, _REPORT)
    assert done.exit_code == 0, done.output
    assert "ours 522" in read_notebook(notebook).cells[-1].outputs[0].data["text/plain"]
    assert "variance100.features,522,522,True,full" in ledger.read_text(encoding="utf-8")


def test_a_report_that_cannot_be_made_costs_no_outputs(tmp_path, monkeypatch):
    def no_pages(*arguments, **options):
        raise CourseError("no pages today")

    monkeypatch.setattr("mnist_course_tools.run.pages.write_pages", no_pages)
    done, notebook, ledger = _updating(monkeypatch, tmp_path, _REPORT)
    assert "no pages today" in str(done.exception)
    assert "ours 522" in read_notebook(notebook).cells[-1].outputs[0].data["text/plain"]
    assert ledger.exists()


def test_a_kernel_has_not_loaded_numpy_when_a_notebook_begins(tmp_path):
    # The limit on threads that `import mnist_course` sets has an effect only before that.
    notebook = write_notebook(
        tmp_path / "01_first.ipynb", "import sys; print('numpy' in sys.modules)"
    )
    (outcome,) = _run(tmp_path, notebook)
    assert _texts(outcome.output) == ["False\n"]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere lab starts a child process instead")
def test_lab_opens_jupyterlab_with_threads_that_fit(tmp_path, monkeypatch):
    became = []
    monkeypatch.setattr(os, "execve", lambda *call: became.append(call))
    monkeypatch.setenv("MNIST_COURSE_DATA", "relative")
    monkeypatch.delenv("OPENBLAS_THREAD_TIMEOUT", raising=False)
    done = CliRunner().invoke(cli.app, ["lab", str(tmp_path)])
    (program, command, environment), *_ = became
    assert (program, command[1:]) == (sys.executable, ["-m", "jupyterlab", str(tmp_path)]), done
    assert environment["OPENBLAS_THREAD_TIMEOUT"] == "16"
    assert Path(environment["MNIST_COURSE_DATA"]).is_absolute()


def test_verify_without_the_real_data_says_so_and_fails(tmp_path):
    folder = tmp_path / "notebooks"
    write_notebook(folder / "01_good.ipynb", "x = 1")
    done = course(
        "verify",
        "--notebooks",
        str(folder),
        MNIST_COURSE_DATA="",
        MNIST_COURSE_CACHE=str(tmp_path / "cache"),
        MNIST_COURSE_MIRROR="http://127.0.0.1:9/",
    )
    assert done.returncode == 1
    assert "Nothing was verified" in done.stdout
    assert "MNIST_COURSE_DATA" in done.stdout


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "none"),
        ([(True, "full")], "1 of 1"),
        ([(True, "full"), (False, "full")], "1 of 2"),
        ([(True, "full"), (True, "slow")], "2 of 2 (1 recorded)"),
        ([(None, "full")], "1 not compared"),
        ([(True, "slow"), (None, "full")], "1 of 1 (1 recorded), 1 not compared"),
    ],
)
def test_the_table_says_how_many_numbers_agree_and_which_of_them_are_recorded(records, words):
    rows = tuple(Record("a", "1", "1", agrees, profile, "mnist") for agrees, profile in records)
    outcome = Outcome(Path("1.ipynb"), Path("1.ipynb"), "?", "full", 1.0, 1, rows)
    assert agreement(outcome) == words
