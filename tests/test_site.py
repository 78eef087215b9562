"""The site: complete, alone with itself, and fit for every reader."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import numpy as np
import pytest
from filelock import FileLock
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

import mnist_course
from mnist_course.errors import CourseError
from mnist_course_tools.site import tables
from mnist_course_tools.site.__main__ import build
from mnist_course_tools.site.frames import cut
from mnist_course_tools.site.glossary import Term, link_terms
from mnist_course_tools.site.links import rewrite
from mnist_course_tools.site.serve import server
from tests.support import browser as support
from tests.support import site as support_site

TOP = Path(__file__).parents[1]
SHOTS = TOP / "build" / "screenshots"
STEPPER = "figure.stepper input[type=range]"
LESSON = "lessons/02_sigmoid_simulation.html"
CODE = "lessons/01_exploration.html"
EXERCISES = "exercises/02_sigmoid_simulation.html"
SOLUTIONS = "solutions/02_sigmoid_simulation.html"
DRAWN_IN = "lessons/09_own_handwriting.html"
KINDS_OF_PAGES = ("index.html", LESSON, EXERCISES, SOLUTIONS, DRAWN_IN, "race.html")
WIDTHS = {"wide": 1280, "phone": 390}
MODES = ("light", "dark")

needs_browser = pytest.mark.skipif(
    support.why_not() is not None, reason=support.why_not() or "all is there"
)


@pytest.fixture(scope="session")
def built(tmp_path_factory, worker_id) -> tuple[Path, str]:
    """Return the site, and what its build said; built by whichever worker comes first."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    folder, said = shared / "the-site" / "site", shared / "the-site.txt"
    with FileLock(shared / "the-site.lock"):
        if not said.exists():
            done = subprocess.run(
                [sys.executable, "-m", "mnist_course_tools.site", "--no-lite", "--out", folder],
                capture_output=True,
                text=True,
                cwd=shared,
                env={**os.environ, "MNIST_COURSE_SOURCE": "digits"},  # the pad's models, at once
            )
            said.write_text(done.stdout + done.stderr + f"\nexit {done.returncode}", "utf-8")
    return folder, said.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def site(built) -> Path:
    folder, said = built
    assert said.endswith("exit 0"), said
    return folder


@pytest.fixture(scope="session")
def pages(site) -> dict[str, support_site.Page]:
    return {page.name: page for page in support_site.pages(site)}


def test_the_site_is_built_without_a_warning_and_says_how_to_open_it(built):
    folder, said = built
    assert "WARNING" not in said
    assert said.endswith("exit 0"), said
    assert f"python -m mnist_course_tools.site.serve {folder}" in said


def test_every_link_and_every_anchor_leads_somewhere(site):
    assert list(support_site.dead_links(site)) == []


def test_every_notebook_that_is_offered_to_run_is_one_of_the_course(pages):
    # That JupyterLite has just these is tested where it is built.
    offered = {
        link.partition("/run/")[2] or link.removeprefix("run/")
        for page in pages.values()
        for link in page.links
        if re.match(r"(\.\./)*run/", link)
    }
    names = [path.name for path in (TOP / "notebooks").glob("*.ipynb")]
    assert offered == {
        f"notebooks/index.html?path={part}/{name}"
        for part in ("lessons", "exercises")
        for name in names
    }


def test_nothing_is_loaded_from_another_host(site):
    assert list(support_site.other_hosts(site)) == []


def test_every_picture_has_words(pages):
    pictures = [(page.name, *picture) for page in pages.values() for picture in page.pictures]
    assert len(pictures) > 80
    assert [picture for picture in pictures if not picture[2].strip()] == []


def test_a_figure_has_the_words_that_its_notebook_gives_it(pages):
    for path in sorted((TOP / "notebooks").glob("*.ipynb")):
        words = {
            output.metadata["image/png"]["alt"]
            for cell in nbformat.read(path, as_version=4).cells
            for output in cell.get("outputs", ())
            if "image/png" in output.get("data", {})
        }
        assert words <= {alt for _, alt in pages[f"lessons/{path.stem}.html"].pictures}


