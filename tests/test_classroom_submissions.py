"""Submissions: whatever is handed in is read, put back into its frame, or refused in words."""

from __future__ import annotations

import copy
import io
import time
import zipfile

import pytest

from mnist_course_tools.classroom.assemble import AnotherAssignment, assemble
from mnist_course_tools.classroom.submission import (
    LARGEST,
    Submission,
    Unreadable,
    notebook_of,
    read_submission,
    student_name,
)
from tests.support.students import (
    QUICK,
    as_bytes,
    assignment_of,
    blank,
    cell_of,
    solved,
    submission_of,
)


@pytest.fixture
def sent():
    return solved(QUICK)


def _assembled(sent):
    return assemble(assignment_of(QUICK).notebook, blank(QUICK), sent)


def _code(made, name):
    (cell,) = (cell for cell in made.cells if cell.name == name)
    return cell.source


def _kinds(made):
    return [(cell.kind, cell.name) for cell in made.cells]


def test_a_notebook_as_it_should_be_is_taken_as_it_is(sent):
    made = _assembled(sent)
    assert made.notes == []
    assert _code(made, "exercise-4-1") == cell_of(sent, "exercise-4-1").source
    assert not any(cell.blank for cell in made.cells)


def test_a_blank_one_is_seen_to_be_blank():
    made = _assembled(blank(QUICK))
    assert made.notes == []
    assert all(cell.blank for cell in made.cells if cell.kind in ("answer", "words"))


@pytest.mark.parametrize("name", ["exercise-4-2", "check-4-2", "words-4-2"])
def test_a_deleted_cell_is_put_back_and_said(sent, name):
    whole = _kinds(_assembled(sent))
    sent.cells.remove(cell_of(sent, name))
    made = _assembled(sent)
    assert _kinds(made) == whole
    assert len(made.notes) == 1
    assert "of 4.2 was missing and has been put back" in made.notes[0]


def test_words_in_a_cell_of_ones_own_count_where_their_place_was_deleted(sent):
    from nbformat.v4 import new_markdown_cell

    place = sent.cells.index(cell_of(sent, "words-4-2"))
    sent.cells[place] = new_markdown_cell("Recall rises, precision falls.")
    made = _assembled(sent)
    assert _code(made, "words-4-2") == "Recall rises, precision falls."
    assert made.notes == ["The place for words of 4.2 was missing; other words were taken."]


def test_what_the_assignment_printed_is_no_part_of_an_answer(sent):
    cell = cell_of(sent, "words-4-2")
    cell.source = cell_of(blank(QUICK), "words-4-2").source.replace(
        "*Write your answer here.*", "Recall rises.\n\n*Write your answer here.*"
    )
    assert _code(_assembled(sent), "words-4-2") == "Recall rises."


def test_an_answer_in_a_cell_of_ones_own_counts_where_its_place_was_deleted(sent):
    place = sent.cells.index(cell_of(sent, "exercise-4-1"))
    own = sent.cells[place].source
    del sent.cells[place].metadata["nbgrader"]
    sent.cells[place].id = "another"
    made = _assembled(sent)
    kinds = [cell.kind for cell in made.cells]
    assert own in [cell.source for cell in made.cells if cell.kind == "own"]
    # What was put back comes first, so that it does not take the answer away again.
    assert kinds.index("answer") < kinds.index("own") < kinds.index("check")


def test_a_split_cell_is_put_together(sent):
    cell = cell_of(sent, "exercise-4-2")
    lines = cell.source.splitlines()
    half = copy.deepcopy(cell)
    cell.source, half.source = "\n".join(lines[:4]), "\n".join(lines[4:])
    half.id = "half"
    sent.cells.insert(sent.cells.index(cell) + 1, half)
    made = _assembled(sent)
    assert _code(made, "exercise-4-2") == "\n".join(lines)
    assert made.notes == ["The place for code of 4.2 stood there 2 times: put together."]


def test_of_copies_that_do_not_fit_together_what_can_run_is_kept(sent):
    cell = cell_of(sent, "exercise-4-1")
    copied = copy.deepcopy(cell)
    copied.source, copied.id = "def precision_recall(matrix):\n    return (", "copied"
    sent.cells.insert(sent.cells.index(cell), copied)
    assert _code(_assembled(sent), "exercise-4-1") == cell.source


