"""The course in a browser's tab: JupyterLite from a static site, no other machine in reach."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from mnist_course.errors import CourseError
from mnist_course_tools.notebooks import read_notebook
from mnist_course_tools.site import bundle, lite, pyodide
from tests.support import browser as support
from tests.support import lite as tab

in_browser = pytest.mark.skipif(
    support.why_not() is not None, reason=support.why_not() or "all is there"
)

# What the issue promises, with room for a machine on which other tests run meanwhile.
KERNEL_MB, HEAP_MB, PATIENCE = 60, 700, 400
FIRST, SECOND = "lessons/01_exploration.ipynb", "lessons/02_sigmoid_simulation.ipynb"
NINTH = "lessons/09_own_handwriting.ipynb"
SEVEN = [(80, 60), (200, 60), (130, 240)]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    lite.build(folder / "run")
    return folder


@pytest.fixture(scope="module")
def served(site):
    with tab.serving(site) as served:
        yield served


def _run(page, served, path: str) -> None:
    """Open a notebook and run it to its end, and see that nothing went wrong."""
    before = served.bytes
    tab.open_notebook(page, served.address, path)
    # Each window starts with nothing kept: it is a first visit.
    assert 30 < (served.bytes - before) / 1e6 <= KERNEL_MB
    tab.run_all(page, PATIENCE)
    assert tab.errors(page) == []
    assert tab.red(page) == []
    assert tab.heap_mb(page) <= HEAP_MB


def _picture(page, words: str):
    return page.locator(f'.jp-OutputArea img[alt*="{words}"]')


@in_browser
def test_lesson_1_runs_to_its_end_and_its_slider_moves_the_picture(chromium, served):
    with tab.window(chromium, served.address) as (page, traffic):
        _run(page, served, FIRST)
        _picture(page, "threshold = 100.").wait_for()
        page.locator(".jp-OutputArea .noUi-handle").last.focus()
        page.keyboard.press("ArrowRight")
        _picture(page, "threshold = 300.").wait_for()
        assert traffic.outside == []


@in_browser
def test_lesson_2_runs_to_its_end_and_its_slider_moves_the_picture(chromium, served):
    with tab.window(chromium, served.address) as (page, traffic):
        _run(page, served, SECOND)
        page.locator(".jp-OutputArea .noUi-handle").first.focus()
        page.keyboard.press("ArrowRight")
        _picture(page, "weight = 2.25,").wait_for()
        assert traffic.outside == []
        assert traffic.errors == []


@in_browser
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_tab_shuts_no_reader_out_and_fits_a_phone(chromium, served, mode):
    phone = {"width": 390, "height": 800}
    with tab.window(chromium, served.address, viewport=phone, color_scheme=mode) as (page, _):
        _open_without_kernel(page, served, SECOND)
        page.locator(".jp-MarkdownCell .jp-RenderedHTMLCommon h1").wait_for()
        page.locator(".jp-CodeCell .cm-content[aria-label]").first.wait_for()
        page.locator(".cm-scroller[tabindex='0']").first.wait_for()
        assert support.violations(page) == []
        assert support.wide(page) == 0


@in_browser
def test_lesson_9_runs_to_its_end_and_its_pad_takes_a_stroke_that_models_answer(chromium, served):
    with tab.window(chromium, served.address) as (page, traffic):
        _run(page, served, NINTH)
        page.get_by_role("button", name="Clear").click()
        page.locator(".pad-words", has_text="Nothing is drawn yet").wait_for()
        sheet = page.locator(".pad-sheet")
        sheet.scroll_into_view_if_needed()
        box = sheet.bounding_box()
        first, *rest = ((box["x"] + x, box["y"] + y) for x, y in SEVEN)
        page.mouse.move(*first)
        page.mouse.down()
        for point in rest:
            page.mouse.move(*point, steps=6)
        page.mouse.up()
        page.locator(".pad-words", has_text=": 7 (").wait_for()
        assert traffic.outside == []


@in_browser
def test_an_exercise_with_nothing_written_in_it_runs_to_its_end_and_is_told_so(chromium, served):
    with tab.window(chromium, served.address) as (page, traffic):
        _run(page, served, "exercises/01_exploration.ipynb")
        said = json.dumps(tab.cells(page))
        assert said.count("your answer") >= 3
        assert traffic.outside == []


@in_browser
def test_work_is_kept_and_started_again_and_a_newer_edition_is_not_passed_over(
    chromium, site, served
):
    path = "exercises/02_sigmoid_simulation.ipynb"
    original = site / "run" / "files" / path
    with tab.window(chromium, served.address) as (page, _):
        _open_without_kernel(page, served, path)
        _write(page, "mine = 1")
        page.reload()
        _wait_for_notebook(page, path)
        assert _first_cell(page) == "mine = 1"
        assert not page.locator("#course-notice").is_visible()

        page.once("dialog", lambda dialog: dialog.accept())
        with page.expect_navigation():
            page.get_by_role("button", name="Start again").click()
        _wait_for_notebook(page, path)
        assert _first_cell(page).startswith("# ")

        _write(page, "mine = 2")
        notebook = json.loads(original.read_text(encoding="utf-8"))
        notebook["metadata"]["mnist_course"]["edition"] = "another"
        original.write_text(json.dumps(notebook), encoding="utf-8")
        page.reload()
        page.locator("#course-notice", has_text="A newer edition").wait_for()
        assert _first_cell(page) == "mine = 2"

        with page.expect_navigation():
            page.get_by_role("button", name="Keep mine").click()
        page.locator("#course-notice", has_text="Yours is kept as").wait_for()
        assert _first_cell(page).startswith("# ")
        assert support.violations(page, "#course-notice") == []
        with page.expect_navigation():
            page.locator("#course-notice a").click()
        _wait_for_notebook(page, path.replace(".ipynb", " (mine).ipynb"))
        assert _first_cell(page) == "mine = 2"


def test_the_tab_holds_each_lesson_and_exercise_without_outputs_and_with_its_links(site):
    assert (site / "run" / "notebooks" / "index.html").is_file()
    files = site / "run" / "files"
    for folder, linked in {"lessons": "../exercises/", "exercises": "../lessons/"}.items():
        paths = sorted((files / folder).glob("*.ipynb"))
        assert len(paths) == 10
        for path in paths:
            notebook = read_notebook(path)
            assert not any(cell.get("outputs") for cell in notebook.cells)
            assert f"]({linked}{path.name})" in json.dumps(notebook, ensure_ascii=False)
            assert "](../notebooks/" not in json.dumps(notebook)


def test_a_folder_without_mnist_is_named_and_passed_over(monkeypatch, tmp_path, capsys):
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(b"cut")
    monkeypatch.setenv("MNIST_COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("MNIST_COURSE_CACHE", str(tmp_path / "cache"))
    assert lite.first_rows() is None
    assert re.match(rf"{tmp_path} .*It is passed over\.", capsys.readouterr().out)


def test_the_course_s_wheel_holds_what_notebooks_import_and_not_the_workshop(tmp_path):
    names = zipfile.ZipFile(lite.course_wheel(tmp_path)).namelist()
    for wanted in (
        "mnist_course/published.csv",
        "mnist_course/results/ledger.csv",
        "mnist_course/checks/chapter_01.py",
        "mnist_course/front_end/drawing_pad.js",
    ):
        assert wanted in names
    assert not [name for name in names if name.startswith("mnist_course_tools")]


def test_a_changed_course_has_a_wheel_of_another_name(tmp_path):
    one, same, other = (
        lite.write_wheel(tmp_path, "course", "1", {"a.py": content}, [])
        for content in (b"1", b"1", b"2")
    )
    assert one == same != other


@pytest.fixture
def locked(tmp_path, monkeypatch) -> pyodide.Lock:
    """Return a lock of two small wheels, which the cache holds already."""
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv(pyodide.CACHE_VARIABLE, str(cache))
    wheels = {}
    for name, needed in {"one": ["two", "absent"], "two": []}.items():
        path = lite.write_wheel(cache, name, "1", {f"{name}/__init__.py": b""}, needed)
        wheels[path.name] = pyodide.checksum_of(path)
    listing = cache / "pyodide-lock.json"
    listing.write_text('{"info": {"python": "3.14.0"}, "packages": {"old": {}}}', encoding="utf-8")
    inside = {listing.name: pyodide.checksum_of(listing)}
    return pyodide.Lock("bundle==1", "3.12", "folder", inside, wheels)


def test_a_distribution_lists_its_wheels_with_what_they_need_of_each_other(locked, tmp_path):
    pyodide.assemble(tmp_path / "out", [], locked)
    listed = json.loads((tmp_path / "out" / "pyodide-lock.json").read_text(encoding="utf-8"))
    assert listed["info"] == {"python": "3.14.0"}
    assert {name: entry["depends"] for name, entry in listed["packages"].items()} == {
        "one": ["two"],
        "two": [],
    }
    for entry in listed["packages"].values():
        assert pyodide.checksum_of(tmp_path / "out" / entry["file_name"]) == entry["sha256"]
    assert listed["packages"]["one"]["imports"] == ["one"]


def test_a_damaged_wheel_is_refused_by_its_checksum(locked, tmp_path):
    (damaged, _) = sorted(locked.wheels)
    path = pyodide.cache_folder() / damaged
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(CourseError, match=r"(?s)one-1.*SHA-256.*What to do: delete"):
        pyodide.assemble(tmp_path / "out", [], locked)
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_fetched_is_an_error_that_says_what_to_do(locked, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    (pyodide.cache_folder() / sorted(locked.wheels)[0]).unlink()
    with pytest.raises(CourseError, match=r"(?s)one==1.*What to do: connect"):
        pyodide.assemble(tmp_path / "out", [], locked)


@pytest.fixture
def small_site(tmp_path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "index.html").write_text("<p>here</p>", encoding="utf-8")
    (folder / "pyodide.mjs").write_text("export {}", encoding="utf-8")
    (folder / "core.wasm").write_bytes(b"\0asm")
    return folder


def test_the_offline_bundle_opens_from_its_own_server(small_site, tmp_path):
    packed = tmp_path / "build" / bundle.NAME
    bundle.write(small_site, packed)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "elsewhere")
    (folder,) = (tmp_path / "elsewhere").iterdir()
    assert (folder / "READ-ME-FIRST.txt").is_file()
    process = subprocess.Popen(
        [sys.executable, "-I", "serve.py", "--no-browser", "--port", "0"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        address = process.stdout.readline().split()[4]
        types = {}
        for name in ("", "pyodide.mjs", "core.wasm"):
            with urllib.request.urlopen(address + name, timeout=10) as answer:
                types[name] = answer.headers["Content-Type"]
        assert types == {
            "": "text/html",
            "pyodide.mjs": "text/javascript",
            "core.wasm": "application/wasm",
        }
    finally:
        process.terminate()
        process.wait()


def test_the_same_site_makes_the_same_bundle(small_site, tmp_path):
    one, other = tmp_path / "one.zip", tmp_path / "other.zip"
    bundle.write(small_site, one)
    time.sleep(2.1)  # zip files count in steps of two seconds
    (small_site / "core.wasm").touch()
    bundle.write(small_site, other)
    assert one.read_bytes() == other.read_bytes()


def test_a_folder_without_a_site_is_not_packed(tmp_path):
    with pytest.raises(CourseError, match="no site to pack"):
        bundle.write(tmp_path, tmp_path / bundle.NAME)


def _open_without_kernel(page, served, path: str) -> None:
    page.goto(f"{served.address}run/notebooks/index.html?path={path}")
    _wait_for_notebook(page, path)


def _wait_for_notebook(page, path: str) -> None:
    page.wait_for_function(
        """path => {
            const widget = window.jupyterapp?.shell?.currentWidget;
            return widget?.context?.path === path && widget.context.isReady;
        }""",
        arg=path,
    )


def _first_cell(page) -> str:
    return page.evaluate(
        "window.jupyterapp.shell.currentWidget.content.model.cells.get(0).sharedModel.getSource()"
    )


def _write(page, source: str) -> None:
    """Change the first cell, and save."""
    page.evaluate(
        """async source => {
            const { content, context } = window.jupyterapp.shell.currentWidget;
            content.model.cells.get(0).sharedModel.setSource(source);
            await context.save();
        }""",
        source,
    )