def test_formulas_are_mathml_and_no_tex_is_left(pages):
    assert pages["lessons/02_sigmoid_simulation.html"].text.count("<math") > 20
    for page in pages.values():
        prose = re.sub(r"<(pre|code|script)\b.*?</\1>", "", page.text, flags=re.DOTALL)
        assert re.findall(r"\\frac|\\sigma|\$[^$<]*\$|\\\(", prose) == [], page.name


def test_all_lessons_exercises_and_solutions_are_there(pages):
    for path in (TOP / "notebooks").glob("*.ipynb"):
        for place in ("lessons", "exercises", "solutions"):
            assert f"{place}/{path.stem}.html" in pages
        lesson = pages[f"lessons/{path.stem}.html"]
        assert f"../run/notebooks/index.html?path=lessons/{path.name}" in lesson.links
        assert f"../exercises/{path.stem}.html" in lesson.links
        assert f"../downloads/lessons/{path.name}" in lesson.links


def _differ(question, answer) -> bool:
    """Tell whether two cells differ in more than where their links start from."""
    asked, answered = (re.sub(r"\]\([^)]*\)", "]", cell.source) for cell in (question, answer))
    return asked != answered


def test_what_a_page_offers_to_download_is_the_learners_edition_with_its_helper(site):
    for place in ("lessons", "exercises"):
        found = sorted((site / "downloads" / place).glob("*.ipynb"))
        assert len(found) == 10
        for path in found:
            cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
            assert "%pip install" in cells[0].source
            assert not any(cell.outputs for cell in cells)


def test_no_answer_stands_on_a_page_of_exercises_and_hints_are_folded(pages):
    for path in (TOP / "exercises" / "solutions").glob("*.ipynb"):
        asked = nbformat.read(TOP / "exercises" / path.name, as_version=4)
        solved = nbformat.read(path, as_version=4)
        page = pages[f"exercises/{path.stem}.html"].text
        words = re.sub(r"<[^>]+>", "", page)
        for question, answer in zip(asked.cells, solved.cells, strict=True):
            if _differ(question, answer) and answer.cell_type == "markdown":
                last = answer.source.strip().splitlines()[-1]
                assert re.sub(r"[*`$]", "", last)[-60:] not in words
        assert "<details><summary>Hint 1</summary>" in page


def test_each_solution_is_folded(pages):
    for path in (TOP / "exercises" / "solutions").glob("*.ipynb"):
        asked = nbformat.read(TOP / "exercises" / path.name, as_version=4)
        solved = nbformat.read(path, as_version=4)
        different = [
            cell.cell_type
            for question, cell in zip(asked.cells, solved.cells, strict=True)
            if _differ(question, cell)
        ]
        page = pages[f"solutions/{path.stem}.html"].text
        assert page.count("Show the solution") == different.count("code")
        assert page.count("<summary>Show one answer</summary>") == different.count("markdown")
        unfolded = re.sub(r"<details\b.*?</details>", "", page, flags=re.DOTALL)
        assert 'class="cell_output' not in unfolded


def test_the_home_page_counts_what_the_tree_holds(pages):
    facts, home = tables.facts(), pages["index.html"].text
    assert facts["values"] > 300 and facts["claims"] > 100
    assert f"{facts['values']} values from {facts['experiments']} experiments" in home
    assert f"{facts['claims']} sentences" in home
    assert f"{facts['errors']} of MNIST" in home