def test_a_moved_cell_is_moved_back(sent):
    whole = _kinds(_assembled(sent))
    cell = cell_of(sent, "exercise-4-1")
    sent.cells.remove(cell)
    sent.cells.append(cell)
    made = _assembled(sent)
    assert _kinds(made) == whole
    assert made.notes == ["The place for code of 4.1 stood elsewhere and has been moved back."]


def test_a_rewritten_check_is_not_used(sent):
    original = cell_of(sent, "check-4-1").source
    cell_of(sent, "check-4-1").source = "print('✓ Exercise 4.1: right.')"
    made = _assembled(sent)
    assert _code(made, "check-4-1") == original
    assert made.notes == ["The check of 4.1 was changed; the original was used."]


def test_of_a_changed_cell_of_the_assignment_only_new_imports_are_kept(sent):
    cell = next(cell for cell in sent.cells if cell.source.startswith("mnist = load_mnist"))
    original = cell.source
    cell.source = "import math\nfrom collections import Counter\nmnist = None\n"
    made = _assembled(sent)
    at = [cell.source for cell in made.cells].index(original)
    assert made.cells[at + 1].kind == "own"
    assert made.cells[at + 1].source == "import math\nfrom collections import Counter"
    assert "your imports were kept" in made.notes[0]


def test_cells_of_ones_own_stay_where_they_were(sent):
    from nbformat.v4 import new_code_cell

    place = sent.cells.index(cell_of(sent, "exercise-4-3"))
    sent.cells.insert(place, new_code_cell("def helper():\n    return 1"))
    made = _assembled(sent)
    at = [cell.source for cell in made.cells].index("def helper():\n    return 1")
    assert made.cells[at].kind == "own"
    assert made.cells[at + 1].name == "exercise-4-3"


def test_cells_are_known_by_their_text_where_another_program_took_their_names(sent):
    for cell in sent.cells:
        cell.pop("id", None)
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.pop("nbgrader")
    assert _kinds(_assembled(sent)) == _kinds(_assembled(solved(QUICK)))


def test_another_assignment_is_told_from_this_one():
    other = solved("02_sigmoid_simulation")
    with pytest.raises(AnotherAssignment):
        _assembled(other)


def _zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("04_metrics.ipynb", as_bytes(solved(QUICK)))
    return file.getvalue()


def _changed(**changes):
    notebook = solved(QUICK)
    notebook.update(changes)
    import json

    return json.dumps(notebook).encode()


