"""The pages that a run leaves behind."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from rich.console import Console

from mnist_course.claims import Claim
from mnist_course.report import make_record
from mnist_course_tools.run import pages, screen
from mnist_course_tools.run.job import Failure, Outcome
from mnist_course_tools.run.pages import formulas_as_mathml, write_pages

REACHES_OUT = ("<script", "<link ", "<iframe", "@import", "url(http", "url('http", 'src="http')


def _outcome(folder, *cells, name="01_page", title="A page", failure=None, records=()):
    """Return the outcome of a notebook that was run: original and output are alike."""
    notebook = new_notebook(cells=[new_markdown_cell(f"# {title}"), *cells])
    path = folder / f"{name}.ipynb"
    folder.mkdir(exist_ok=True)
    nbformat.write(notebook, path)
    return Outcome(path, path, title, "full", 1.5, 400_000_000, tuple(records), failure)


def _page(folder, *cells, **options) -> str:
    outcome = _outcome(folder / "notebooks", *cells, **options)
    assert write_pages([outcome], folder / "out", summary="One notebook.") == []
    return (folder / "out" / "01_page.html").read_text(encoding="utf-8")


def _picture(alt, **more):
    data = {"image/png": "aGFsbG8=", "text/plain": alt, **more}
    return new_output("display_data", data, metadata={"image/png": {"alt": alt}})


def test_a_claim_with_brackets_stays_as_it_is_in_the_closing_table(tmp_path):
    claim = Claim("The share in [a, b] is high, see [/here]", False, "full", "mnist")
    outcome = replace(_outcome(tmp_path), claims=(claim,))
    terminal = Console(file=io.StringIO(), width=200)
    terminal.print(screen.table([outcome]))
    assert claim.sentence in terminal.file.getvalue()


def test_a_picture_keeps_its_words(tmp_path):
    page = _page(tmp_path, new_code_cell("show()", outputs=[_picture('A "line" that <rises>.')]))
    (image,) = BeautifulSoup(page, "html.parser").select("img")
    assert image["alt"] == 'A "line" that <rises>.'


def test_a_notebook_that_failed_keeps_its_words_too_and_shows_no_widget(tmp_path):
    view = "application/vnd.jupyter.widget-view+json"
    outputs = [
        new_output("display_data", {view: {"model_id": "a"}, "text/plain": ""}),
        _picture(
            "A line.", **{"text/html": '<img alt="A line." src="data:image/png;base64,aGFs">'}
        ),
        new_output("error", ename="ValueError", evalue="no", traceback=["\x1b[31mno <b>\x1b[0m"]),
    ]
    failure = Failure(2, "ValueError", "no", "no <b>")
    page = _page(tmp_path, new_code_cell("show()", outputs=outputs), failure=failure)
    assert re.findall(r'alt="([^"]*)"', page) == ["A line."]
    assert "model_id" not in page and "<script" not in page
    assert "no &lt;b&gt;" in page and "\x1b" not in page


def test_a_hidden_source_is_folded_and_its_outputs_are_in_view(tmp_path):
    page = _page(
        tmp_path,
        new_code_cell(
            "hidden = 1",
            metadata={"jupyter": {"source_hidden": True}},
            outputs=[new_output("stream", text="in view")],
        ),
    )
    (source,) = re.findall(r"<details.*?</details>", page, re.DOTALL)
    assert "hidden" in source and "in view" not in source


def test_a_page_asks_for_nothing_from_elsewhere(tmp_path):
    page = _page(tmp_path, new_markdown_cell("$x^2$, a `word` and [a link](https://example.org)"))
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    for reach in REACHES_OUT:
        assert reach not in page and reach not in index


def test_a_link_to_another_notebook_is_plain_words_on_a_page(tmp_path):
    page = _page(
        tmp_path,
        new_markdown_cell(
            "[Exercises 2](../exercises/02_a.ipynb), [there](02_a.ipynb#part) and "
            "[elsewhere](https://example.org/a.ipynb)."
        ),
    )
    assert "Exercises 2, there and" in page
    assert '<a href="https://example.org/a.ipynb">elsewhere</a>' in page


def test_a_table_has_no_empty_header_and_scrolls_in_a_frame_of_its_own(tmp_path):
    table = "<table><tr><th></th><th>a</th></tr><tr><th>0</th><td>1</td></tr></table>"
    output = new_output("execute_result", {"text/html": table, "text/plain": "a"})
    page = _page(
        tmp_path,
        new_code_cell("table", outputs=[output]),
        new_markdown_cell("| | b |\n|---|---|\n| x | y |"),
    )
    assert not re.search(r"<th[^>]*>\s*</th>", page)
    assert page.count("<table") == page.count('<div class="scroll" tabindex="0"><table') == 2


def test_formulas_become_mathml_and_code_stays_code():
    text = formulas_as_mathml(
        r"<p>$a &lt; \sigma(b)$ costs $5 or $6, <code>$x$</code></p><p>$$\frac{1}{2}$$</p>"
    )
    assert text.count("<math") == 2
    assert "<mo>&#x0003C;</mo>" in text and "&#x003C3;" in text and "<mfrac>" in text
    assert "costs $5 or $6, <code>$x$</code>" in text


@pytest.mark.parametrize(
    "tex", ["$x^$", "$x_1_2$", r"$\left( x$", r"$$\begin{cases} x$$", "$x_{a}_{b}$"]
)
def test_a_formula_that_cannot_be_read_stays_as_text_and_the_others_are_drawn(tex):
    text = formulas_as_mathml(f"<p>{tex} and $y$</p>")
    assert f"<p>{tex} and <math" in text


def test_a_page_that_cannot_be_written_holds_up_no_other(tmp_path, monkeypatch):
    outcomes = [
        _outcome(tmp_path / "notebooks", name=name, title=name) for name in ("01_a", "02_b", "03_c")
    ]
    as_html = pages.as_html

    def fails_for_b(notebook, title):
        if title == "02_b":
            raise OSError(28, "No space left on device")
        return as_html(notebook, title)

    monkeypatch.setattr(pages, "as_html", fails_for_b)
    (problem,) = write_pages(outcomes, tmp_path / "out", summary="Three notebooks.")
    assert problem.startswith("The page 02_b.html could not be written (OSError")
    assert _names(tmp_path / "out") == ["01_a.html", "03_c.html", "index.html"]
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert 'href="01_a.html"' in index and 'href="02_b.html"' not in index
    assert "No space left on device" in index


def test_a_folder_that_cannot_be_written_is_a_problem_in_words(tmp_path):
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    problems = write_pages([], tmp_path / "out", summary="No notebook.")
    assert len(problems) == 1 and "index.html could not be written" in problems[0]


def test_pages_of_an_earlier_run_go_and_other_files_stay(tmp_path):
    first = _outcome(tmp_path / "notebooks", name="01_old")
    second = _outcome(tmp_path / "notebooks", name="02_new")
    out = tmp_path / "out"
    write_pages([first], out, summary="First.")
    (out / "own.html").write_text("<html><title>Somebody's own</title></html>", encoding="utf-8")
    (out / "01_old.ipynb").write_text("{}", encoding="utf-8")
    write_pages([second], out, summary="Second.")
    assert _names(out) == ["01_old.ipynb", "02_new.html", "index.html", "own.html"]


def test_the_index_says_what_each_number_is_about_and_which_were_recorded(tmp_path):
    records = [
        make_record("five-sgd.f1", 0.7325, source="mnist", profile="full"),
        make_record("five-sgd.first-score", 2164.2, source="mnist", profile="full"),
        make_record("knn-tuned.accuracy", 0.5, source="mnist", profile="slow"),
    ]
    outcome = _outcome(tmp_path / "notebooks", title="Is it <right>?", records=records)
    write_pages([outcome], tmp_path / "out", summary="One notebook.")
    text = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert '<a href="01_page.html">Is it &lt;right&gt;?</a>' in text
    assert "2 of 3 (1 recorded)" in text
    about = [re.sub(r"<[^>]+>", " ", part) for part in text.split('scope="rowgroup"')[1:]]
    five, knn = (" ".join(part.split()) for part in about)
    assert "five against the rest: SGDClassifier" in five
    assert "F1 0.7325171 0.7325 yes this run" in five
    assert "decision score of row 0 fitted on all 60000 rows" in five
    assert "best estimator refitted on 60000 rows" in knn
    assert "accuracy 0.9714 0.5 no recorded (slow)" in knn
    assert "recorded" not in five


def test_a_number_of_a_later_version_of_the_table_does_not_stop_the_index(tmp_path):
    record = make_record("five-sgd.f1", 0.7, source="mnist", profile="full")
    unknown = type(record)(**{**vars(record), "id": "unknown.id"})
    outcome = _outcome(tmp_path / "notebooks", records=[unknown])
    assert write_pages([outcome], tmp_path / "out", summary="One notebook.") == []
    assert "unknown.id" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