def test_ledger_claims_and_race_show_every_row(pages):
    results = Path(mnist_course.__file__).parent / "results"
    ledger = {record.id for record in mnist_course.report.read_ledger(results / "ledger.csv")}
    assert set(re.findall(r"<code>([\w.-]+)</code>", pages["ledger.html"].text)) >= ledger
    claims = (results / "claims.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert pages["claims.html"].text.count("✓ holds") == sum(",True," in row for row in claims)
    assert pages["race.html"].text.count("<tr>") == 1 + len(tables.recorded("race"))


def test_the_reference_has_every_public_name(pages):
    api = pages["api.html"]
    for name in mnist_course.__all__:
        documented = f"mnist_course.{name}" in api.anchors
        assert documented or f">{name}<" in api.text, name


def test_every_term_is_met_in_a_lesson_and_linked_to_its_place(pages):
    terms = {anchor for anchor in pages["glossary.html"].anchors if anchor.startswith("term-")}
    assert 50 <= len(terms) <= 90
    linked = {
        link.partition("#")[2]
        for name, page in pages.items()
        if name.startswith("lessons/")
        for link in page.links
        if "glossary.html#term-" in link
    }
    assert linked == terms


def test_a_term_is_linked_once_in_a_lesson_and_never_in_code_headings_or_references():
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# What is recall?\n\nTake `recall`, $recall$ and [recall](x.md)."),
            new_code_cell("recall"),
            new_markdown_cell("High Recall, or recall.\n\n## References\n\n1. On precision."),
        ]
    )
    terms = [Term("recall", 4, "A. B."), Term("precision", 4, "A. B.")]
    link_terms(notebook, terms, chapter=4)
    assert [cell.source for cell in notebook.cells] == [
        "# What is recall?\n\nTake `recall`, $recall$ and [recall](x.md).",
        "recall",
        "High {term}`Recall <recall>`, or recall.\n\n## References\n\n1. On precision.",
    ]


def test_a_word_that_is_an_ordinary_one_is_linked_from_its_chapter_on():
    for chapter, linked in ((6, False), (7, True)):
        notebook = new_notebook(cells=[new_markdown_cell("The margin of a class.")])
        terms = [Term("margin", 7, "A. B.", ordinary=True), Term("class", 9, "A. B.")]
        link_terms(notebook, terms, chapter=chapter)
        assert ("`margin <margin>`" in notebook.cells[0].source) == linked
        assert "`class <class>`" in notebook.cells[0].source


def test_links_between_notebooks_lead_to_their_pages():
    def rewritten(text, repository=""):
        place = {"source": "notebooks/01_a.ipynb", "page": "lessons/01_a.ipynb"}
        return rewrite(text, **place, repository=repository)

    assert rewritten("[e](../exercises/01_a.ipynb)") == "[e](../exercises/01_a.ipynb)"
    assert rewritten("[s](../exercises/source/01_a.ipynb)") == "[s](../exercises/01_a.ipynb)"
    assert rewritten("[n](02_b.ipynb#x)") == "[n](02_b.ipynb#x)"
    assert rewritten("[t](../docs/teaching.md#a)") == "[t](../teaching.md#a)"
    assert rewritten("[out](https://a.example/b)") == "[out](https://a.example/b)"
    assert rewritten("`[no](x.py)`") == "`[no](x.py)`"


def test_a_file_without_a_page_is_named_or_linked_where_the_repository_is_known():
    place = {"source": "docs/teaching.md", "page": "teaching.md"}
    text = "[`../mnist_course/warp.py`](../mnist_course/warp.py), [the rubrics](../a/b.toml)"
    assert rewrite(text, **place) == (
        "`../mnist_course/warp.py` (`mnist_course/warp.py`), the rubrics (`a/b.toml`)"
    )
    linked = rewrite("[the rubrics](../a/b.toml)", **place, repository="https://r.example/o/n")
    assert linked == "[the rubrics](https://r.example/o/n/blob/main/a/b.toml)"


def test_where_the_repository_is_known_binder_starts_with_a_click():
    place = {"source": "docs/start.md", "page": "start.md"}
    text = "On [mybinder.org](https://mybinder.org), it starts."
    assert rewrite(text, **place) == text
    assert rewrite(text, **place, repository="https://elsewhere.example/o/n") == text
    known = rewrite(text, **place, repository="https://github.com/o/n")
    assert known == "On [mybinder.org](https://mybinder.org/v2/gh/o/n/HEAD), it starts."


