"""The learner's edition: handed out without answers, and what the learner changed is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output

from mnist_course.errors import CourseError
from mnist_course_tools.notebooks import find_notebooks, read_notebook, write_notebook
from mnist_course_tools.start import course_folder, start
from tests.support import disks
from tests.support import notebooks as support

LESSON, EXERCISE = Path("notebooks/01_tiny.ipynb"), Path("exercises/01_tiny.ipynb")


@pytest.fixture
def course(tmp_path):
    """Return a course of one lesson, its exercises and their solutions."""
    folder = tmp_path / "course"
    support.write_notebook(folder / LESSON, "1 + 1")
    support.write_notebook(folder / EXERCISE, "answer = None")
    support.write_notebook(folder / "exercises/solutions/01_tiny.ipynb", "answer = 42")
    _run(folder / LESSON, "2")
    return folder


def _run(path: Path, text: str) -> None:
    """Leave an output in the last cell, as a run would."""
    notebook = read_notebook(path)
    notebook.cells[-1].execution_count = 3
    notebook.cells[-1].outputs = [new_output("stream", text=text)]
    write_notebook(path, notebook)


def _edit(path: Path, source: str) -> None:
    notebook = read_notebook(path)
    notebook.cells[-1].source = source
    write_notebook(path, notebook)


def _last(path: Path) -> str:
    return read_notebook(path).cells[-1].source


def test_lessons_come_without_outputs_and_solutions_only_when_asked_for(course, tmp_path):
    mine = tmp_path / "mine"
    done = start(mine, course=course)
    assert set(done.new) == {LESSON, EXERCISE}
    (cell,) = (c for c in read_notebook(mine / LESSON).cells if c.source == "1 + 1")
    assert cell.outputs == [] and cell.execution_count is None
    assert not (mine / "exercises" / "solutions").exists()
    done = start(mine, course=course, solutions=True)
    assert [path.as_posix() for path in done.new] == ["exercises/solutions/01_tiny.ipynb"]


def test_a_second_start_changes_nothing(course, tmp_path):
    mine = tmp_path / "mine"
    start(mine, course=course)
    before = {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()}
    done = start(mine, course=course)
    assert not (done.new or done.replaced or done.kept or done.beside)
    assert {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()} == before


def test_a_newer_version_replaces_what_the_learner_left_alone(course, tmp_path):
    mine = tmp_path / "mine"
    start(mine, course=course)
    # Opening it in JupyterLab and saving leaves notes in the metadata, and that is no change.
    notebook = read_notebook(mine / LESSON)
    notebook.metadata["language_info"] = {"name": "python", "version": "3.12.1"}
    notebook.cells[0].metadata["jp-MarkdownHeadingCollapsed"] = True
    nbformat.write(notebook, mine / LESSON)
    _edit(course / LESSON, "2 + 2")
    done = start(mine, course=course)
    assert done.replaced == (LESSON,)
    assert _last(mine / LESSON) == "2 + 2"


@pytest.mark.parametrize("change", ["a cell", "an output"])
def test_what_the_learner_changed_is_kept_and_the_newer_version_lies_beside_it(
    course, tmp_path, change
):
    mine = tmp_path / "mine"
    start(mine, course=course)
    if change == "a cell":
        _edit(mine / LESSON, "my own words")
    else:
        _run(mine / LESSON, "a result that took minutes")
    own = (mine / LESSON).read_bytes()
    assert start(mine, course=course).kept == (LESSON,)  # nothing newer: nothing beside it
    assert len(list((mine / "notebooks").iterdir())) == 1

    _edit(course / LESSON, "2 + 2")
    done = start(mine, course=course)
    beside = Path("notebooks/01_tiny.new.ipynb")
    assert done.beside == {LESSON: beside}
    assert (mine / LESSON).read_bytes() == own
    assert _last(mine / beside) == "2 + 2"

    # Once is enough, even if the learner throws the new one away.
    (mine / beside).unlink()
    assert start(mine, course=course).beside == {}
    assert (mine / LESSON).read_bytes() == own


def test_a_newer_version_that_the_learner_has_begun_to_work_in_is_kept_too(course, tmp_path):
    mine = tmp_path / "mine"
    start(mine, course=course)
    _edit(mine / LESSON, "mine")
    _edit(course / LESSON, "second")
    start(mine, course=course)
    _edit(course / LESSON, "third")
    assert start(mine, course=course).beside[LESSON].name == "01_tiny.new.ipynb"
    assert _last(mine / "notebooks/01_tiny.new.ipynb") == "third"
    _edit(mine / "notebooks/01_tiny.new.ipynb", "mine as well")
    _edit(course / LESSON, "fourth")
    assert start(mine, course=course).beside[LESSON].name == "01_tiny.new-2.ipynb"
    assert _last(mine / "notebooks/01_tiny.new.ipynb") == "mine as well"
    assert _last(mine / LESSON) == "mine"
    # Taking the newest over one's own is the end of it.
    (mine / "notebooks/01_tiny.new-2.ipynb").replace(mine / LESSON)
    assert start(mine, course=course).kept == ()


def test_a_lesson_that_was_deleted_comes_back(course, tmp_path):
    mine = tmp_path / "mine"
    start(mine, course=course)
    (mine / LESSON).unlink()
    assert start(mine, course=course).new == (LESSON,)


@pytest.mark.parametrize("note", ["{", "[]", '{"notebooks/01_tiny.ipynb": 3}', ""])
def test_with_a_damaged_note_nothing_of_the_learners_is_replaced(course, tmp_path, note):
    mine = tmp_path / "mine"
    start(mine, course=course)
    _edit(mine / LESSON, "mine")
    (mine / ".mnist-course.json").write_text(note, encoding="utf-8")
    _edit(course / LESSON, "2 + 2")
    assert LESSON in start(mine, course=course).beside
    assert _last(mine / LESSON) == "mine"


def test_a_notebook_that_cannot_be_read_any_more_is_kept(course, tmp_path):
    mine = tmp_path / "mine"
    start(mine, course=course)
    (mine / LESSON).write_text("<<<<<<< mine", encoding="utf-8")
    _edit(course / LESSON, "2 + 2")
    assert LESSON in start(mine, course=course).beside
    assert (mine / LESSON).read_text(encoding="utf-8") == "<<<<<<< mine"


def test_git_leaves_the_folder_alone(course, tmp_path):
    mine = tmp_path / "repository" / "mine"
    mine.parent.mkdir()
    subprocess.run(["git", "init", "--quiet", str(mine.parent)], check=True)
    start(mine, course=course)
    status = ["git", "-C", str(mine.parent), "status", "--porcelain", "--untracked-files=all"]
    assert subprocess.run(status, capture_output=True, text=True).stdout == ""


def test_in_a_folder_that_is_in_use_git_sees_what_it_saw_before(course, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "mine.py").write_text("pass", encoding="utf-8")
    start(mine, course=course)
    assert not (mine / ".gitignore").exists()


def test_the_course_itself_is_no_folder_of_ones_own(course):
    inside = course / "exercises" / "source"
    for folder in (course, course / "notebooks", course / "exercises", inside):
        with pytest.raises(CourseError, match="holds the course itself"):
            start(folder, course=course)


def test_a_folder_that_cannot_be_written_is_said_in_words(course, tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with pytest.raises(CourseError, match="cannot be put into"):
        start(tmp_path / "file" / "mine", course=course)


def test_a_full_disk_costs_the_learner_nothing(course, tmp_path):
    mine = tmp_path / "disk" / "mine"
    with disks.small_disk(tmp_path / "disk", kilobytes=100):
        start(mine, course=course)
        _edit(mine / EXERCISE, "mine")
        before = {path: path.read_bytes() for path in mine.rglob("*.ipynb")}
        _edit(course / LESSON, "x = 1\n" * 20_000)
        _edit(course / EXERCISE, "y = 1\n" * 20_000)
        with pytest.raises(CourseError, match="No space left"):
            start(mine, course=course)
        assert {path: path.read_bytes() for path in mine.rglob("*.ipynb")} == before


def test_the_command_says_what_is_new_and_what_was_kept(tmp_path):
    def command(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mnist_course_tools", "start", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    count = sum(len(find_notebooks(course_folder() / p)) for p in ("notebooks", "exercises"))
    first = command()
    assert f"my-course: {count} notebook(s) new" in first
    assert first.rstrip().endswith(" lab")  # what to type next
    mine = tmp_path / "my-course"
    path = find_notebooks(mine / "exercises")[0]
    _edit(path, "mine")
    note = json.loads((mine / ".mnist-course.json").read_text(encoding="utf-8"))
    # As if the course had become newer meanwhile.
    note[f"exercises/{path.name}"]["put"] = "an older one"
    (mine / ".mnist-course.json").write_text(json.dumps(note), encoding="utf-8")
    said = command("my-course")
    assert "1 notebook(s) changed by you and kept as they are" in said
    assert f"there is a newer exercises/{path.name}" in said.replace("\\", "/")
    assert said.rstrip().endswith(' lab "my-course"')


def test_inside_such_a_folder_start_means_that_folder(course, tmp_path, monkeypatch):
    from mnist_course_tools.start import default_folder

    monkeypatch.chdir(tmp_path)
    assert default_folder() == Path("my-course")
    start(tmp_path / "mine", course=course)
    monkeypatch.chdir(tmp_path / "mine")
    assert default_folder() == Path()


def _first_cell_runs(mine: Path, *, there: bool) -> list[str]:
    """Run the first code cell with a pip that only notes what it is asked for."""
    from IPython.core.interactiveshell import InteractiveShell

    code = next(c.source for c in read_notebook(mine / LESSON).cells if c.cell_type == "code")
    shell, asked = InteractiveShell(), []
    shell.register_magic_function(asked.append, "line", "pip")
    with pytest.MonkeyPatch.context() as patch:
        if not there:
            patch.setitem(sys.modules, "mnist_course", None)  # as if it were not installed
        assert shell.run_cell(code, silent=True).success
    return asked


def test_a_notebook_installs_the_helper_where_it_is_missing_and_nothing_else_anew(course, tmp_path):
    mine = tmp_path / "mine"
    start(mine, course=course)
    assert _first_cell_runs(mine, there=True) == []
    others, helper = _first_cell_runs(mine, there=False)
    assert helper.split()[-2:] == ["--no-deps", "mnist-course"]
    # What Colab has already must not be replaced: no package with numbers is asked for.
    assert not set(others.split()) & {"numpy", "pandas", "scikit-learn", "matplotlib"}
