"""Each house rule finds its one defect in a tiny notebook, and nothing in a good one."""

import json
from copy import deepcopy

import nbformat
import pytest
from nbformat import v4

from mnist_course_tools.check.house import (
    MOST_BYTES,
    MOST_CELLS,
    MOST_CODE_LINES,
    RULES,
    check_file,
    problems,
)
from mnist_course_tools.normalise import normalise
from mnist_course_tools.outputs import WIDGET_MIME

TITLE = "# How many pixels are empty?\n\nWe count them."
OBJECTIVES = """## Objectives, prerequisites, time

- Count zero pixels,
all of them.

  Those at the border too.

- Draw a histogram,
  with labels.
  - an inner point

Prerequisites:

- Python"""
TAKEAWAYS = """## Take-aways

```python
# Objectives in a comment
```

1. Most pixels are zero.
2. A histogram shows it."""
PARAMETERS = 'import os\n\nsource: str = "auto"\nprofile, seed = "quick", 42'
ALT = "Histogram of the zero pixels of each picture"


def picture(mime="image/png", alt=ALT):
    # A real base64 text may hold what looks like a path.
    data = {mime: "iVBO+/tmp/abcd", "text/plain": "<Figure size 640x480 with 1 Axes>"}
    return v4.new_output("display_data", data=data, metadata={mime: {"alt": alt}})


def text(value, name="stdout"):
    return v4.new_output("stream", name=name, text=value)


def result(value, mime="text/plain"):
    return v4.new_output("execute_result", data={mime: value}, execution_count=2)


def good_notebook():
    cells = [
        v4.new_markdown_cell(TITLE),
        v4.new_markdown_cell(OBJECTIVES),
        v4.new_code_cell(PARAMETERS, execution_count=1, metadata={"tags": ["parameters"]}),
        v4.new_code_cell('print("a;")', execution_count=2, outputs=[text("a; 3/4 and/or 1")]),
        v4.new_code_cell("draw()", execution_count=3, outputs=[picture()]),
        v4.new_code_cell(""),
        v4.new_markdown_cell(TAKEAWAYS),
    ]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})
    return normalise(notebook, notebook)


@pytest.fixture
def notebook():
    return good_notebook()


def only_problem(notebook, **options):
    """Return the one problem of a notebook with one defect."""
    found = problems(notebook, name="01_empty.ipynb", **options)
    assert len(found) == 1, found
    assert found[0].startswith("01_empty.ipynb, ")
    return found[0]


def test_a_good_notebook_has_no_problem(notebook):
    assert problems(notebook, name="good", size=MOST_BYTES) == []


def test_checking_changes_nothing(notebook):
    before = deepcopy(notebook)
    problems(notebook, name="good")
    assert notebook == before


def test_a_cell_that_was_never_run(notebook):
    notebook.cells[3].execution_count = None
    notebook.cells[3].outputs = []
    assert "cell 4: never run" in only_problem(notebook)


def test_a_notebook_that_was_never_run_is_one_problem(notebook):
    for index in (2, 3, 4):
        notebook.cells[index].execution_count = None
    assert "cells 3, 4, 5: never run" in only_problem(notebook)


@pytest.mark.parametrize("counts", [(1, 3, 2), (2, 3, 4), (1, 2, 4), (1, 1, 2)])
def test_cells_run_out_of_order(notebook, counts):
    for index, count in zip((2, 3, 4), counts, strict=True):
        notebook.cells[index].execution_count = count
    found = problems(notebook, name="01_empty.ipynb")
    assert found and all("execution_count: not as a run leaves it" in p for p in found)


@pytest.mark.parametrize("kernelspec", [{"name": "my-env"}, {}])
def test_another_kernel(notebook, kernelspec):
    notebook.metadata.kernelspec = nbformat.from_dict(kernelspec)
    assert "whole notebook: metadata: not as a run leaves it" in only_problem(notebook)


def test_too_large_a_file(notebook):
    assert "600,001 bytes" in only_problem(notebook, size=MOST_BYTES + 1)


def test_too_many_cells(notebook):
    missing = MOST_CELLS - len(notebook.cells)
    notebook.cells += [v4.new_markdown_cell("text") for _ in range(missing)]
    assert problems(notebook, name="full") == []
    notebook.cells.append(v4.new_markdown_cell("text"))
    assert f"{MOST_CELLS + 1} cells" in only_problem(notebook)


@pytest.mark.parametrize("title", ["# Empty pixels", "## How many?", "Badge\n# How many?", ""])
def test_a_title_that_is_no_question(notebook, title):
    notebook.cells[0].source = title
    assert "a question" in only_problem(notebook)


def test_a_code_cell_before_the_title(notebook):
    notebook.cells.insert(0, v4.new_code_cell(""))
    assert "begin with a text cell" in only_problem(notebook)


@pytest.mark.parametrize(("index", "word"), [(1, "objectives"), (6, "take-aways")])
def test_a_missing_section(notebook, index, word):
    notebook.cells[index].source = f"No heading, but the word {word}."
    assert f"no heading with the word '{word}'" in only_problem(notebook)


