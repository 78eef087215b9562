"""Histograms of directions, against a plain version, and on pictures whose answer is known."""

import numpy as np
import pytest
from scipy.ndimage import sobel

from mnist_course import load_mnist
from mnist_course.edges import CELLS, DIRECTIONS, orientations
from mnist_course.geometry import SIDE


def plain(picture, directions=DIRECTIONS, cells=CELLS):
    """Share out each pixel's gradient by loops, as the definition says."""
    picture = picture.astype(float)
    down, right = (sobel(picture, axis=axis, mode="nearest") for axis in (0, 1))
    histogram = np.zeros((directions, cells, cells))
    step = SIDE / cells
    for row, column in np.argwhere((down != 0) | (right != 0)):
        gradient = right[row, column] + 1j * down[row, column]
        place = np.angle(gradient) / (2 * np.pi) * directions
        lower = int(np.floor(place))
        for i, j in np.ndindex(cells, cells):
            middle = (i + 0.5) * step // 1, (j + 0.5) * step // 1
            squared = (row - middle[0]) ** 2 + (column - middle[1]) ** 2
            near = np.exp(-0.5 * squared / (step / 2) ** 2) * abs(gradient)
            histogram[lower % directions, i, j] += near * (lower + 1 - place)
            histogram[(lower + 1) % directions, i, j] += near * (place - lower)
    found = np.sqrt(histogram).ravel()
    return found / np.linalg.norm(found)


@pytest.mark.parametrize(("directions", "cells"), [(12, 7), (8, 4)])
def test_many_at_once_are_seen_as_one_would_be(directions, cells):
    pictures = load_mnist("digits").images[:4].reshape(-1, SIDE, SIDE)
    expected = np.stack([plain(picture, directions, cells) for picture in pictures])
    found = orientations(pictures, directions=directions, cells=cells)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("turns", "direction"), [(0, 0), (1, 9), (2, 6), (3, 3)], ids=["right", "up", "left", "down"]
)
def test_an_edge_is_counted_in_the_direction_in_which_it_grows_brighter(turns, direction):
    edge = np.zeros((SIDE, SIDE), dtype=np.uint8)
    edge[:, SIDE // 2 :] = 200
    histogram = orientations(np.rot90(edge, turns)[None]).reshape(DIRECTIONS, -1).sum(axis=1)
    assert histogram[direction] > 0
    assert np.delete(histogram, direction) == pytest.approx(0, abs=1e-6)


def test_the_scale_of_grey_does_not_matter_and_every_row_has_length_one():
    pictures = load_mnist("digits").images[:700]  # more than are done at once
    found = orientations(pictures)
    assert np.allclose(found, orientations(pictures / 255), atol=1e-6)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert np.array_equal(found[600:], orientations(pictures[600:]))


def test_an_even_picture_has_no_edges_and_raises_no_alarm():
    with np.errstate(all="raise"):
        found = orientations(np.full((2, SIDE**2), 7, np.uint8))
    assert np.array_equal(found, np.zeros((2, DIRECTIONS * CELLS**2)))
