"""The exercises: three editions of one source, none of which gives away what it should not."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path

import pytest

from mnist_course.profiles import get_profile
from mnist_course_tools.check.house import check_file
from mnist_course_tools.exercises import (
    learners_edition,
    solutions_edition,
    without_outputs,
    write_editions,
)
from mnist_course_tools.notebooks import find_notebooks, read_notebook, write_notebook
from mnist_course_tools.run.runner import Runner

ROOT = Path(__file__).parents[1]
EXERCISES = ROOT / "exercises"
SOURCES = find_notebooks(EXERCISES / "source")
_REGION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
REMEDY = "Build the editions again: make exercises"
each_source = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def _checks(notebook) -> list[str]:
    """Return what the checks of a run notebook said."""
    return [
        output.data["text/plain"]
        for cell in notebook.cells
        if "check(" in cell.source
        for output in cell.get("outputs", ())
        if "text/markdown" in output.get("data", {})
    ]


def _numbers(notebook) -> list[str]:
    return [
        number
        for cell in notebook.cells
        if cell.cell_type == "code"
        for number in re.findall(r'^check\("([\d.]+)"', cell.source, re.MULTILINE)
    ]


def test_every_lesson_has_its_exercises():
    lessons = [path.name for path in find_notebooks(ROOT / "notebooks")]
    assert [path.name for path in SOURCES] == lessons
    assert [path.name for path in find_notebooks(EXERCISES)] == lessons
    assert [path.name for path in find_notebooks(EXERCISES / "solutions")] == lessons
    for name in lessons:
        assert (
            f"](../exercises/{name})" in read_notebook(ROOT / "notebooks" / name).cells[-1].source
        )


@each_source
def test_there_are_three_or_four_exercises_and_each_has_a_level(source):
    notebook = read_notebook(source)
    tasks = [c.source for c in notebook.cells if re.match(r"## \d+\.\d ", c.source)]
    assert 3 <= len(tasks) == len(_numbers(notebook)) <= 4
    for task in tasks:
        assert re.search(r"^\*(Warm-up|Core|Challenge)\b", task, re.MULTILINE), task[:60]
    assert any("find the bug" in task for task in tasks)
    assert any("beat this number" in task for task in tasks)


@each_source
def test_the_learners_edition_is_what_the_source_makes(source):
    wanted = learners_edition(read_notebook(source))
    assert read_notebook(EXERCISES / source.name) == wanted, REMEDY


@each_source
def test_the_solutions_are_what_the_source_makes(source):
    wanted = solutions_edition(read_notebook(source))
    committed = without_outputs(read_notebook(EXERCISES / "solutions" / source.name))
    assert committed == wanted, REMEDY


def test_words_can_change_without_a_new_run_and_code_cannot(tmp_path):
    path = SOURCES[1]
    for part in ("source", "solutions"):
        (tmp_path / part).mkdir()
        shutil.copy(EXERCISES / part / path.name, tmp_path / part)
    solved = tmp_path / "solutions" / path.name
    before = read_notebook(solved)
    assert write_editions(tmp_path) == []
    assert read_notebook(solved) == before

    source = read_notebook(tmp_path / "source" / path.name)
    source.cells[0].source += " And more."
    write_notebook(tmp_path / "source" / path.name, source)
    assert write_editions(tmp_path) == []
    after = read_notebook(solved)
    assert after.cells[0].source.endswith("And more.")
    assert [c.get("outputs") for c in after.cells] == [c.get("outputs") for c in before.cells]

    (check,) = (cell for cell in source.cells if 'check("2.1"' in cell.source)
    check.source += "  # again"
    write_notebook(tmp_path / "source" / path.name, source)
    assert write_editions(tmp_path) == [solved]
    assert not any(cell.get("outputs") for cell in read_notebook(solved).cells)

    solved.write_text("<<<<<<< damaged", encoding="utf-8")
    assert write_editions(tmp_path) == [solved]


@each_source
def test_the_learners_edition_gives_no_answer_away(source):
    """Neither code nor words of a solution, nor any output, are in it."""
    learners = (EXERCISES / source.name).read_text(encoding="utf-8")
    notebook = read_notebook(EXERCISES / source.name)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    assert "SOLUTION" not in learners
    # A hint may quote a line; where the learner writes nothing of it stands.
    seen = "\n".join(
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" or "nbgrader" in cell.metadata
    )
    for cell in read_notebook(source).cells:
        for region in _REGION.findall(cell.source):
            for line in region.splitlines():
                if len(line.strip()) > 25:
                    assert line.strip() not in seen


@each_source
def test_every_exercise_has_a_place_to_write_and_a_check_that_is_locked(source):
    cells = read_notebook(EXERCISES / source.name).cells
    graded = {c.metadata.nbgrader.grade_id: c for c in cells if "nbgrader" in c.metadata}
    for number in _numbers(read_notebook(source)):
        place = number.replace(".", "-")
        stub, check = graded[f"exercise-{place}"], graded[f"check-{place}"]
        assert "pass  # your code here" in stub.source
        ast.parse(stub.source)
        assert stub.metadata.get("editable", True) and not stub.metadata.deletable
        assert check.metadata.editable is False and check.metadata.nbgrader.points > 0
        assert "*Write your answer here.*" in graded[f"words-{place}"].source


@each_source
def test_hints_come_in_steps_and_folded(source):
    for cell in read_notebook(source).cells:
        if re.match(r"## \d+\.\d+ ", cell.source):
            hints = re.findall(r"<details><summary>Hint (\d)</summary>", cell.source)
            assert hints == [str(n) for n in range(1, len(hints) + 1)]
            assert len(hints) >= 2


@each_source
def test_solutions_keep_the_house_rules(source):
    assert check_file(EXERCISES / "solutions" / source.name) == []


@each_source
def test_committed_solutions_are_right(source):
    notebook = read_notebook(EXERCISES / "solutions" / source.name)
    said = _checks(notebook)
    assert len(said) == len(_numbers(notebook))
    assert all(words.startswith("✓") for words in said), said


@each_source
def test_solutions_run_on_the_digits_and_are_right_there_too(source, tmp_path):
    path = EXERCISES / "solutions" / source.name
    (outcome,) = Runner(get_profile("quick"), "digits", tmp_path).run([path])
    assert outcome.failure is None, outcome.failure.traceback
    said = _checks(read_notebook(outcome.output))
    assert len(said) == len(_numbers(read_notebook(path)))
    assert all(words.startswith("✓") for words in said), said


@each_source
def test_the_learners_edition_runs_to_its_end_with_nothing_written(source, tmp_path):
    path = EXERCISES / source.name
    (outcome,) = Runner(get_profile("quick"), "digits", tmp_path).run([path])
    assert outcome.failure is None, outcome.failure.traceback
    said = _checks(read_notebook(outcome.output))
    assert len(said) == len(_numbers(read_notebook(path)))
    assert all("nothing here yet" in words or "returns nothing yet" in words for words in said)


@pytest.mark.parametrize("folder", ["exercises", "exercises/solutions"])
def test_every_link_between_notebooks_leads_to_one(folder):
    for path in find_notebooks(ROOT / folder):
        text = "\n".join(c.source for c in read_notebook(path).cells if c.cell_type == "markdown")
        targets = re.findall(r"\]\(([^)#:]+\.ipynb)\)", text)
        assert targets, path
        assert not [target for target in targets if not (path.parent / target).exists()], path
        # Nobody is led from an exercise to solutions, nor past the next exercises.
        assert not [t for t in targets if (path.parent / t).resolve().parent.name == "solutions"]