def test_a_strip_is_cut_into_the_pictures_it_was_made_of():
    grey = [40, 90, 140]
    strip = np.full((60, 100), 255, dtype=np.uint8)
    for place, value in enumerate(grey):
        row, column = divmod(place, 2)
        strip[30 * row : 30 * row + 30, 50 * column : 50 * column + 50] = value
    buffer = io.BytesIO()
    Image.fromarray(strip).save(buffer, format="PNG")
    frames = cut(buffer.getvalue(), "A line. Row by row: w = 1, b = 0; w = 2, b = 0; w = 3, b = 1.")
    assert [frame.state for frame in frames] == ["w = 1, b = 0", "w = 2, b = 0", "w = 3, b = 1"]
    assert frames[2].alt == "A line. Now w = 3, b = 1."
    for frame, value in zip(frames, grey, strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(frame.png)))
        assert pixels.shape == (30, 50) and (pixels == value).all()
    assert cut(buffer.getvalue(), "A plain picture.") == []


def test_a_lesson_without_script_shows_the_whole_strip(site, pages):
    figures = re.findall(
        r'<figure class="stepper" data-steps="([^"]+)">(.*?)</figure>',
        (site / LESSON).read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert len(figures) == 1
    assert "Row by row: weight = 1" in figures[0][1]
    steps = json.loads(figures[0][0].replace("&quot;", '"'))
    assert steps[0]["state"] == "weight = 1, bias = 0"


def test_pages_of_somebody_else_beside_the_site_are_left_alone(tmp_path):
    (tmp_path / "site-sources").mkdir()
    (tmp_path / "site-sources" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(CourseError, match="Choose another folder"):
        build(tmp_path / "site")
    assert (tmp_path / "site-sources" / "thesis.txt").exists()


def test_words_that_troubleshooting_looks_up_are_words_that_the_course_says():
    text = (TOP / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    said = "".join(
        path.read_text(encoding="utf-8") for path in (TOP / "mnist_course").rglob("*.py")
    )
    quoted = re.findall(r"^\*([^*]+)\*", text, re.MULTILINE)
    assert len(quoted) >= 2
    assert [words for words in quoted if words not in said] == []


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(CourseError, match="Choose another folder"):
        build(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


# In a browser


@pytest.fixture(scope="module")
def address(site):
    serving = server(site)
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{serving.server_address[1]}/"
    serving.shutdown()
    serving.server_close()


@needs_browser
@pytest.mark.parametrize("mode", MODES)
def test_no_page_shuts_a_reader_out_or_stumbles(chromium, address, pages, mode):
    problems = []
    with support.open_page(chromium, address, color_scheme=mode) as page:
        page.on("console", lambda m: m.type == "error" and problems.append((page.url, m.text)))
        page.on("pageerror", lambda error: problems.append((page.url, str(error))))
        page.evaluate("localStorage.clear()")  # so that a first visit is among those looked at
        for name in pages:
            page.goto(address + name)
            assert page.locator("html").get_attribute("data-theme") == mode
            # Code has the same few colours everywhere, and one lesson has them all.
            found = support_site.barriers(page, code=name == CODE, colours_only=mode == "dark")
            problems += [(name, barrier) for barrier in found]
    assert problems == []


@needs_browser
def test_no_page_is_wider_than_a_phone(chromium, address, pages):
    wide = {}
    with support.open_page(chromium, address, viewport={"width": 390, "height": 800}) as page:
        for name in pages:
            page.goto(address + name)
            if support.wide(page) > 0:
                wide[name] = support.wide(page)
    assert wide == {}


@needs_browser
def test_the_stepper_moves_by_keyboard_and_changes_picture_and_words(chromium, address):
    with support.open_page(chromium, address + LESSON) as page:
        picture = page.locator("figure.stepper img")
        seen = []
        page.locator(STEPPER).focus()
        for _ in range(2):
            seen.append(
                (
                    picture.get_attribute("src"),
                    picture.get_attribute("alt"),
                    page.locator("figure.stepper output").inner_text(),
                    page.locator(STEPPER).get_attribute("aria-valuetext"),
                )
            )
            page.keyboard.press("ArrowRight")
        (first, before, *states), (second, after, *new_states) = seen
        assert first != second
        assert before.endswith("Now weight = 1, bias = 0.")
        assert after.endswith("Now weight = 1, bias = -2.")
        assert (
            states == ["weight = 1, bias = 0"] * 2 and new_states == ["weight = 1, bias = -2"] * 2
        )
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300


@needs_browser
@pytest.mark.parametrize("name", ["index.html", DRAWN_IN])
def test_the_pad_of_a_page_answers(chromium, address, name):
    with support.open_page(chromium, address + name) as page:
        pad = page.locator("[data-digit-pad]")
        pad.scroll_into_view_if_needed()
        pad.get_by_text("edges SVM", exact=True).first.wait_for()
        pad.get_by_role("button", name="Clear").click()
        pad.get_by_text("Nothing is drawn yet").wait_for()


@needs_browser
def test_without_script_a_page_shows_its_strip(chromium, address):
    with support.open_page(chromium, address + LESSON, java_script_enabled=False) as page:
        assert "Row by row" in page.locator("figure.stepper img").get_attribute("alt")
        assert page.locator(STEPPER).count() == 0


@needs_browser
def test_tab_reaches_search_and_stepper(chromium, address):
    focused = (
        "[document.activeElement.className, document.activeElement.type,"
        " document.activeElement.closest('figure.stepper') !== null]"
    )
    with support.open_page(chromium, address + LESSON) as page:
        reached = []
        for _ in range(250):
            page.keyboard.press("Tab")
            reached.append(page.evaluate(focused))
            if reached[-1][2]:
                break
        assert any("search-button" in names for names, _, _ in reached)
        assert reached[-1][1:] == ["range", True]


@needs_browser
@pytest.mark.parametrize("name", KINDS_OF_PAGES)
def test_tab_reaches_all_that_can_be_used(chromium, address, name):
    with support.open_page(chromium, address + name) as page:
        if name == "index.html":
            page.locator("[data-digit-pad]", has_text="SVM").wait_for()
        wanted = page.evaluate(
            """() => {
                window.reached = new Set();
                document.addEventListener("focusin", (event) => window.reached.add(event.target));
                const all = document.querySelectorAll(
                    "a[href], button, input, select, summary, [tabindex='0']");
                window.wanted = [...all].filter((one) => !one.disabled && one.tabIndex >= 0
                    && one.checkVisibility({ visibilityProperty: true }));
                return window.wanted.length;
            }"""
        )
        assert wanted > 10
        for _ in range(wanted + 30):
            page.keyboard.press("Tab")
        missed = page.evaluate(
            """() => window.wanted.filter((one) => !window.reached.has(one))
                .map((one) => one.outerHTML.slice(0, 200))"""
        )
        assert missed == []


@needs_browser
def test_search_finds_the_confusion_matrix(chromium, address):
    with support.open_page(chromium, address) as page:
        page.keyboard.press("Control+k")
        page.keyboard.type("confusion matrix")
        page.keyboard.press("Enter")
        found = page.locator("#search-results li a", has_text="How do you know whether")
        found.first.wait_for()
        glossary = page.locator("#search-results li a[href*='term-confusion-matrix']")
        assert glossary.count() > 0


@needs_browser
def test_pictures_of_the_site_are_made_for_a_look(chromium, address):
    SHOTS.mkdir(parents=True, exist_ok=True)
    for name in ("index.html", LESSON, "race.html"):
        for (width, pixels), mode in [(w, m) for w in WIDTHS.items() for m in MODES]:
            window = {"width": pixels, "height": 900}
            path = SHOTS / f"{Path(name).stem}-{width}-{mode}.png"
            with support.open_page(
                chromium, address + name, viewport=window, color_scheme=mode
            ) as page:
                if name == "index.html":
                    page.locator("[data-digit-pad]", has_text="SVM").wait_for()
                page.screenshot(path=path)
            with Image.open(path) as picture:
                assert picture.width == pixels
                brightness = np.asarray(picture.convert("L")).mean()
            assert (brightness > 150) == (mode == "light")
