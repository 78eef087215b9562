"""Bringing a picture into MNIST's form."""

import os

import numpy as np
import pytest

from mnist_course import load_mnist
from mnist_course.geometry import (
    BOX,
    SIDE,
    centre_by_mass,
    centre_of_mass,
    crop,
    fit_box,
)


def to_mnist_form(picture: np.ndarray) -> np.ndarray:
    """Take the three steps in the order of the data set's authors."""
    return centre_by_mass(fit_box(crop(picture)))


def blot(height: int, width: int, *, at: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Return an empty picture with one rectangle of full ink."""
    picture = np.zeros((height, width), dtype=np.uint8)
    top, left = at
    picture[top : top + size[0], left : left + size[1]] = 255
    return picture


def test_crop_keeps_exactly_the_rectangle_that_holds_ink():
    picture = np.zeros((9, 7), dtype=np.uint8)
    picture[2, 3] = picture[6, 1] = 1
    cropped = crop(picture)
    assert cropped.shape == (5, 3)
    assert cropped[0, 2] == cropped[4, 0] == 1
    assert cropped.sum() == 2


@pytest.mark.parametrize("function", [crop, centre_of_mass, centre_by_mass, to_mnist_form])
def test_an_empty_picture_is_refused_in_plain_words(function):
    with pytest.raises(ValueError, match="The picture is empty"):
        function(np.zeros((8, 8), dtype=np.uint8))


def test_ink_too_thin_to_survive_scaling_is_refused_in_plain_words():
    dots = np.zeros((2000, 2000), dtype=np.uint8)
    dots[0, 0] = dots[-1, -1] = 1
    with pytest.raises(ValueError, match="The picture is empty"):
        to_mnist_form(dots)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((8, 4), (20, 10)), ((4, 8), (10, 20)), ((100, 100), (20, 20)), ((300, 1), (20, 1))],
)
def test_the_longer_side_becomes_20_pixels_and_the_aspect_ratio_stays(shape, expected):
    fitted = fit_box(np.full(shape, 200, dtype=np.uint8))
    assert fitted.shape == expected
    assert fitted.dtype == np.uint8
    assert (fitted == 200).all()


def test_the_centre_of_mass_is_the_mean_position_weighted_by_ink():
    picture = np.zeros((5, 9), dtype=np.uint8)
    picture[1, 2], picture[3, 6] = 50, 150
    assert centre_of_mass(picture) == pytest.approx((2.5, 5.0))


def test_centring_moves_the_ink_unchanged_to_within_half_a_pixel_of_pixel_14():
    lopsided = blot(12, 10, at=(0, 0), size=(12, 3))
    lopsided[9:, :] = 255
    square = centre_by_mass(lopsided)
    assert square.shape == (SIDE, SIDE)
    assert np.array_equal(crop(square), lopsided)
    assert np.abs(np.array(centre_of_mass(square)) - SIDE / 2).max() <= 0.5


def test_centring_never_cuts_ink_off():
    # All but one pixel at the very bottom: centring by mass alone would push the top out.
    tall = blot(27, 3, at=(24, 0), size=(3, 3))
    tall[0, 1] = 1
    assert np.array_equal(crop(centre_by_mass(tall)), tall)


@pytest.mark.parametrize("size", [(40, 12), (7, 7), (1, 1), (5, 90)])
def test_any_picture_ends_in_the_box_and_centred(size):
    picture = blot(120, 120, at=(3, 20), size=size)
    formed = to_mnist_form(picture)
    assert formed.shape == (SIDE, SIDE)
    assert formed.dtype == np.uint8
    assert max(crop(formed).shape) == BOX
    assert np.abs(np.array(centre_of_mass(formed)) - SIDE / 2).max() <= 0.5


def test_a_picture_in_the_form_already_keeps_its_form():
    once = to_mnist_form(blot(60, 60, at=(5, 5), size=(40, 20)))
    assert np.array_equal(to_mnist_form(once), once)


def test_no_picture_of_mnist_changes_when_it_is_centred_again():
    folder = os.environ.get("MNIST_COURSE_DATA")
    if folder is None:
        pytest.skip("MNIST_COURSE_DATA names no folder with MNIST's own files")
    pictures = load_mnist("mnist").train[0][:2000].reshape(-1, SIDE, SIDE)
    assert all(np.array_equal(centre_by_mass(crop(picture)), picture) for picture in pictures)