WHOLE = as_bytes(solved(QUICK))
UNREADABLE = {
    "nothing": ({}, "There is no notebook. In the folder: nothing at all."),
    "a script": ({"answer.py": b"x = 1"}, "There is no notebook, only answer.py"),
    "a zip": ({"work.zip": _zip()}, "only work.zip, a zip archive"),
    "a zip in disguise": ({f"{QUICK}.ipynb": _zip()}, "is not a notebook but a zip archive"),
    "an empty file": ({f"{QUICK}.ipynb": b" \n"}, "is empty"),
    "a page": ({f"{QUICK}.ipynb": b"<!DOCTYPE html><p>"}, "not a notebook: a web page"),
    "half of one": ({f"{QUICK}.ipynb": WHOLE[: len(WHOLE) // 2]}, "it was cut off or edited"),
    "a conflict": (
        {f"{QUICK}.ipynb": b"<<<<<<< HEAD\n" + WHOLE + b"\n>>>>>>> main"},
        "a conflict that git could not resolve",
    ),
    "another JSON file": ({f"{QUICK}.ipynb": b'{"a": 1}'}, "is a JSON file, but not a notebook"),
    "a list": ({f"{QUICK}.ipynb": b"[1, 2]"}, "is a JSON file, but not a notebook"),
    "deep nesting": ({f"{QUICK}.ipynb": b"[" * 100_000}, "is not a notebook"),
    "a newer format": ({f"{QUICK}.ipynb": _changed(nbformat=9)}, "format 9, which is newer"),
    "a damaged one": ({f"{QUICK}.ipynb": _changed(cells=[{"cell_type": "x"}])}, "is a damaged"),
    "another kernel": (
        {
            f"{QUICK}.ipynb": _changed(
                metadata={"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}
            )
        },
        "written for another kernel, R",
    ),
    "two of them": ({"a.ipynb": WHOLE, "b.ipynb": WHOLE}, "Two or more notebooks, none called"),
    "broken UTF-16": ({f"{QUICK}.ipynb": b"\xff\xfeabc"}, "is damaged"),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_is_no_notebook_is_refused_in_words(what):
    files, words = UNREADABLE[what]
    with pytest.raises(Unreadable) as refused:
        notebook_of(Submission("somebody", files), QUICK)
    assert words in str(refused.value)


def test_files_that_are_too_large_are_not_read(tmp_path):
    with (tmp_path / f"{QUICK}.ipynb").open("wb") as file:
        file.truncate(LARGEST + 1)
    submission = read_submission("somebody", tmp_path)
    with pytest.raises(Unreadable, match="or 20 MB of them"):
        notebook_of(submission, QUICK)


ODD = {
    "UTF-16": ({f"{QUICK}.ipynb": WHOLE.decode().encode("utf-16")}, "was saved as UTF-16"),
    "a mark": ({f"{QUICK}.ipynb": b"\xef\xbb\xbf" + WHOLE}, ""),
    "another name": ({"Übung 4 (1).ipynb": WHOLE}, "is called Übung 4 (1).ipynb"),
    "one more": ({f"{QUICK}.ipynb": WHOLE, "try.ipynb": b""}, "other notebooks beside it"),
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_only_odd_is_graded_and_said(what):
    files, words = ODD[what]
    notebook, notes = notebook_of(Submission("somebody", files), QUICK)
    assert _assembled(notebook).notes == []
    assert words in " ".join(notes)
    assert bool(notes) == bool(words)


def test_an_older_format_is_brought_up_to_date():
    import nbformat

    old = nbformat.convert(solved(QUICK), 3)
    notebook, _ = notebook_of(submission_of(nbformat.writes(old, version=3).encode()), QUICK)
    # The older format knows no tags and ids; cells are known by their text, answers by place.
    assert _kinds(_assembled(notebook)).count(("check", "check-4-1")) == 1


def test_links_are_not_followed_and_folders_left_alone(tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / f"{QUICK}.ipynb").write_bytes(WHOLE)
    folder = tmp_path / "work"
    (folder / "inner").mkdir(parents=True)
    (folder / f"{QUICK}.ipynb").symlink_to(secret / f"{QUICK}.ipynb")
    assert read_submission("somebody", folder).files == {}
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / QUICK).symlink_to(secret)
    (tmp_path / "linked").symlink_to(secret.parent / "student")
    for place in ("student", "linked"):
        found = read_submission("somebody", tmp_path / place / QUICK)
        assert found.files == {}
        assert "link to another place" in found.problem


def test_a_file_that_may_not_be_read_is_said(tmp_path, monkeypatch):
    (tmp_path / f"{QUICK}.ipynb").write_bytes(WHOLE)

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    assert "Permission denied" in read_submission("somebody", tmp_path).problem


@pytest.mark.parametrize("odd", [None, [], 5, "x", True, {"grade_id": None}, {"solution": [1]}])
def test_metadata_of_any_kind_are_no_reason_to_stop(sent, odd):
    written = cell_of(sent, "exercise-4-1").source
    for cell in sent.cells:
        if not cell.metadata.get("nbgrader", {}).get("grade_id"):
            cell.metadata["nbgrader"] = odd
    assert _code(_assembled(sent), "exercise-4-1") == written


@pytest.mark.parametrize("code", ['=%\x0c"""[', "x1=%time 1\n" * 20_000, "(" * 5_000])
def test_pieces_that_no_python_reads_are_put_together_all_the_same(sent, code):
    cell = cell_of(sent, "exercise-4-1")
    piece = copy.deepcopy(cell)
    piece.source = code
    sent.cells.insert(0, piece)
    start = time.perf_counter()
    assert _code(_assembled(sent), "exercise-4-1")
    assert time.perf_counter() - start < 30  # IPython alone would take minutes


def test_a_name_that_is_too_long_is_cut_and_told_apart():
    long, other = (letter * 250 for letter in "ef")
    assert student_name("Zoë") == "Zoë"
    assert len(student_name(long)) < 60
    assert student_name(long) != student_name("e" * 251) != student_name(other)
