"""What a reader meets in a browser: the pages of a run, and pictures in JupyterLab."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mnist_course.profiles import get_profile
from mnist_course.report import make_record
from mnist_course_tools.run.job import Failure, Outcome
from mnist_course_tools.run.pages import write_pages
from mnist_course_tools.run.runner import Runner
from mnist_course_tools.start import start
from tests.support import browser as support
from tests.support.notebooks import write_notebook

pytestmark = pytest.mark.skipif(
    support.why_not() is not None, reason=support.why_not() or "all is there"
)

LINE = 'A "line" that <rises> & rises.'
PICTURES = f"""\
from ipywidgets import FloatLogSlider, IntSlider
from matplotlib import pyplot as plt
from mnist_course import control, show

fig, ax = plt.subplots(figsize=(5, 2))
ax.plot([0, 1])
show(fig, {LINE!r})
"""
CONTROL = """\
def draw(height, scale):
    fig, ax = plt.subplots(figsize=(5, 2))
    ax.bar([0, 1], [height, scale])
    ax.set_title(f"one over {height}: {1 / height:.2f}")
    return fig


control(
    draw,
    alt="Two bars.",
    height=IntSlider(value=2, min=0, max=10, description="height"),
    scale=FloatLogSlider(value=10, min=-2, max=2, step=0.5, description="scale"),
)
"""
PICTURE = ".jp-Notebook img, .output img"  # in JupyterLab, in a page of ours
TWO_BARS = "Two bars. Now height = {}, scale = {}."
FIRST = TWO_BARS.format(2, 10)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    """Return a folder with the pages of a run: one good notebook and one that fails."""
    folder = tmp_path_factory.mktemp("exported")
    notebook = write_notebook(folder / "notebooks" / "01_good.ipynb", PICTURES, CONTROL)
    runner = Runner(get_profile("quick"), "digits", folder / "out")
    outcomes = [*runner.run([notebook]), _rich_outcome(folder)]
    assert write_pages(outcomes, folder / "out", summary="Two notebooks.") == []
    return folder / "out"


def _rich_outcome(folder: Path) -> Outcome:
    """Return the outcome of a notebook with all that may be too wide, too pale or nameless."""
    wide = "<th>a column with a long name</th>" * 12
    table = f'<table class="dataframe"><tr><th></th>{wide}</tr></table>'
    cells = [
        new_markdown_cell("# Is it rich?\n\n" + "A line of prose that goes on and on. " * 30),
        new_markdown_cell("$$" + "+".join(f"x_{{{i}}}" for i in range(40)) + "$$"),
        new_markdown_cell(r"In a line: $-\log(\text{probability of the class that occurred})$."),
        new_markdown_cell("|a|b|\n|---|---|\n|" + "wide" * 40 + "|x|"),
        new_code_cell(
            "# a comment\nfor name in names:\n    print(name, 'text', 12)" + "  # long" * 20,
            execution_count=1,
            outputs=[
                new_output("stream", text="word " * 60),
                new_output("execute_result", {"text/html": table, "text/plain": "t"}),
                new_output("error", ename="E", evalue="e", traceback=["\x1b[31mred\x1b[0m" * 20]),
            ],
        ),
        new_code_cell("print(42)", metadata={"jupyter": {"source_hidden": True}}),
    ]
    path = folder / "notebooks" / "02_rich.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    records = (
        make_record("svc2000.scores", [3.79] * 10, source="mnist", profile="full"),
        make_record("knn-grid.best", "n_neighbors=4", source="mnist", profile="slow"),
    )
    failure = Failure(5, "ValueError", "no", "a long line " * 30)
    return Outcome(path, path, "Is it rich?", "full", 1.0, 10**8, records, failure)


def test_the_words_of_figure_and_control_are_in_the_exported_page(chromium, exported):
    with support.open_page(chromium, (exported / "01_good.html").as_uri()) as page:
        assert _alts(page) == [LINE, FIRST]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "01_good", "02_rich"])
def test_a_page_is_accessible_and_fits_a_phone(chromium, exported, name, scheme):
    address = (exported / f"{name}.html").as_uri()
    phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": scheme}
    with support.open_page(chromium, address, **phone) as page:
        assert support.violations(page) == []
        assert support.wide(page) == 0
        assert page.locator("main").count() == 1
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


def test_prose_has_lines_that_the_eye_can_follow(chromium, exported):
    with support.open_page(chromium, (exported / "02_rich.html").as_uri()) as page:
        paragraph = page.locator(".prose p").first
        lines = paragraph.evaluate("p => p.getClientRects().length && p.clientHeight / 27.2")
        letters = len(paragraph.inner_text()) / round(lines)
    assert 50 <= letters <= 80


def test_a_hidden_source_is_folded_in_the_exported_page(chromium, exported):
    with support.open_page(chromium, (exported / "02_rich.html").as_uri()) as page:
        code = page.get_by_text("print(42)")
        assert not code.is_visible()
        page.get_by_text("Code", exact=True).click()
        assert code.is_visible()


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    write_notebook(folder / "notebooks" / "01_live.ipynb", PICTURES, CONTROL)
    return folder


@pytest.fixture(scope="module")
def live(chromium, workplace):
    """Yield a page with JupyterLab, a notebook in it, run to its end; then save and leave."""
    with (
        support.jupyter_lab(workplace / "notebooks", workplace / "own") as address,
        support.open_page(chromium, address.format("01_live.ipynb")) as page,
    ):
        _wait_for_notebook(page)
        page.wait_for_function(
            "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status == 'idle'"
        )
        support.command(page, "notebook:run-all-cells")
        _wait_for_alt(page, FIRST)
        page.get_by_role("slider", name="height").wait_for()
        yield page


def _save(page) -> None:
    support.command(page, "docmanager:save")
    page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")


def test_in_jupyterlab_every_picture_has_its_words_and_its_own_size(live):
    assert _alts(live) == [LINE, FIRST]
    sizes = live.locator(PICTURE).evaluate_all(
        "all => all.map(image => [image.clientWidth, image.naturalWidth])"
    )
    assert all(shown == natural > 300 for shown, natural in sizes)


def test_a_slider_has_a_name_says_its_value_and_is_long(live):
    scale = live.get_by_role("slider", name="scale")
    assert scale.get_attribute("aria-valuetext") == "10.0"
    tracks = live.locator(".noUi-target").evaluate_all("all => all.map(track => track.clientWidth)")
    assert min(tracks) > 300
    scale.press("ArrowRight")
    _wait_for_alt(live, TWO_BARS.format(2, "31.6228"))
    live.wait_for_function(
        "() => document.querySelectorAll('.noUi-handle')[1].ariaValueText == '31.6'"
    )
    scale.press("ArrowLeft")
    _wait_for_alt(live, FIRST)


def test_a_key_moves_the_slider_the_picture_and_its_words(live):
    before = _sources(live)
    live.get_by_role("slider", name="height").press("ArrowRight")
    _wait_for_alt(live, TWO_BARS.format(3, 10))
    after = _sources(live)
    assert after[0] == before[0] and after[1] != before[1]


def test_a_picture_that_cannot_be_drawn_says_so_in_its_place_and_comes_back(live):
    height = live.get_by_role("slider", name="height")
    height.press("Home")
    live.get_by_text("No picture: ZeroDivisionError").wait_for()
    assert _alts(live) == [LINE]
    height.press("ArrowRight")
    _wait_for_alt(live, TWO_BARS.format(1, 10))


def test_in_a_page_loaded_again_the_picture_still_follows(live):
    _save(live)
    live.reload()
    _wait_for_alt(live, TWO_BARS.format(1, 10))
    live.get_by_role("slider", name="height").press("ArrowRight")
    _wait_for_alt(live, TWO_BARS.format(2, 10))


def test_saved_and_opened_again_on_a_new_server_the_picture_is_there(
    chromium, live, workplace, tmp_path
):
    _save(live)
    own = tmp_path / "own"
    saved = nbformat.read(workplace / "notebooks" / "01_live.ipynb", as_version=4)
    support.write_trusted(saved, tmp_path / "notebooks" / "02_again.ipynb", own)
    # As a Jupyter without the course's settings saves it: the controls cannot come back.
    del saved.metadata["widgets"]
    support.write_trusted(saved, tmp_path / "notebooks" / "03_elsewhere.ipynb", own)
    with support.jupyter_lab(tmp_path / "notebooks", own) as address:
        for name in ("02_again.ipynb", "03_elsewhere.ipynb"):
            with support.open_page(chromium, address.format(name)) as page:
                _wait_for_notebook(page)
                page.locator(PICTURE).nth(1).wait_for()
                line, bars = _alts(page)
                assert line == LINE and bars.startswith("Two bars. Now height = ")
                if name == "02_again.ipynb":
                    page.get_by_role("slider", name="height").wait_for()
                    assert "Error displaying widget" not in page.content()


def test_in_the_learners_edition_no_answer_is_seen_and_a_check_tells_of_ones_own(
    chromium, tmp_path, monkeypatch
):
    monkeypatch.setenv("MNIST_COURSE_SOURCE", "digits")
    start(tmp_path / "mine")
    with support.jupyter_lab(tmp_path / "mine", tmp_path / "own") as address:
        with support.open_page(
            chromium, address.format("notebooks/02_sigmoid_simulation.ipynb")
        ) as page:
            _wait_for_notebook(page)
            assert page.locator(".jp-OutputArea-output").count() == 0
            page.get_by_role("link", name="Exercises 2").click()
            page.get_by_role("heading", name="Exercises 2").wait_for()
        with support.open_page(
            chromium, address.format("exercises/02_sigmoid_simulation.ipynb")
        ) as page:
            _wait_for_notebook(page)
            _scroll_to(page, "your code here")
            page.get_by_text("# your code here").first.wait_for()
            _scroll_to(page, "Write your answer here")
            answer = page.locator(".jp-RenderedMarkdown", has_text="Write your answer here")
            answer.first.wait_for()
            opened = page.evaluate(
                "JSON.stringify(window.jupyterapp.shell.currentWidget.content.model.toJSON())"
            )
            assert "separate.argmax" not in opened and "SOLUTION" not in opened
            assert page.locator(".jp-OutputArea-output").count() == 0
            page.wait_for_function(
                "window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status"
                " == 'idle'"
            )
            answer = "winner, total, share = scores.argmax(), 1.0, 0.1"
            _write_into(page, "pass  # your code here", answer)
            support.command(page, "notebook:run-all-cells")
            page.get_by_text("A sum of 1 is softmax's").wait_for()
            page.get_by_text("Exercise 2.2: nothing here yet").wait_for()
            page.get_by_text("`moved` returns nothing yet").or_(
                page.get_by_text("moved returns nothing yet")
            ).wait_for()


def _scroll_to(page, text: str) -> None:
    """Bring the first cell with a text into view: JupyterLab draws no other cells."""
    page.evaluate(
        """text => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            const texts = notebook.widgets.map(cell => cell.model.sharedModel.source);
            return notebook.scrollToItem(texts.findIndex(one => one.includes(text)));
        }""",
        text,
    )


def _write_into(page, old: str, new: str) -> None:
    """Put a text in the place of another in the first cell that has it, as typing would."""
    page.evaluate(
        """([old, texts]) => {
            const cells = window.jupyterapp.shell.currentWidget.content.widgets;
            const cell = cells.find(one => one.model.sharedModel.source.includes(old)).model;
            cell.sharedModel.source = cell.sharedModel.source.replace(old, texts);
        }""",
        [old, new],
    )


def _wait_for_notebook(page) -> None:
    page.locator(".jp-Notebook .jp-CodeCell").last.wait_for()


def _wait_for_alt(page, alt: str) -> None:
    page.get_by_alt_text(alt, exact=True).wait_for()


def _alts(page) -> list[str]:
    return page.locator(PICTURE).evaluate_all("all => all.map(image => image.getAttribute('alt'))")


def _sources(page) -> list[str]:
    return page.locator(PICTURE).evaluate_all("all => all.map(image => image.src)")
