"""What counts as a difference between stored outputs and those of a fresh run."""

import pytest

from mnist_course_tools.check.compare import (
    MOST_SENTENCES,
    Tolerance,
    differences,
    text_differences,
    tolerance_from_tags,
)
from mnist_course_tools.outputs import WIDGET_MIME

ALT = "A histogram of the zero pixels"


def stdout(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def stderr(text):
    return {"output_type": "stream", "name": "stderr", "text": text}


def result(**data):
    return {
        "output_type": "execute_result",
        "execution_count": 1,
        "data": {mime.replace("_", "/"): value for mime, value in data.items()},
        "metadata": {},
    }


def figure(mime="image/png", content="AAAA", alt=ALT):
    data = {mime: content, "text/plain": "<Figure size 640x480 with 1 Axes>"}
    return {"output_type": "display_data", "data": data, "metadata": {mime: {"alt": alt}}}


def error(ename="ValueError", evalue="no"):
    return {"output_type": "error", "ename": ename, "evalue": evalue, "traceback": ["line 1"]}


# --- texts and numbers -----------------------------------------------------------------------

SAME_TEXTS = [
    ("accuracy 0.9005", "accuracy 0.9006"),  # within 5e-4
    ("accuracy 0.9005", "accuracy 0.9000"),
    ("score 2164.22", "score 2165.9"),  # within one in a thousand
    ("97.53 %", "97.55 %"),
    ("loss 1e-3", "loss 0.0012"),
    ("loss 1.2e-05", "loss 1.3e-05"),
    ("weight -0.0001", "weight 0.0001"),
    ("loss 1,234.5", "loss 1,234.6"),
    ("the share is 1.", "the share is 0.9999."),
    ("mean nan, max inf", "mean nan, max inf"),
    ("60,000 rows", "60000 rows"),
    ("[ 0.1  -0.2 ]", "[0.1001 -0.2]"),  # white space depends on signs and digits
    ("[-0.0001  0.2]", "[ 0.0001  0.2]"),
    ("[0. 1.]", "[0.     0.9999]"),
    ("array([1., 2.])", "array([1.0001, 2.    ])"),
    ("[1. nan]", "[1. nan]"),
    ("count   3\n-------\nmean  0.95", "count 3\n---\nmean 0.9499"),
    ("<Thing at 0x7f3a12>", "<Thing at 0x7FFF000>"),
    ("fitted in 12.3 s", "fitted in 9 s"),
    ("1min 3s", "58.2 s"),
    ("1.21 ms ± 30.2 µs per loop", "900 µs ± 2 ns per loop"),
    ("peak 512 MB, then 1.5 GiB", "peak 498.2 MB, then 1 GiB"),
    ("10%|#    | 1\r100%|#####| 9", "100%|#####| 9"),
    ("a\r\nb 1", "a\nb 1"),
]

CHANGED_TEXTS = [
    ("accuracy 0.9005", "accuracy 0.95"),
    ("accuracy 0.9005", "accuracy 0.9016"),
    ("accuracy 0.95", "accuracy -0.95"),
    ("accuracy 0.95", "accuracy nan"),
    ("accuracy inf", "accuracy -inf"),
    ("loss 1e-3", "loss 1e-2"),
    ("60,000 rows", "60,001 rows"),
    ("522 of 784", "523 of 784"),
    ("there are 60000.", "there are 60001."),  # the point ends the sentence
    ("there are 60000.\n10 digits", "there are 60001.\n10 digits"),
    ("(60000, 784)", "(60000, 783)"),
    ("28×28", "28×27"),
    ("28 x 28", "28 x 29"),
    ("shape (100,200,300)", "shape (100,200,301)"),
    ("-3", "3"),
    ("3-5", "3-6"),
    ("2024-05-01", "2024-05-02"),
    ("scikit-learn 1.9.0", "scikit-learn 1.9.1"),
    ("scikit-learn 1.9.0", "scikit-learn 1.90.0"),
    ("v1.9000", "v1.9001"),
    ("v1.05", "v1.5"),
    ("pixel407", "pixel408"),
    ("x1 0.5", "x2 0.5"),
    ("x_0.90001", "x_0.90002"),
    ("sha256 ab12", "sha512 ab12"),
    ("digest 9e5ab", "digest 9e5ac"),
    ("digest 90000e1f", "digest 90001e1f"),
    ("60_000", "60_001"),
    ("1/3", "1/4"),
    ("a 1", "a 1 2"),
    ("a 1", "b 1"),
    ("", "3"),
    ("fitted in 12.3 s", "predicted in 12.3 s"),
    ("12 steps", "13 steps"),  # the unit is a word of its own
    ("std  0.3\nmin  0.1", "std  0.4\nmin  0.1"),  # a row named min is no unit
]


@pytest.mark.parametrize(("reference", "fresh"), SAME_TEXTS)
def test_texts_that_mean_the_same_agree(reference, fresh):
    assert text_differences(reference, fresh) == []
    assert text_differences(fresh, reference) == []


@pytest.mark.parametrize(("reference", "fresh"), CHANGED_TEXTS)
def test_texts_that_mean_something_else_differ(reference, fresh):
    assert len(text_differences(reference, fresh)) == 1
    assert len(text_differences(fresh, reference)) == 1


def test_a_changed_number_is_named_with_its_place_and_what_is_allowed():
    assert text_differences("rows 5, accuracy 0.9005 on test", "rows 5, accuracy 0.95 on test") == [
        "0.9005 is now 0.95 (may differ by 0.0009) in 'rows 5, accuracy 0.9005 on test'"
    ]


def test_a_hyphen_is_no_sign():
    assert text_differences("on 2024-05-01", "on 2024-05-02") == [
        "the count 01 is now 02 in 'on 2024-05-01'"
    ]


def test_changed_words_are_shown_where_they_differ():
    (sentence,) = text_differences("a " * 90 + "best: lbfgs", "a " * 90 + "best: saga")
    assert "best: lbfgs' is now" in sentence
    assert "best: saga'" in sentence
    assert len(sentence) < 150


def test_many_changed_numbers_are_counted():
    sentences = text_differences("1 2 3 4 5 6 7 8", "2 3 4 5 6 7 8 9")
    assert len(sentences) == MOST_SENTENCES + 1
    assert sentences[-1] == "and 3 more numbers differ"


def test_random_ids_in_html_are_passed_over_and_only_there():
    table = '<style>#T_{0}_row0_col0 {{}}</style><td id="T_{0}_row0_col0">0.95</td>'
    assert text_differences(table.format("8f3a1"), table.format("0c9d2"), html=True) == []
    assert text_differences(table.format("8f3a1"), table.format("0c9d2"))
    movie = '<img id="_anim_img{}" src="data:image/png;base64,{}">'
    old, new = movie.format("0a" * 16, "iVBO+/w="), movie.format("1b" * 16, "AAAA")
    assert text_differences(old, new, html=True) == []


# --- tags ------------------------------------------------------------------------------------


def test_a_measured_cell_compares_words_and_types_only():
    tags = ["measured"]
    assert differences([stdout("3 fits, 0.95")], [stdout("4 fits, 99")], tags=tags) == []
    assert differences([stdout("3 fits")], [stdout("3 fails")], tags=tags)
    assert differences([stdout("3 fits")], [figure()], tags=tags)


def test_a_tolerance_tag_holds_for_floats_and_counts():
    tags = ["rtol=0.05"]
    assert differences([stdout("100 of 0.9")], [stdout("104 of 0.93")], tags=tags) == []
    assert differences([stdout("100")], [stdout("106")], tags=tags)
    assert differences([stdout("0.9")], [stdout("0.96")], tags=tags)


@pytest.mark.parametrize("tag", ["rtol=abc", "rtol=", "rtol=-1", "rtol=nan", "rtol=0"])
def test_a_tolerance_tag_that_cannot_be_read_is_an_error(tag):
    with pytest.raises(ValueError, match=f"cell tag '{tag}' is not a tolerance.*rtol=0.05"):
        differences([], [], tags=[tag])
    with pytest.raises(ValueError, match="is not a tolerance"):
        tolerance_from_tags(["measured", tag])


def test_two_tolerance_tags_are_an_error():
    with pytest.raises(ValueError, match="one tolerance"):
        tolerance_from_tags(["rtol=0.1", "rtol=0.2"])


def test_other_tags_change_nothing():
    assert tolerance_from_tags(["parameters", "hide-input"]) == Tolerance()


# --- outputs ---------------------------------------------------------------------------------


def test_stderr_is_passed_over_and_stdout_merged():
    old = [stdout("a\n"), stderr("warning"), stdout("b\n")]
    new = [stdout(["a\n", "b\n"]), stderr("another")]
    assert differences(old, new) == []
    assert differences([stderr("warning")], []) == []


def test_text_may_be_stored_as_lines():
    assert differences([result(text_plain=["a\n", "1"])], [result(text_plain="a\n1")]) == []


def test_the_order_of_text_and_figures_matters():
    assert len(differences([stdout("a"), figure()], [figure(), stdout("a")])) == 2


def test_a_missing_output_is_a_difference():
    assert differences([stdout("a"), figure()], [stdout("a")]) == [
        "missing output: image/png + text/plain is stored but no longer made"
    ]


def test_an_additional_output_is_a_difference():
    assert differences([], [stdout("a")]) == ["additional output: stdout is made but not stored"]


@pytest.mark.parametrize("mime", ["image/svg+xml", "image/jpeg"])
def test_another_figure_type_is_a_difference(mime):
    (sentence,) = differences([figure()], [figure(mime=mime)])
    assert "image/png + text/plain" in sentence
    assert mime in sentence


def test_text_instead_of_a_figure_is_a_difference():
    plain = result(text_plain="<Figure size 640x480 with 1 Axes>")
    assert len(differences([figure()], [plain])) == 1


def test_pixels_are_not_compared_but_descriptions_are():
    assert differences([figure(content="AAAA")], [figure(content="BBBB")]) == []
    (sentence,) = differences([figure()], [figure(alt="Another")])
    assert "alt text of image/png" in sentence
    assert differences([figure(alt="share 0.8091")], [figure(alt="share 0.8092")]) == []
    bare = {**figure(), "metadata": {}}
    assert differences([figure()], [bare])


def test_a_displayed_value_and_a_result_are_the_same():
    shown = {"output_type": "display_data", "data": {"text/plain": "3"}, "metadata": {}}
    assert differences([result(text_plain="3")], [shown]) == []


def test_widget_views_are_dropped_on_both_sides():
    live = figure()
    live["data"] = {**live["data"], WIDGET_MIME: {"model_id": "random"}}
    assert differences([figure()], [live]) == []
    only_view = {"output_type": "display_data", "data": {WIDGET_MIME: {}}, "metadata": {}}
    assert differences([], [only_view]) == []


def test_a_dropped_widget_view_does_not_cut_the_text_around_it():
    bar = {"output_type": "display_data", "data": {WIDGET_MIME: {}}, "metadata": {}}
    stored = [stdout("fitted: raw\nfitted: min-max\n")]
    assert differences(stored, [stdout("fitted: raw\n"), bar, stdout("fitted: min-max\n")]) == []


def test_an_error_instead_of_a_value_is_a_difference():
    (sentence,) = differences([result(text_plain="3")], [error()])
    assert "ValueError: no" in sentence
    assert differences([error()], [result(text_plain="3")])


def test_two_errors_agree_when_name_and_message_do():
    assert differences([error()], [{**error(), "traceback": ["line 2"]}]) == []
    assert differences([error()], [error(ename="KeyError")])
    assert differences([error()], [error(evalue="never")])


def test_records_are_compared_as_json():
    mime = "application/vnd.mnist-course.report+json"

    def record(**values):
        return {"output_type": "display_data", "data": {mime: values}, "metadata": {}}

    old = record(id="lr-raw.accuracy", ours=0.9005, rows=60000, agrees=True)
    assert (
        differences([old], [record(rows=60000, agrees=True, ours=0.9006, id="lr-raw.accuracy")])
        == []
    )
    for change in ({"ours": 0.95}, {"rows": 59999}, {"agrees": False}, {"id": "lr-saga.accuracy"}):
        values = {**old["data"][mime], **change}
        (sentence,) = differences([old], [record(**values)])
        assert sentence.startswith(f"output 1 ({mime}): ")
