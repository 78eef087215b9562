"""Figures and controls as they arrive in a notebook's output."""

from __future__ import annotations

import base64
import io

import ipywidgets
import matplotlib
import numpy as np
import pytest
from PIL import Image

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from mnist_course.display import WIDGET_MIME, control, show, to_png
from mnist_course.plots import (
    confusion_matrices,
    confusion_plot,
    digit_grid,
    pixel_map,
    threshold_curve,
    weight_grid,
)


@pytest.fixture
def shown(monkeypatch):
    outputs = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, **options: outputs.append((data, options))
    )
    return outputs


def _picture(data) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB"))


def test_show_puts_the_words_into_the_metadata_and_closes_the_figure(shown):
    figure, ax = plt.subplots()
    ax.plot([0, 1])
    show(figure, "A line that rises.")
    ((data, options),) = shown
    assert options["metadata"] == {"image/png": {"alt": "A line that rises."}}
    assert data["text/plain"] == "A line that rises."
    assert _picture(data).std() > 0
    assert plt.get_fignums() == []


def test_fewer_colours_make_a_smaller_file_of_the_same_size():
    def figure():
        return digit_grid(np.random.default_rng(0).integers(0, 256, (20, 784))).figure

    small, large = to_png(figure()), to_png(figure(), small=False)
    assert len(small) < len(large)
    assert Image.open(io.BytesIO(small)).size == Image.open(io.BytesIO(large)).size


def test_a_control_leaves_a_still_picture_and_redraws_when_it_moves(shown, monkeypatch):
    drawn, boxes = [], []

    class Box(ipywidgets.VBox):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            boxes.append(self)

    monkeypatch.setattr(ipywidgets, "VBox", Box)

    def draw(height):
        drawn.append(height)
        figure, ax = plt.subplots(figsize=(2, 2))
        ax.bar([0], [height])
        ax.set_ylim(0, 10)
        return figure

    slider = ipywidgets.IntSlider(value=2, max=10)
    control(draw, height=slider, alt="A bar of height 2.")
    ((data, options),) = shown
    assert {"image/png", "text/plain", WIDGET_MIME} == set(data)
    assert options["metadata"]["image/png"]["alt"] == "A bar of height 2."

    (box,) = boxes
    assert data[WIDGET_MIME]["model_id"] == box.model_id
    picture = box.children[-1]
    before = picture.value
    slider.value = 9
    assert drawn[-1] == 9
    assert picture.value != before
    assert plt.get_fignums() == []


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
    image = pixel_map(np.arange(784), label="value", ax=axes[1])
    assert image.axes is axes[1]
    assert np.array_equal(image.get_array(), np.arange(784).reshape(28, 28))
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
    image = weight_grid(np.linspace(-3, 1, 2 * 784).reshape(2, 784), [0, 1])
    assert image.get_clim() == (-3, 3)
    plt.close(image.axes.figure)


def test_the_confusion_matrix_in_four_ways():
    y_true = [0, 0, 0, 0, 1, 1, 2]
    y_pred = [0, 0, 0, 1, 1, 2, 2]
    matrices = confusion_matrices(y_true, y_pred)
    assert matrices["counts"].tolist() == [[3, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert matrices["by row"].tolist() == [[0.75, 0.25, 0], [0, 0.5, 0.5], [0, 0, 1]]
    assert matrices["by column"].tolist() == [[1, 0.5, 0], [0, 0.5, 0.5], [0, 0, 0.5]]
    assert matrices["errors by row"].tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_a_class_that_never_occurs_has_a_row_of_zeros():
    matrices = confusion_matrices([0, 1], [0, 1], labels=[0, 1, 2])
    assert matrices["by row"][2].tolist() == [0, 0, 0]
    assert matrices["by column"][:, 2].tolist() == [0, 0, 0]


def test_labels_may_be_text_but_not_text_on_one_side_only():
    assert confusion_matrices(["5", "3"], ["5", "5"])["counts"].tolist() == [[0, 1], [0, 1]]
    with pytest.raises(ValueError, match="different kinds"):
        confusion_matrices(["5", "3"], [5, 5])


@pytest.mark.parametrize(("y_true", "y_pred"), [([], []), ([1, 2], [1]), ([[1]], [[1]])])
def test_lists_that_do_not_fit_are_an_error(y_true, y_pred):
    with pytest.raises(ValueError, match="one length"):
        confusion_matrices(y_true, y_pred)


def test_the_confusion_plot_shows_counts_and_percent():
    figure, axes = plt.subplots(2, 2)
    displays = confusion_plot([0, 0, 1], [0, 1, 1], axes=axes)
    texts = [[cell.get_text() for cell in display.text_.flat] for display in displays]
    assert texts == [
        ["1", "1", "0", "1"],
        ["50", "50", "0", "100"],
        ["100", "50", "0", "50"],
        ["0", "100", "0", "0"],
    ]
    assert [display.ax_ for display in displays] == list(axes.flat)
    plt.close(figure)


def test_the_threshold_curve_marks_precision_and_recall_at_the_threshold():
    y_true = np.array([False, False, True, True])
    ax = threshold_curve(y_true, [0.1, 0.4, 0.35, 0.8], threshold=0.35)
    marked = next(line for line in ax.lines if line.get_marker() == "o")
    assert marked.get_ydata().tolist() == pytest.approx([2 / 3, 1.0])
    plt.close(ax.figure)


@pytest.mark.parametrize(
    ("y_true", "scores", "words"),
    [
        ([False, False], [0.1, 0.2], "No sample is positive"),
        ([True, False], [0.1], "one score for each"),
        ([5, 3], [0.1, 0.2], "True and False"),
        (["5", "3"], [0.1, 0.2], "True and False"),
    ],
)
def test_a_threshold_curve_of_something_else_is_a_clear_error(y_true, scores, words):
    with pytest.raises(ValueError, match=words):
        threshold_curve(y_true, scores)
