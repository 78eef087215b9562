"""Figures and controls as they arrive in a notebook's output."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser

import ipywidgets
import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from mnist_course.display import control, show, to_png
from mnist_course.plots import (
    digit_grid,
    pixel_map,
    threshold_curve,
    weight_grid,
)

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


class _Image(HTMLParser):
    """The attributes of the one image in a piece of HTML."""

    def __init__(self, text):
        super().__init__()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        assert tag == "img"
        self.attributes = dict(attrs)


def _bar(height):
    figure, ax = plt.subplots(figsize=(2, 2))
    ax.bar([0], [height])
    ax.set_ylim(0, 10)
    return figure


def _picture(data) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB"))


def test_show_says_the_words_in_html_in_metadata_and_as_text_and_closes_the_figure(shown):
    words = 'A "line" that <rises> & rises.'
    show(_bar(1), words)
    ((data, options),) = shown
    assert options["metadata"] == {"image/png": {"alt": words}}
    assert data["text/plain"] == words
    image = _Image(data["text/html"]).attributes
    assert image["alt"] == words
    assert image["src"] == "data:image/png;base64," + data["image/png"]
    height, width, _ = _picture(data).shape
    assert (image["width"], image["height"]) == (str(width), str(height))
    assert _picture(data).std() > 0
    assert plt.get_fignums() == []


def test_fewer_colours_make_a_smaller_file_of_the_same_size():
    def figure():
        return digit_grid(np.random.default_rng(0).integers(0, 256, (20, 784))).figure

    small, large = to_png(figure()), to_png(figure(), small=False)
    assert len(small) < len(large)
    assert Image.open(io.BytesIO(small)).size == Image.open(io.BytesIO(large)).size


def test_controls_and_picture_are_outputs_of_their_own_and_the_picture_follows(shown):
    drawn = []
    slider = ipywidgets.IntSlider(value=2, max=10)
    menu = ipywidgets.Dropdown(options=[("red", "r"), ("blue", "b")], description="colour")

    def draw(height, colour):
        drawn.append((height, colour))
        return _bar(height)

    control(draw, alt="A bar.", height=slider, colour=menu)
    (view, _), (still, options) = shown
    assert set(view) == {WIDGET_VIEW, "text/plain"} and view["text/plain"] == ""
    assert still["text/plain"] == "A bar. Now height = 2, colour = red."
    assert options["metadata"]["image/png"]["alt"] == still["text/plain"]
    assert drawn == [(2, "r")]

    slider.value = 9
    menu.value = "b"
    assert drawn[1:] == [(9, "r"), (9, "b")]
    data, options = shown[-1]
    assert options["update"]
    assert options["metadata"]["image/png"]["alt"] == "A bar. Now height = 9, colour = blue."
    assert not np.array_equal(_picture(data), _picture(still))
    assert plt.get_fignums() == []


def test_a_strip_of_states_is_stored_for_readers_without_a_kernel(shown):
    slider = ipywidgets.IntSlider(value=2, max=10, description="height")
    states = [{"height": height} for height in (1, 5, 9)]
    control(_bar, alt="A bar.", strip=states, height=slider)
    _, (data, options) = shown
    words = "A bar. Row by row: height = 1; height = 5; height = 9."
    assert data["text/plain"] == options["metadata"]["image/png"]["alt"] == words
    height, width, _ = _picture(data).shape
    assert width == 1100 and 0.9 < height / width < 1.1  # three squares, two in a row
    live = _Image(data["text/html"]).attributes
    assert live["alt"] == "A bar. Now height = 2."
    assert live["src"] != "data:image/png;base64," + data["image/png"]

    slider.value = 9
    data_after, options = shown[-1]
    assert data_after["image/png"] == data["image/png"]
    assert _Image(data_after["text/html"]).attributes["alt"] == "A bar. Now height = 9."
    assert plt.get_fignums() == []


def test_labels_take_a_colour_of_their_own():
    pictures = np.zeros((3, 784))
    ax = digit_grid(pictures, [1, 2, 3], colours=["black", "red", "black"])
    assert [text.get_color() for text in ax.texts] == ["black", "red", "black"]
    with pytest.raises(ValueError, match="zip"):
        digit_grid(pictures, [1, 2, 3], colours=["red"])
    plt.close("all")


def test_what_is_raised_while_drawing_stands_in_the_picture_s_place(shown):
    slider = ipywidgets.FloatSlider(value=2, description="divide by")

    def draw(divisor):
        plt.figure()
        return _bar(1 / divisor)

    control(draw, alt="A bar.", divisor=slider)
    slider.value = 0
    assert shown[-1][0] == {
        "text/plain": "No picture: ZeroDivisionError: float division by zero\nNow divide by = 0."
    }
    assert plt.get_fignums() == []
    slider.value = 4
    assert "image/png" in shown[-1][0]


def test_nothing_is_shown_of_a_control_whose_first_picture_fails(shown):
    with pytest.raises(ZeroDivisionError):
        control(lambda x: _bar(1 / x), alt="A bar.", x=ipywidgets.IntSlider(value=0))
    assert shown == []


@pytest.mark.parametrize(
    ("slider", "ends"),
    [
        (ipywidgets.IntSlider(min=-264_400, max=506_200, step=100), (-260_000, 505_000, 5000)),
        (ipywidgets.FloatSlider(min=0.004, max=1, step=0.0001), (0.005, 1.0, 0.005)),
        (ipywidgets.IntSlider(min=0, max=49), (0, 49, 1)),
        (ipywidgets.IntSlider(min=0, max=3000, step=100), (0, 3000, 100)),
        (ipywidgets.FloatLogSlider(min=-2, max=2, step=0.5), (-2, 2, 0.5)),
    ],
)
def test_a_slider_has_steps_that_one_can_see_and_never_leaves_its_range(shown, slider, ends):
    control(lambda x: _bar(1), alt="A bar.", x=slider)
    assert (slider.min, slider.max, slider.step) == ends


def test_a_grid_shows_every_picture_in_its_place():
    pictures = np.stack([np.full(784, value) for value in (10, 20, 30, 40, 50)])
    ax = digit_grid(pictures, list("abcde"), columns=3)
    canvas = ax.images[0].get_array()
    values = [np.unique(block[~np.isnan(block)]).tolist() for block in np.array_split(canvas, 2)]
    assert values == [[10, 20, 30], [40, 50]]
    assert [text.get_text() for text in ax.texts] == list("abcde")
    assert ax.images[0].get_clim() == (0, 255)
    plt.close(ax.figure)


def test_plots_draw_where_they_are_told():
    figure, axes = plt.subplots(1, 2)
    assert digit_grid(np.zeros((2, 28, 28)), ax=axes[0]) is axes[0]
    assert pixel_map(np.arange(784), label="value", ax=axes[1]) is axes[1]
    drawn = axes[1].images[0].get_array()
    assert np.array_equal(drawn, np.arange(784).reshape(28, 28))
    assert figure.axes[-1].get_ylabel() == "value"
    plt.close(figure)


@pytest.mark.parametrize("images", [np.zeros(784), np.zeros((0, 784)), np.zeros((3, 64))])
def test_pictures_of_another_shape_are_an_error(images):
    with pytest.raises(ValueError, match="shape"):
        digit_grid(images)


def test_labels_of_another_number_are_an_error():
    with pytest.raises(ValueError, match="2 pictures and 3 labels"):
        digit_grid(np.zeros((2, 784)), [1, 2, 3])


def test_weights_share_one_scale_centred_at_zero():
    weights = np.linspace(-3, 1, 2 * 784).reshape(2, 784)
    weights[0, 0] = -1000  # a single extreme pixel does not make all the others pale
    ax = weight_grid(weights, [0, 1])
    low, high = ax.images[0].get_clim()
    assert low == -high and 2.9 < high < 3
    plt.close(ax.figure)


@pytest.mark.parametrize("draw", [digit_grid, weight_grid])
def test_a_digit_is_at_least_one_inch_and_a_fifth_wide(draw):
    ax = draw(np.ones((4, 784)), list("abcd"), columns=2)
    ax.figure.draw_without_rendering()
    left, right = ax.transData.transform([(0, 0), (28, 0)])[:, 0] / ax.figure.dpi
    assert right - left >= 1.2
    plt.close(ax.figure)


def test_the_threshold_curve_marks_precision_and_recall_at_the_threshold():
    y_true = np.array([False, False, True, True])
    ax = threshold_curve(y_true, [0.1, 0.4, 0.35, 0.8], threshold=0.35)
    marked = next(line for line in ax.lines if line.get_marker() == "o")
    assert marked.get_ydata().tolist() == pytest.approx([2 / 3, 1.0])
    plt.close(ax.figure)


def test_above_every_score_recall_is_zero_and_precision_is_not_marked():
    ax = threshold_curve([False, True, True], [0.1, 0.2, 0.9], threshold=5)
    marked = next(line for line in ax.lines if line.get_marker() == "o")
    assert marked.get_ydata().tolist() == pytest.approx([np.nan, 0.0], nan_ok=True)
    plt.close(ax.figure)


@pytest.mark.parametrize(
    ("y_true", "scores", "words"),
    [
        ([False, False], [0.1, 0.2], "which samples are positive"),
        ([True, False], [0.1], "inconsistent numbers of samples"),
        ([5, 3], [0.1, 0.2], "True and False"),
        (["5", "3"], [0.1, 0.2], "True and False"),
    ],
)
def test_a_threshold_curve_of_something_else_is_a_clear_error(y_true, scores, words):
    with pytest.raises(ValueError, match=words):
        threshold_curve(y_true, scores)
