"""What is committed is the same whenever the outputs are, whoever ran it."""

from __future__ import annotations

from importlib.util import find_spec

import nbformat
import pytest
from nbformat.v4 import new_output

from mnist_course.profiles import get_profile
from mnist_course_tools.normalise import normalise
from mnist_course_tools.outputs import WIDGET_MIME
from mnist_course_tools.run.runner import Runner
from mnist_course_tools.run.update import write_back
from tests.support.notebooks import write_notebook


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("normalise")
    notebook = write_notebook(
        folder / "notebooks" / "01_words.ipynb",
        "import sys; print('no' + 'ise', file=sys.stderr); print('word')",
        "6 * 7",
        "import ipywidgets; ipywidgets.IntSlider()",
    )
    runner = Runner(get_profile("quick"), "digits", folder / "out", parameters={"seed": 3})
    (outcome,) = runner.run([notebook])
    assert outcome.ok
    return outcome


def test_two_runs_give_the_same_file(outcome, tmp_path):
    source = nbformat.read(outcome.notebook, as_version=4)
    (again,) = Runner(get_profile("quick"), "digits", tmp_path / "out").run([outcome.notebook])
    first, second = (
        normalise(nbformat.read(one.output, as_version=4), source) for one in (outcome, again)
    )
    assert nbformat.writes(first) == nbformat.writes(second)
    nbformat.validate(first)


def test_what_differs_from_run_to_run_is_gone_and_the_outputs_stay(outcome):
    source = nbformat.read(outcome.notebook, as_version=4)
    clean = normalise(nbformat.read(outcome.output, as_version=4), source)
    text = nbformat.writes(clean)
    for word in ("papermill", "injected", "noise", WIDGET_MIME, "timestamp", "iopub"):
        assert word not in text
    code = [cell for cell in clean.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3, 4]
    assert code[1].outputs == [new_output("stream", name="stdout", text="word\n")]
    assert code[2].outputs[0].data["text/plain"] == "42"
    assert code[2].outputs[0].execution_count == 3
    assert set(code[3].outputs[0].data) == {"text/plain"}
    assert [cell.id for cell in clean.cells] == [cell.id for cell in source.cells]


@pytest.mark.skipif(
    find_spec("sklearn.callback") is None,
    reason="scikit-learn before 1.9 has no progress bar of its own",
)
def test_a_progress_bar_leaves_nothing_behind(tmp_path):
    notebook = write_notebook(
        tmp_path / "notebooks" / "01_bar.ipynb",
        "import numpy as np\n"
        "from sklearn.callback import ProgressBar\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "X, y = np.eye(6), np.arange(6) % 2\n"
        "LogisticRegression().set_callbacks(ProgressBar()).fit(X, y).n_iter_.shape",
    )
    (outcome,) = Runner(get_profile("quick"), "digits", tmp_path / "out").run([notebook])
    run, source = (nbformat.read(one, as_version=4) for one in (outcome.output, notebook))
    # It is a widget too; of those only a name and an empty line are stored.
    assert len(run.cells[-1].outputs) > 1
    outputs = normalise(run, source).cells[-1].outputs
    assert [output.data["text/plain"] for output in outputs] == ["(1,)"]


def test_texts_that_follow_each_other_are_joined_and_others_keep_their_place(outcome):
    source = nbformat.read(outcome.notebook, as_version=4)
    run = nbformat.read(outcome.output, as_version=4)
    cell = next(cell for cell in run.cells if "'word'" in cell.source)
    picture = new_output("display_data", data={"image/png": "AA=="})
    texts = [new_output("stream", name="stdout", text=text) for text in ("a", "b", "c")]
    cell.outputs = [texts[0], texts[1], picture, texts[2]]
    clean = normalise(run, source)
    outputs = next(cell for cell in clean.cells if "'word'" in cell.source).outputs
    assert [output.get("text") for output in outputs] == ["ab", None, "c"]


def test_a_run_of_other_cells_is_refused(outcome):
    source = nbformat.read(outcome.notebook, as_version=4)
    source.cells[-1].source = "something else"
    with pytest.raises(ValueError, match="other cells"):
        normalise(nbformat.read(outcome.output, as_version=4), source)


def test_write_back_updates_notebook_and_ledger(tmp_path):
    notebook = write_notebook(
        tmp_path / "notebooks" / "01_number.ipynb",
        "from mnist_course import reporter\nreporter('mnist', 'full')('variance100.features', 522)",
    )
    bad = write_notebook(tmp_path / "notebooks" / "02_bad.ipynb", "1 / 0")
    before = bad.read_bytes()
    outcomes = Runner(get_profile("full"), "mnist", tmp_path / "out").run([notebook, bad])
    write_back(outcomes, tmp_path / "results", notebooks=True)
    written = nbformat.read(notebook, as_version=4)
    assert written.cells[-1].execution_count == 2
    assert "ours 522" in written.cells[-1].outputs[0].data["text/plain"]
    assert bad.read_bytes() == before
    ledger = (tmp_path / "results" / "ledger.csv").read_text(encoding="utf-8")
    assert ledger.splitlines()[1] == "variance100.features,522,522,True,full,mnist,,"
