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
from mnist_course.plots import digit_grid, pixel_map


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