def test_a_section_without_a_list(notebook):
    notebook.cells[6].source = "## Take-aways\n\nMuch.\n\n## References\n\n- A book"
    assert "cell 7: the section 'take-aways' holds no list" in only_problem(notebook)


def test_fewer_takeaways_than_objectives(notebook):
    notebook.cells[6].source = "## Take-aways\n\n- One."
    assert "2 objectives but 1 take-aways" in only_problem(notebook)


@pytest.mark.parametrize("minutes", [1, 12, 60])
def test_minutes_that_are_far_from_those_of_reading(notebook, minutes):
    body = notebook.cells[6].source
    notebook.cells[6].source = f"{body}\n\n**Predict** it. " + "word " * 1000
    notebook.cells[0].source = f"{TITLE}\n\n**Time:** about 8 minutes."
    assert problems(notebook, name="read") == []  # 1000 words, five lines, a picture, a prediction
    notebook.cells[0].source = f"{TITLE}\n\n**Time:** about {minutes} minutes."
    assert f"it says {minutes} minutes, and reading takes about 8" in only_problem(notebook)


def test_no_parameters_cell(notebook):
    notebook.cells[2].metadata = nbformat.from_dict({})
    assert "0 code cells are tagged 'parameters'" in only_problem(notebook)


def test_two_parameters_cells(notebook):
    notebook.cells[3].metadata = nbformat.from_dict({"tags": ["parameters"]})
    assert "2 code cells are tagged 'parameters'" in only_problem(notebook)


@pytest.mark.parametrize(
    "source",
    [
        'source = "auto"\nprofile = "quick"',
        'source = "auto"\nprofile = "quick"\nseed: int',
        'source = "auto"\nprofile = "quick"\nif source:\n    seed = 1',
    ],
)
def test_a_missing_parameter(notebook, source):
    notebook.cells[2].source = source
    assert "cell 3: the parameters lack seed" in only_problem(notebook)


def test_parameters_that_are_not_python(notebook):
    notebook.cells[2].source = "source ="
    assert "cell 3: the parameters are not plain Python" in only_problem(notebook)


@pytest.mark.parametrize("mime", ["image/png", "image/jpeg", "image/svg+xml"])
@pytest.mark.parametrize("alt", ["", "   ", "A histogram"])
def test_a_figure_without_a_description(notebook, mime, alt):
    notebook.cells[4].outputs = [picture(mime, alt)]
    assert f"cell 5: a picture ({mime}) has no description" in only_problem(notebook)


def test_a_figure_without_any_metadata(notebook):
    notebook.cells[4].outputs[0].metadata = nbformat.from_dict({})
    assert "has no description" in only_problem(notebook)


ABSOLUTE = [
    "/home/ada/mnist",
    "see '/home/ada/data.csv'",
    "path:/Users/ada/x",
    "/" + "work/course",
    "(/tmp)",
    "file:///home/ada",
    r"C:\Users\ada",
    r"'C:\\Users\\ada'",
    "D:/Temp/x",
]
NO_PATHS = [
    "https://example.org/home/ada and http://host/~ada/tmp/x",
    "~/notes/data",
    "../tmp/x, ./work, data/home",
    "3/4 or 1 / 2, km/h, and/or",
    "{folder}/tmp/x",
    r"$f:\mathbb{R}\to[0,1]$, C:\alpha",
    "/homework",
    "/* comment */",
    '<img src="data:image/png;base64,AAAA+/tmp/abcd">',
]


@pytest.mark.parametrize("path", ABSOLUTE)
def test_an_absolute_path_in_a_source(notebook, path):
    notebook.cells[0].source += f"\n\n{path}"
    assert "cell 1: its source holds the path" in only_problem(notebook)


@pytest.mark.parametrize("path", ABSOLUTE)
def test_an_absolute_path_in_an_output(notebook, path):
    shown = [text(path), result(path), result({"folder": [path]}, mime="application/json")]
    for output in shown:
        notebook.cells[3].outputs = [output]
        assert "cell 4: its output holds the path" in only_problem(notebook)


@pytest.mark.parametrize("harmless", NO_PATHS)
def test_what_only_looks_like_an_absolute_path(notebook, harmless):
    notebook.cells[0].source += f"\n\n{harmless}"
    notebook.cells[3].outputs = [text(harmless)]
    assert problems(notebook, name="good") == []


def test_stderr(notebook):
    notebook.cells[3].outputs = [text("ConvergenceWarning: more\n", name="stderr")]
    assert "cell 4: outputs: not as a run leaves it" in only_problem(notebook)


def test_an_error(notebook):
    failed = v4.new_output("error", ename="KeyError", evalue="x", traceback=[])
    notebook.cells[3].outputs = [failed]
    assert "cell 4: ends in KeyError" in only_problem(notebook)


