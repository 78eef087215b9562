"""The real nbval, in a process of its own, on tiny notebooks with one defect each."""

import subprocess
from copy import deepcopy
from xml.etree import ElementTree

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import v4

from mnist_course_tools.check import nbval_plugin
from mnist_course_tools.check.verify import (
    nbval_command,
    nbval_environment,
    run_nbval,
    verify,
)
from tests.support.notebooks import spoil_start_up

COUNT, SCORE, FIGURE, SILENT, STDERR, ADDRESS, CONTROL, VARIABLES = range(8)

FIGURE_SOURCE = """\
from IPython.display import display
pixel = b"\\x89PNG"
display({"image/png": pixel.hex(), "text/plain": "<Figure>"}, raw=True,
        metadata={"image/png": {"alt": "One black pixel on white"}})"""
CONTROL_SOURCE = """\
import ipywidgets
ipywidgets.interactive(lambda threshold: print("kept", threshold), threshold=100)"""
SOURCES = {
    COUNT: "print(60_000, 'rows')",
    SCORE: "score = 0.9005\nscore",
    FIGURE: FIGURE_SOURCE,
    SILENT: "score;",
    STDERR: "import sys\nprint('warning', id(sys), file=sys.stderr)\nprint('done')",
    ADDRESS: "class Thing:\n    pass\n\nThing()",
    CONTROL: CONTROL_SOURCE,
    VARIABLES: (
        "import os\n[os.environ.get(f'MNIST_COURSE_{n}') for n in ('SOURCE', 'PROFILE', 'EXTRA')]"
    ),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return a notebook with true outputs, as Jupyter would have stored them."""
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [v4.new_code_cell(source) for source in SOURCES.values()]
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
    folder = tmp_path_factory.mktemp("executed")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in nbval_environment(settings={"MNIST_COURSE_EXTRA": "1"}).items():
            patch.setenv(name, value)
        NotebookClient(notebook, timeout=60, resources={"metadata": {"path": folder}}).execute()
    return notebook


def cleared(notebook):
    for cell in notebook.cells:
        cell.outputs, cell.execution_count = [], None


def outputs_cleared_but_counts_kept(notebook):
    for cell in notebook.cells:
        cell.outputs = []


def never_run(notebook):
    notebook.cells[COUNT].outputs, notebook.cells[COUNT].execution_count = [], None


def silent_cell_never_run(notebook):
    notebook.cells[SILENT].execution_count = None


def number_within_tolerance(notebook):
    notebook.cells[SCORE].outputs[0].data["text/plain"] = "0.9006"


def changed_number(notebook):
    notebook.cells[SCORE].outputs[0].data["text/plain"] = "0.95"


def measured_number(notebook):
    changed_number(notebook)
    notebook.cells[SCORE].metadata["tags"] = ["measured"]


def number_within_tagged_tolerance(notebook):
    changed_number(notebook)
    notebook.cells[SCORE].metadata["tags"] = ["rtol=0.1"]


def malformed_tag(notebook):
    notebook.cells[SCORE].metadata["tags"] = ["rtol=abc"]


def changed_count(notebook):
    notebook.cells[COUNT].outputs[0].text = "59999 rows\n"


def changed_figure_type(notebook):
    output = notebook.cells[FIGURE].outputs[0]
    output.data["image/svg+xml"] = output.data.pop("image/png")


def changed_alt_text(notebook):
    notebook.cells[FIGURE].outputs[0].metadata["image/png"]["alt"] = "Two black pixels on white"


def changed_pixels(notebook):
    notebook.cells[FIGURE].outputs[0].data["image/png"] = "00"


def error_instead_of_value(notebook):
    notebook.cells[SCORE].source = "score = 0\nraise ValueError('no score')"


def error_that_is_expected(notebook):
    # nbval lets the error pass because of the tag; the comparison must not.
    error_instead_of_value(notebook)
    notebook.cells[SCORE].metadata["tags"] = ["raises-exception"]


def error_in_a_control(notebook):
    notebook.cells[CONTROL].source = CONTROL_SOURCE.replace('"kept", threshold', "1 / 0")


def missing_output(notebook):
    notebook.cells[FIGURE].source += "\ndisplay(1)"


def shown_despite_semicolon(notebook):
    notebook.cells[SILENT].outputs = deepcopy(notebook.cells[SCORE].outputs)


def text_after_the_figure_moved_before_it(notebook):
    notebook.cells[FIGURE].source = f"print('before')\n{FIGURE_SOURCE}\nprint('after')"
    text = v4.new_output("stream", name="stdout", text="before\nafter\n")
    notebook.cells[FIGURE].outputs.insert(0, text)


def widget_view_stripped(notebook):
    data = notebook.cells[CONTROL].outputs[0].data
    del data["application/vnd.jupyter.widget-view+json"]


# What was done to the good notebook, and which of its cells must fail, with which words.
PASSING = [
    number_within_tolerance,
    measured_number,
    number_within_tagged_tolerance,
    changed_pixels,
    widget_view_stripped,
]
FAILING = {
    cleared: (set(SOURCES), "never run, or its outputs were cleared"),
    outputs_cleared_but_counts_kept: (set(SOURCES) - {SILENT}, "additional output"),
    never_run: ({COUNT}, "never run, or its outputs were cleared"),
    silent_cell_never_run: ({SILENT}, "never run, or its outputs were cleared"),
    changed_number: ({SCORE}, "0.95 is now 0.9005"),
    malformed_tag: ({SCORE}, "'rtol=abc' is not a tolerance"),
    changed_count: ({COUNT}, "the count 59999 is now 60000"),
    changed_figure_type: ({FIGURE}, "image/svg+xml + text/plain and is now image/png"),
    changed_alt_text: ({FIGURE}, "'Two black pixels on white' is now 'One black"),
    error_instead_of_value: ({SCORE}, "no score"),
    error_that_is_expected: ({SCORE}, "is now error ValueError: no score"),
    error_in_a_control: ({CONTROL}, "ZeroDivisionError"),
    missing_output: ({FIGURE}, "additional output: text/plain"),
    shown_despite_semicolon: ({SILENT}, "missing output: text/plain"),
    text_after_the_figure_moved_before_it: ({FIGURE}, "additional output: stdout"),
}


@pytest.fixture(scope="module")
def outcomes(good, tmp_path_factory):
    """Run all variants in one process; return for each its failures, cell to message."""
    folder = tmp_path_factory.mktemp("Notebooks für Prüfung")
    for change in [None, *PASSING, *FAILING]:
        notebook = deepcopy(good)
        if change:
            change(notebook)
        nbformat.write(notebook, folder / f"{change.__name__ if change else 'good'}.ipynb")
    report = folder / "report.xml"
    command = [*nbval_command(sorted(folder.glob("*.ipynb"))), f"--junitxml={report}"]
    environment = nbval_environment(settings={"MNIST_COURSE_EXTRA": "1"})
    subprocess.run(command, env=environment, check=False, capture_output=True, timeout=300)
    failures = {path.stem: {} for path in folder.glob("*.ipynb")}
    checked = dict.fromkeys(failures, 0)
    for case in ElementTree.parse(report).iter("testcase"):
        stem = case.get("classname").removesuffix(".ipynb")
        checked[stem] += 1
        for failure in [*case.findall("failure"), *case.findall("error")]:
            failures[stem][int(case.get("name").removeprefix("Cell "))] = failure.text
    assert set(checked.values()) == {len(SOURCES)}, "each cell of each notebook is checked"
    return failures


def test_the_good_notebook_passes_with_stderr_addresses_and_controls(outcomes):
    assert outcomes["good"] == {}


@pytest.mark.parametrize("change", PASSING, ids=lambda change: change.__name__)
def test_passes(outcomes, change):
    assert outcomes[change.__name__] == {}


@pytest.mark.parametrize("change", FAILING, ids=lambda change: change.__name__)
def test_fails_in_the_cell_with_the_defect_and_says_why(outcomes, change):
    cells, words = FAILING[change]
    failures = outcomes[change.__name__]
    assert set(failures) == cells
    assert all(words in message for message in failures.values()), failures


# --- the status of a whole run ---------------------------------------------------------------


def write(cells, path):
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec}), path)
    return path


@pytest.fixture
def one_cell(tmp_path):
    """Write a notebook with one cell that prints what is stored."""

    def write_one(stored):
        output = v4.new_output("stream", name="stdout", text=stored)
        cell = v4.new_code_cell("print('0.9005')", execution_count=1, outputs=[output])
        return write([cell], tmp_path / "01_tiny.ipynb")

    return write_one


@pytest.mark.parametrize(("stored", "status"), [("0.9006\n", 0), ("0.95\n", 1)])
def test_the_status_tells_and_the_output_passes_through(one_cell, capfd, stored, status):
    assert run_nbval([one_cell(stored)]) == status
    shown = capfd.readouterr().out
    assert ("1 passed" in shown) == (status == 0)
    assert ("0.95 is now 0.9005" in shown) == (status == 1)


def test_no_output_is_lost_among_many_messages(tmp_path):
    source = (
        "import time\n"
        "from comm import create_comm\n"
        "bar = create_comm(target_name='bar')\n"
        "for step in range(15_000):\n"
        "    bar.send({'step': step})\n"
        "    if step % 100 == 0:\n"
        "        time.sleep(0.03)\n"
        "print('arrived')"
    )
    output = v4.new_output("stream", name="stdout", text="arrived\n")
    cell = v4.new_code_cell(source, execution_count=1, outputs=[output])
    assert run_nbval([write([cell], tmp_path / "01_busy.ipynb")]) == 0


def test_options_left_in_the_environment_do_not_select_cells(one_cell, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    assert run_nbval([one_cell("0.95\n")]) == 1


def test_nothing_collected_is_a_failure(tmp_path, capfd):
    path = write([v4.new_markdown_cell("# Why?")], tmp_path / "01_prose.ipynb")
    assert run_nbval([path]) != 0
    assert "nothing was verified" in capfd.readouterr().out


def test_a_missing_file_is_a_failure(tmp_path):
    assert run_nbval([tmp_path / "99_missing.ipynb"]) != 0


def test_no_notebook_at_all_is_a_failure(capsys):
    assert verify([]) != 0
    assert "no notebook" in capsys.readouterr().out


def test_house_problems_are_printed_and_nothing_is_run(one_cell, capsys, monkeypatch):
    monkeypatch.setattr("mnist_course_tools.check.verify.run_nbval", pytest.fail)
    assert verify([one_cell("0.9005\n")]) == 1
    assert "01_tiny.ipynb, cell 1: begin with a text cell" in capsys.readouterr().out


def test_after_the_house_rules_the_notebooks_are_run(one_cell, monkeypatch):
    monkeypatch.setattr("mnist_course_tools.check.verify.check_file", lambda path: [])
    assert verify([one_cell("0.9005\n")]) == 0
    assert verify([one_cell("0.95\n")]) == 1


def test_two_notebooks_at_a_time_and_one_of_them_wrong(tmp_path, capfd):
    def sleeper(name, stored):
        output = v4.new_output("stream", name="stdout", text=stored)
        source = (
            "import pathlib, time\n"
            f"pathlib.Path('{name}').touch()\n"
            "until = time.monotonic() + 30\n"
            "while not all(pathlib.Path(n).exists() for n in ('a', 'b')):\n"
            "    assert time.monotonic() < until, 'the other one did not start'\n"
            "print('together')"
        )
        cell = v4.new_code_cell(source, execution_count=1, outputs=[output])
        return write([cell], tmp_path / f"0{name}.ipynb")

    paths = [sleeper("a", "together\n"), sleeper("b", "alone\n")]
    assert run_nbval(paths, jobs=2) == 1
    shown = capfd.readouterr().out
    assert "0a: 1 passed" in shown
    assert "'alone' is now 'together'" in shown


def test_the_reader_s_own_start_up_files_are_left_out(tmp_path, monkeypatch):
    spoil_start_up(monkeypatch, tmp_path / "home", "print = None")
    output = v4.new_output("stream", name="stdout", text="fine\n")
    cell = v4.new_code_cell("print('fine')", execution_count=1, outputs=[output])
    assert run_nbval([write([cell], tmp_path / "01_clean.ipynb")]) == 0


def test_without_nbval_nothing_passes(one_cell, capsys, monkeypatch):
    monkeypatch.setattr("mnist_course_tools.check.verify.find_spec", lambda name: None)
    assert run_nbval([one_cell("0.9005\n")]) == 1
    assert "nbval is not installed" in capsys.readouterr().out


def test_the_environment_is_that_of_committed_outputs(monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_SOURCE", "digits")
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-x")
    variables = nbval_environment()
    assert variables["MNIST_COURSE_SOURCE"] == "mnist"
    assert variables["MNIST_COURSE_PROFILE"] == "full"
    assert variables["MPLBACKEND"] == "agg"
    assert variables["OMP_NUM_THREADS"] == "1"
    assert "PYTEST_ADDOPTS" not in variables


def test_another_version_of_nbval_is_refused(monkeypatch):
    monkeypatch.setattr(nbval_plugin, "version", lambda name: "0.12.0")
    with pytest.raises(pytest.UsageError, match=r"nbval 0\.12\.0 is installed.*0\.11\.0"):
        nbval_plugin.pytest_configure(None)
