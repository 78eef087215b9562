"""The kernel's half of the drawing pad: strokes become pixels, and pixels become answers."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mnist_course import load_mnist
from mnist_course.drawing_pad import BRUSH, SHEET, DrawingPad
from mnist_course.errors import CourseError, UsageError
from mnist_course.geometry import SIDE, centre_of_mass, crop
from mnist_course.pair_svc import PairSVC

ONE = [[[140, 40], [140, 240]]]
SEVEN = [[[80, 60], [200, 60], [120, 240]]]
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def digits():
    X, y = load_mnist("digits").train
    return X / 255, y


class Recorder:
    """A model that keeps what it is given and always says the same."""

    def __init__(self, answer=3):
        self.given, self.answer = [], answer

    def __call__(self, pixels):
        self.given.append(pixels)
        return np.eye(10)[self.answer]


def png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()


def handwritten_seven() -> bytes:
    """Return a file with dark ink on white paper, as a scanner makes it."""
    pad = DrawingPad()
    pad.strokes = SEVEN
    return png(255 - pad.raw)


def test_a_stroke_is_a_bright_line_with_round_ends_as_wide_as_the_brush():
    pad = DrawingPad()
    pad.strokes = ONE
    raw = pad.raw
    assert raw.shape == (SHEET, SHEET) and raw.dtype == np.uint8
    assert raw[140].sum() / 255 == pytest.approx(BRUSH, abs=0.5)
    rows, columns = np.nonzero(raw)
    assert (rows.min(), rows.max()) == pytest.approx((40 - BRUSH / 2, 240 + BRUSH / 2), abs=1)
    assert columns.mean() == pytest.approx(139.5, abs=0.6)
    assert raw[31, 140] == 255 and raw[31, 130] == 0  # round, not square


def test_edges_are_soft_and_a_corner_is_round():
    pad = DrawingPad()
    pad.strokes = [[[60, 60], [220, 60], [60, 65]]]
    assert len(np.unique(pad.raw)) > 8
    assert pad.raw[60, 220 + BRUSH // 2 - 2] == 255 and pad.raw[60, 220 + BRUSH // 2 + 2] == 0


def test_a_tap_is_a_dot_and_what_leaves_the_sheet_is_cut_off():
    pad = DrawingPad()
    pad.strokes = [[[100, 100]]]
    assert pad.raw.sum() / 255 == pytest.approx(np.pi * (BRUSH / 2) ** 2, rel=0.03)
    pad.strokes = [[[-50, 140], [400, 140]]]
    assert pad.raw[140].min() == 255


def test_the_picture_has_mnists_form_and_the_models_get_it_as_floats_up_to_255():
    model = Recorder()
    pad = DrawingPad({"recorder": model})
    pad.strokes = SEVEN
    image = pad.image
    assert image.shape == (SIDE, SIDE) and image.dtype == np.uint8
    assert max(crop(image).shape) <= 20
    assert np.abs(np.array(centre_of_mass(image)) - SIDE / 2).max() <= 0.6
    (given,) = model.given
    assert given.shape == (1, 784) and given.dtype == np.float32
    assert np.array_equal(given.reshape(SIDE, SIDE), image)
    assert pad.seen == image.tobytes()


def test_a_stroke_is_about_as_thick_as_in_mnist():
    pad = DrawingPad()
    pad.strokes = ONE
    _, width = crop(pad.image).shape
    assert 2 <= width <= 4


def test_without_a_drawing_there_is_a_sentence_and_no_model_is_asked():
    model = Recorder()
    pad = DrawingPad({"recorder": model})
    with pytest.raises(CourseError, match="Nothing is drawn yet: draw one digit"):
        pad.image  # noqa: B018
    assert not pad.raw.any()
    assert pad.words.startswith("Nothing is drawn yet")
    assert [one["model"] for one in pad.answers] == ["recorder"]
    assert not any(pad.answers[0][key] for key in ("answer", "shares", "error", "says"))
    pad.strokes = ONE
    assert pad.answers[0]["answer"] == "3"
    pad.strokes = []
    assert pad.answers[0]["answer"] == "" and pad.seen == b""
    assert pad.words.startswith("Nothing is drawn yet")
    assert len(model.given) == 1


def test_two_digits_on_the_sheet_are_no_digit():
    pad = DrawingPad({"recorder": Recorder()})
    pad.strokes = [[[40, 60], [40, 220]], [[230, 60], [230, 220]]]
    assert "2 digits" in pad.words and "\n" not in pad.words
    assert pad.answers[0]["answer"] == ""


def test_a_model_with_probabilities_gives_them_by_label(digits):
    X, y = digits
    fitted = LogisticRegression(max_iter=200).fit(X, y)
    pad = DrawingPad({"logistic": lambda pixels: fitted.predict_proba(pixels / 255)})
    pad.strokes = SEVEN
    (answer,) = pad.answers
    expected = fitted.predict_proba(pad.image.reshape(1, -1) / 255)[0]
    assert answer["kind"] == "probability" and answer["shares"] == pytest.approx(expected.tolist())
    assert answer["answer"] == "7" == str(expected.argmax())
    assert pad.words.startswith("logistic: 7 (probability ")


def test_a_model_with_scores_gives_shares_that_are_not_called_probability(digits):
    X, y = digits
    fitted = RidgeClassifier().fit(X * 255, y)
    assert not hasattr(fitted, "predict_proba")
    pad = DrawingPad({"svm": fitted})
    pad.strokes = SEVEN
    (answer,) = pad.answers
    scores = fitted.decision_function(pad.image.reshape(1, -1).astype(np.float32))[0]
    assert answer["kind"] == "score share" and answer["answer"] == str(scores.argmax())
    assert sum(answer["shares"]) == pytest.approx(1)
    assert np.array_equal(np.argsort(answer["shares"])[-3:], np.argsort(scores)[-3:])
    assert "score share" in pad.words and "probability" not in pad.words


def test_the_numbers_of_a_function_speak_for_themselves():
    pad = DrawingPad({"scores": lambda pixels: np.arange(10), "shares": lambda pixels: [0.1] * 10})
    pad.strokes = ONE
    assert [one["kind"] for one in pad.answers] == ["score share", "probability"]
    assert pad.answers[0]["shares"][9] == pytest.approx(1 / np.exp(-np.arange(10)).sum())


def test_classes_in_another_order_or_fewer_find_their_labels():
    class Two(BaseEstimator):
        classes_ = np.array(["9", "4"])

        def predict_proba(self, pixels):
            return np.array([[0.25, 0.75]])

    class One(BaseEstimator):
        classes_ = np.array([False, True])

        def decision_function(self, pixels):
            return np.array([2.0])

    pad = DrawingPad({"two": Two()})
    pad.strokes = ONE
    assert pad.answers[0]["answer"] == "4"
    assert [pad.answers[0]["shares"][i] for i in (4, 9, 0)] == [0.75, 0.25, 0]
    pad = DrawingPad({"five?": One()}, labels=(False, True))
    pad.strokes = ONE
    assert pad.answers[0]["answer"] == "True"
    assert pad.answers[0]["shares"][1] == pytest.approx(1 / (1 + np.exp(-2)))


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (lambda pixels: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda pixels: [0.5, 0.5], "UsageError: 10 finite numbers were expected"),
        (lambda pixels: [np.nan] * 10, "UsageError: 10 finite numbers were expected"),
        (None, "TypeError: 'NoneType' object is not callable"),
    ],
)
def test_a_model_that_fails_says_so_and_the_others_go_on(broken, words):
    pad = DrawingPad({"good": Recorder(3), "broken": broken, "after": Recorder(4)})
    pad.strokes = ONE
    assert [one["answer"] for one in pad.answers] == ["3", "", "4"]
    assert pad.answers[1]["error"].startswith(words)
    assert "broken: no answer. after: 4" in pad.words
    assert len(pad.figure().axes) == 5
    plt.close("all")


def test_many_models_stand_in_rows_of_the_still_picture():
    pad = DrawingPad({f"model {i}": Recorder(i) for i in range(5)})
    pad.strokes = ONE
    figure = pad.figure()
    assert len(figure.axes) == 7
    assert figure.get_figwidth() < 12 and figure.get_figheight() > 5
    plt.close("all")


def test_what_is_nearly_certain_is_not_called_certain():
    pad = DrawingPad({"sure": lambda pixels: [0.998, 0.002] + [0] * 8})
    pad.strokes = ONE
    assert pad.answers[0]["percents"][:3] == ["> 99 %", "0 %", "0 %"]


@pytest.mark.parametrize("strokes", [[[1, 2, 3]], [[]], [[[1, float("nan")]]], [["ab"]], [1]])
def test_what_are_no_strokes_is_refused_in_words_and_the_drawing_stays(strokes):
    pad = DrawingPad()
    pad.strokes = ONE
    with pytest.raises(UsageError, match="These are no strokes, so nothing was drawn"):
        pad.strokes = strokes
    assert pad.strokes == ONE


def test_strokes_may_be_arrays_and_travel_as_lists():
    pad = DrawingPad()
    pad.strokes = [np.array([[1.23, 2], [3, 4]]), [(5, 6)]]
    assert pad.strokes == [[[1.2, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
    assert json.dumps(pad.strokes) == "[[[1.2, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]"


def test_strokes_from_the_page_are_not_sent_back_and_the_answer_is_one_message(monkeypatch):
    # Sent back, they would take away a stroke that was drawn meanwhile.
    pad = DrawingPad({"recorder": Recorder()})
    sent = []
    monkeypatch.setattr(pad, "_send", lambda message, buffers=None: sent.append(message))
    pad.set_state({"strokes": [[[140, 40.5], [140.5, 240]]], "loaded": memoryview(b"")})
    (update,) = [one for one in sent if one["method"] == "update"]
    assert set(update["state"]) == {"answers", "words"} and update["buffer_paths"] == [["seen"]]


def test_a_drawing_is_asked_about_once_however_it_comes():
    model = Recorder()
    pad = DrawingPad({"recorder": model})
    pad.set_state({"strokes": ONE, "loaded": memoryview(b"")})
    pad.load(handwritten_seven())
    pad.set_state({"strokes": ONE, "loaded": memoryview(b"")})
    assert len(model.given) == 3


def test_a_loaded_picture_takes_the_place_of_the_strokes_and_strokes_take_its_place():
    pad = DrawingPad({"recorder": Recorder()})
    pad.strokes = ONE
    pad.load(handwritten_seven())
    assert pad.strokes == [] and len(pad.loaded) == 784
    assert pad.image[5:, :10].sum() < pad.image[:, 10:].sum() and pad.answers[0]["answer"] == "3"
    assert np.array_equal(pad.raw[::10, ::10], pad.image)
    pad.strokes = ONE
    assert pad.loaded == b"" and crop(pad.image).shape[1] < 5


def test_the_page_sends_a_file_and_hears_in_words_what_is_wrong_with_it():
    pad = DrawingPad({"recorder": Recorder()})
    pad.strokes = ONE
    pad._handle_custom_msg({"kind": "picture"}, [memoryview(b"no picture at all")])
    assert "not a picture" in pad.words and "\n" not in pad.words
    assert pad.strokes == ONE and pad.loaded == b""
    pad._handle_custom_msg({"kind": "picture"}, [memoryview(handwritten_seven())])
    assert pad.strokes == [] and len(pad.loaded) == 784
    assert pad.words.startswith("recorder: 3")


def test_shown_the_pad_leaves_a_still_picture_with_words_that_follows(shown):
    pad = DrawingPad({"recorder": Recorder(3)})
    pad.strokes = ONE
    pad.show(alt="A stroke.")
    (view, _), (still, options) = shown
    assert view[WIDGET_VIEW]["model_id"] == pad.model_id and view["text/plain"] == ""
    assert "image/png" not in view
    words = "A stroke. recorder: 3 (probability 100 %)."
    assert options["metadata"] == {"image/png": {"alt": words}}
    assert still["text/plain"] == words and words in still["text/html"]
    before = still["image/png"]
    assert Image.open(io.BytesIO(base64.b64decode(before))).width > 500
    pad.strokes = []
    data, options = shown[-1]
    assert options["update"] and data["image/png"] != before
    assert "A stroke. Nothing is drawn yet" in options["metadata"]["image/png"]["alt"]
    assert plt.get_fignums() == []


def test_as_the_last_line_of_a_cell_the_pad_shows_itself_in_the_same_way(shown):
    DrawingPad()._ipython_display_()
    (view, _), (_, options) = shown
    assert WIDGET_VIEW in view
    alt = options["metadata"]["image/png"]["alt"]
    assert "28 × 28" in alt and "Nothing is drawn yet" in alt


def test_while_a_page_watches_the_still_picture_waits_until_it_asks(shown):
    pad = DrawingPad()
    pad.show()
    sent = []
    pad.send = sent.append
    pad._handle_custom_msg({"kind": "here"}, [])
    assert sent == [{"kind": "here"}]
    pad.strokes = ONE
    assert len(shown) == 2
    pad._handle_custom_msg({"kind": "still"}, [])
    assert len(shown) == 3 and shown[-1][1]["update"]


def test_without_models_there_is_the_picture_alone():
    pad = DrawingPad()
    pad.strokes = SEVEN
    assert pad.answers == [] and pad.words == "There is no model to ask."
    assert len(pad.figure().axes) == 2
    plt.close("all")


def test_what_a_machine_calls_its_shares_is_said_through_a_pipeline(digits):
    pipeline = make_pipeline(StandardScaler(), PairSVC()).fit(digits[0][:300], digits[1][:300])
    pad = DrawingPad({"machine": pipeline})
    pad.strokes = SEVEN
    assert pad.answers[0]["kind"] == "strength in duels"