@pytest.mark.parametrize("shown", ["<Thing at 0x7f3a>", "<a.B object at 0x00007F3A>"])
def test_a_memory_address(notebook, shown):
    notebook.cells[3].outputs = [result(shown)]
    assert "cell 4: shows a memory address" in only_problem(notebook)


@pytest.mark.parametrize("source", ["draw();", "draw() ;  # quiet", "%time draw();", "draw();\n\n"])
def test_a_trailing_semicolon(notebook, source):
    notebook.cells[4].source = source
    assert "cell 5: ends with ';'" in only_problem(notebook)


@pytest.mark.parametrize("source", ["a = 1; b = 2", "f(';')", "# done;", "'''a;'''", "!ls"])
def test_a_semicolon_elsewhere(notebook, source):
    notebook.cells[4].source = source
    assert problems(notebook, name="good") == []


@pytest.mark.parametrize("key", ["papermill", "execution", "widgets"])
def test_metadata_of_a_run(notebook, key):
    notebook.metadata[key] = nbformat.from_dict({"a": 1})
    assert "whole notebook: metadata: not as a run leaves it" in only_problem(notebook)


@pytest.mark.parametrize("key", ["papermill", "execution", "collapsed"])
def test_metadata_of_a_run_in_a_cell(notebook, key):
    notebook.cells[0].metadata[key] = nbformat.from_dict({"duration": 1})
    assert "cell 1: metadata: not as a run leaves it" in only_problem(notebook)


def test_an_injected_cell(notebook):
    notebook.cells[3].metadata["tags"] = ["injected-parameters"]
    assert "a cell with parameters of a run is left over" in only_problem(notebook)


def test_a_widget_view_and_what_only_a_living_page_shows(notebook):
    for mime, content in ((WIDGET_MIME, {"model_id": "a"}), ("text/html", "<img>")):
        notebook.cells[4].outputs = [picture()]
        notebook.cells[4].outputs[0].data[mime] = nbformat.from_dict(content)
        assert "cell 5: outputs: not as a run leaves it" in only_problem(notebook)


def test_a_long_code_cell(notebook):
    notebook.cells[4].source = "a = 1\n\n" * MOST_CODE_LINES
    assert problems(notebook, name="good") == []
    notebook.cells[4].source = (
        "from math import (\n    pi,\n    tau,\n)\n" + notebook.cells[4].source
    )
    assert problems(notebook, name="good") == []
    notebook.cells[4].source += "claim(\n    'It is so',\n    a > 1,\n)\n"
    assert not [p for p in problems(notebook, name="good") if "lines of code" in p]
    notebook.cells[4].source += "a = 1"
    (problem,) = (p for p in problems(notebook, name="good") if "lines of code" in p)
    assert f"cell 5: {MOST_CODE_LINES + 1} lines of code" in problem


def test_a_cell_without_an_id(notebook):
    del notebook.cells[3]["id"]
    assert "cell 4: has no id" in only_problem(notebook)


def test_two_cells_with_one_id(notebook):
    notebook.cells[3].id = notebook.cells[0].id
    assert "cell 4: has the id" in only_problem(notebook)


@pytest.mark.parametrize("tag", ["nbval-skip", "nbval-ignore-output", "raises-exception"])
def test_a_tag_that_hides_a_cell_from_nbval(notebook, tag):
    notebook.cells[3].metadata["tags"] = [tag]
    assert f"cell 4: {tag} keeps it from being checked" in only_problem(notebook)


def test_a_comment_that_hides_a_cell_from_nbval(notebook):
    notebook.cells[3].source += "\n# NBVAL_IGNORE_OUTPUT"
    assert "cell 4: NBVAL_IGNORE_OUTPUT keeps it" in only_problem(notebook)


def test_no_rule_fails_on_an_empty_notebook():
    found = problems(v4.new_notebook(), name="empty")
    assert len(found) == 5  # metadata, title, objectives, take-aways, parameters
    assert len(RULES) > len(found)


# --- files -----------------------------------------------------------------------------------


def test_a_good_file(notebook, tmp_path):
    path = tmp_path / "Übung 1.ipynb"
    nbformat.write(notebook, path)
    assert check_file(path) == []


def test_ids_missing_in_a_file_are_not_mended_while_reading(notebook, tmp_path):
    for cell in notebook.cells:
        del cell["id"]
    path = tmp_path / "01_empty.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert len(check_file(path)) == len(notebook.cells)


def test_the_size_of_a_file_is_checked(notebook, tmp_path):
    notebook.cells[4].outputs[0].data["image/png"] = "A" * MOST_BYTES
    path = tmp_path / "01_empty.ipynb"
    nbformat.write(notebook, path)
    (problem,) = check_file(path)
    assert f"{path.stat().st_size:,} bytes" in problem


@pytest.mark.parametrize("content", ["", "{}", '{"cells": []}', "[]", "not json"])
def test_a_file_that_is_no_notebook(tmp_path, content):
    path = tmp_path / "01_empty.ipynb"
    path.write_text(content, encoding="utf-8")
    (problem,) = check_file(path)
    assert problem.startswith("01_empty.ipynb is not a notebook")
