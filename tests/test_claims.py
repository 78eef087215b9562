"""`claim`: a sentence that holds, one that does not, and what a run makes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mnist_course.claims import CLAIM_MIME, Claim, claimer
from mnist_course.errors import CourseError
from mnist_course.profiles import get_profile
from mnist_course_tools.check.claim_rules import claims_are_computed, claims_stand_once
from mnist_course_tools.claims import (
    claim_problems,
    collect_claims,
    read_claims,
    replace,
    rows_of,
    write_claims,
)
from mnist_course_tools.notebooks import read_notebook, write_notebook
from mnist_course_tools.run.runner import Runner
from tests.support import notebooks as support

SENTENCE = "Twenty times the steps, and the test accuracy is no better"


@pytest.fixture
def shown(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    return shown


def test_a_claim_that_holds_is_a_sentence_with_a_mark_and_its_values(shown):
    claimer("mnist", "full")(SENTENCE, 0.915 <= 0.917, late=0.91507, steps=2000, took="3 s")
    (data,) = shown
    expected = f"✓ {SENTENCE} (late 0.915, steps 2,000, took 3 s)."
    assert data["text/plain"] == data["text/markdown"] == expected
    assert data[CLAIM_MIME] == {
        "sentence": SENTENCE,
        "holds": True,
        "profile": "full",
        "source": "mnist",
    }


def test_on_all_rows_a_claim_that_does_not_hold_says_so(shown):
    claimer("mnist", "full")(SENTENCE, False)
    assert shown[0]["text/plain"] == f"✗ {SENTENCE}. This does NOT hold here."


@pytest.mark.parametrize(("source", "profile"), [("mnist", "quick"), ("digits", "full")])
def test_on_fewer_rows_it_is_plainly_not_so_on_these_rows(shown, source, profile):
    claimer(source, profile)(SENTENCE, False, late=0.93)
    words = shown[0]["text/plain"]
    assert words.startswith("○ Not so on these rows (late 0.93): ")
    assert words.endswith("It holds on all rows of MNIST.")
    claimer(source, profile)(SENTENCE, True)
    assert shown[1]["text/plain"] == f"✓ {SENTENCE}."


def test_in_a_tab_the_rows_need_not_be_the_reason(shown):
    claimer("mnist", "browser")("It takes a third of the memory", False, peak="90 MB")
    words = shown[0]["text/plain"]
    assert words.startswith("○ Not so in this tab (peak 90 MB): It takes a third of the memory. ")
    assert words.endswith("It holds on all rows of MNIST, outside a browser.")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (np.bool_(True), True),
        (np.array([True, True]), True),
        (np.array([True, False]), False),
        ([True, np.bool_(False)], False),
        (pd.Series([True, True]), True),
        (pd.DataFrame({"a": [True], "b": [False]}), False),
    ],
)
def test_a_condition_is_a_truth_value_or_an_array_of_them(shown, condition, holds):
    claimer("mnist", "full")(SENTENCE, condition)
    assert shown[0][CLAIM_MIME]["holds"] is holds


@pytest.mark.parametrize("condition", [1, 0.9, "yes", None, [], np.array([]), np.zeros(3), ()])
def test_anything_else_proves_nothing(condition):
    with pytest.raises(TypeError, match="needs True or False"):
        claimer("digits", "quick")(SENTENCE, condition)


def _run(folder, condition, *, source, profile):
    """Run a notebook with one claim, which says that its rows come from `source`."""
    code = (
        "import mnist_course\n"
        f"claim = mnist_course.claimer({source!r}, {profile!r})\n"
        f"claim('It is so', {condition})"
    )
    path = support.write_notebook(folder / "notebooks" / "07_claim.ipynb", code)
    (outcome,) = Runner(get_profile(profile), "digits", folder / "out").run([path])
    return outcome


def test_a_claim_that_does_not_hold_fails_a_run_on_all_rows_only(tmp_path):
    outcome = _run(tmp_path / "a", "1 > 2", source="mnist", profile="full")
    assert outcome.failure is None
    assert [claim.sentence for claim in outcome.broken] == ["It is so"]
    assert not outcome.ok
    outcome = _run(tmp_path / "b", "1 > 2", source="digits", profile="quick")
    assert outcome.ok
    assert [claim.holds for claim in outcome.claims] == [False]


def test_a_claim_with_a_typed_true_fails_a_run_on_all_rows_and_bothers_nobody_on_the_digits(
    tmp_path,
):
    path = support.write_notebook(
        tmp_path / "07_claim.ipynb",
        "import mnist_course",
        "claim = mnist_course.claimer('digits', 'quick')",
        "claim('It is so', True)",
    )
    runner = Runner(get_profile("full"), "mnist", tmp_path / "out")
    with pytest.raises(
        CourseError, match=r"07_claim\.ipynb, cell 5: the condition .* not computed"
    ):
        runner.run([path])
    (outcome,) = Runner(get_profile("full"), "digits", tmp_path / "out").run([path])
    assert outcome.ok


def test_an_array_outside_its_tolerance_fails_a_run_on_all_rows_only(tmp_path):
    def run(name: str, source: str):
        path = support.write_notebook(
            tmp_path / name / "07_array.ipynb",
            "import mnist_course",
            f"report = mnist_course.reporter({source!r}, 'full')",
            "right = mnist_course.published()['ovr-saga.recall'].value",
            "report('ovr-saga.recall', [*right[:9], right[9] + 0.01])",
        )
        (outcome,) = Runner(get_profile("full"), "digits", tmp_path / name / "out").run([path])
        return outcome

    assert not run("a", "mnist").ok
    assert run("b", "digits").ok


def _notebook(*claims: Claim):
    outputs = [
        new_output("display_data", {"text/plain": "x", CLAIM_MIME: vars(claim)}) for claim in claims
    ]
    return new_notebook(cells=[new_markdown_cell("# A?"), new_code_cell("1", outputs=outputs)])


def test_the_file_of_claims_is_held_against_the_notebooks(tmp_path):
    path, stored = tmp_path / "02_a.ipynb", tmp_path / "claims.csv"
    claims = [Claim("B, twice", True, "full", "mnist"), Claim("A", True, "full", "mnist")]
    write_notebook(path, _notebook(*claims))
    assert collect_claims(read_notebook(path)) == claims
    write_claims(stored, rows_of(path, claims))
    # In the order of the notebook.
    assert [row[1] for row in read_claims(stored)] == ["B, twice", "A"]
    assert list(claim_problems([path], stored)) == []

    write_claims(stored, rows_of(path, claims[:1]))
    (problem,) = claim_problems([path], stored)
    assert "02_a.ipynb: its claims are others in claims.csv" in problem

    # What a slow run left there, and no notebook says any longer.
    write_claims(stored, [*rows_of(path, claims), (2, "An old sentence", True, "slow")])
    (problem,) = claim_problems([path], stored)
    assert "its claims are others" in problem

    solved = tmp_path / "solutions" / path.name  # of the same chapter, and without claims
    write_notebook(solved, _notebook())
    write_claims(stored, rows_of(path, claims))
    assert list(claim_problems([path, solved], stored)) == []

    broken = [Claim("A", False, "full", "mnist")]
    write_notebook(path, _notebook(*broken))
    write_claims(stored, rows_of(path, broken))
    (problem,) = claim_problems([path], stored)
    assert "does not hold: A." in problem


def test_a_chapter_that_is_run_again_replaces_its_own_claims_and_no_others():
    old = [(1, "a", True, "full"), (2, "b", True, "full"), (2, "c", True, "slow")]
    new = [(2, "d", True, "full")]
    kept = [(1, "a", True, "full"), (2, "c", True, "slow")]
    assert replace(old, new, {(2, "full")}) == [*kept, *new]
    assert replace(old, [], {(2, "full")}) == kept  # a lesson that has lost its last claim
    assert replace(old, [], set()) == old


@pytest.mark.parametrize(
    "text", ["<<<<<<< HEAD\nchapter\n", "chapter,sentence\n1,a\n", b"\xff\xfe", "chapter,x\na,b\n"]
)
def test_a_damaged_file_of_claims_is_said_in_words(tmp_path, text):
    path = tmp_path / "claims.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CourseError, match=r"claims\.csv is damaged"):
        read_claims(path)


def _problems(*sources: str) -> list[str]:
    cells = [
        new_markdown_cell(source.removeprefix("#md "))
        if source.startswith("#md ")
        else new_code_cell(source)
        for source in sources
    ]
    notebook = new_notebook(cells=cells)
    return [*claims_are_computed(notebook), *claims_stand_once(notebook)]


@pytest.mark.parametrize(
    "condition",
    [
        "True",
        "not False",
        "1 == 1",
        "1 < 2 < 3",
        "np.True_",
        "bool(1)",
        "[True, True]",
        "ok",
        "late == late",
        "late <= 1 or True",
        "early < 2 and 1 < 2",
        "len('word') == 4",
        "",
    ],
)
def test_a_condition_that_is_not_computed_is_refused(condition):
    code = f"claim('A', {condition})" if condition else "claim('A')"
    problems = _problems("import numpy as np\nok = True\nlate, early = fit(), fit()", code)
    assert any("not computed" in problem for problem in problems), problems


@pytest.mark.parametrize(
    "condition",
    [
        "late <= early",
        "early < 0.5",
        "np.allclose(late, early)",
        "[late < 1, early < 1]",
        "all(score > 0.5 for score in scores)",
        "not late > early",
        "late < 1 and early < 1",
        "f() == 3",
    ],
)
def test_a_computed_condition_is_taken(condition):
    code = "late, early = fit(), fit()\nscores = [late]\ndef f(): return late"
    assert not [p for p in _problems(code, f"claim('A', {condition})") if "computed" in p]


def test_a_sentence_is_a_plain_text_without_a_full_stop_and_stands_once():
    set_up = "x = fit()"
    assert any("between quotes" in p for p in _problems(set_up, "claim(f'A {x}', x > 1)"))
    assert any("full stop" in p for p in _problems(set_up, "claim('A.', x > 1)"))
    for odd in ("claim()", "claim(5, x > 1)", "claim('', x > 1)", "claim(x, x > 1)"):
        assert any("between quotes" in p for p in _problems(set_up, odd, "#md Some prose."))
    twice = _problems(set_up, "claim('A', x > 1)", "claim('A', x > 2)")
    assert any("cell 3: says what cell 2 claims already" in p for p in twice)
    again = _problems(set_up, "claim('Faint pixels go', x > 1)", "#md As we saw, Faint\npixels go.")
    assert any("cell 3: repeats a claim of cell 2" in p for p in again)


@pytest.mark.parametrize(
    ("count", "good"), [(0, True), (1, False), (6, True), (15, True), (16, False)]
)
def test_a_lesson_makes_a_few_claims(count, good):
    cells = [f"claim('{number}', x > 1)" for number in range(count)]
    assert bool(_problems("x = fit()", *cells)) is not good
