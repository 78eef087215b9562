"""Whole arrays of pictures bent at once, against plain versions that bend one."""

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from mnist_course import load_mnist
from mnist_course.errors import UsageError
from mnist_course.geometry import SIDE
from mnist_course.warp import SPREAD, Distortion, deskew, moments, normalise

MIDDLE = (SIDE - 1) / 2
STILL = Distortion(rotation=0, scale=0, shear=0, shift=0, bend=0)


@pytest.fixture(scope="module")
def pictures():
    return load_mnist("digits").images[:60].reshape(-1, SIDE, SIDE)


def plain_moments(picture):
    """Return mean row and column, the two variances and the covariance, by their definition."""
    rows, columns = np.indices(picture.shape)
    mass = picture.astype(float)

    def mean(values):
        return (values * mass).sum() / mass.sum()

    row, column = mean(rows), mean(columns)
    spreads = [(rows - row) ** 2, (columns - column) ** 2, (rows - row) * (columns - column)]
    return row, column, *map(mean, spreads)


def look_up(picture, rows, columns):
    return map_coordinates(picture.astype(float), [rows, columns], order=1)


def plain_deskew(picture):
    row, _, row_variance, _, covariance = plain_moments(picture)
    rows, columns = np.indices(picture.shape)
    return look_up(picture, rows, columns + covariance / row_variance * (rows - row))


def plain_normalise(picture):
    row, column, row_variance, column_variance, covariance = plain_moments(picture)
    slant = covariance / row_variance
    height, width = row_variance**0.5, (column_variance - slant * covariance) ** 0.5
    new_height = SPREAD
    new_width = SPREAD * (width / height) ** 0.5
    rows, columns = np.indices(picture.shape) - MIDDLE
    rows = rows * height / new_height
    columns = columns * width / new_width + slant * rows
    return look_up(picture, rows + row, columns + column)


@pytest.mark.parametrize(
    ("many", "one"),
    [(deskew, plain_deskew), (normalise, plain_normalise)],
    ids=lambda f: f.__name__,
)
def test_many_at_once_are_bent_as_one_would_be(pictures, many, one):
    expected = np.stack([one(picture) for picture in pictures])
    assert np.abs(many(pictures) - expected).max() < 0.05  # of 255


def test_moments_are_those_of_the_definition(pictures):
    found = np.hstack(moments(pictures.reshape(-1, SIDE**2).astype(np.float32)))
    expected = np.array([plain_moments(picture) for picture in pictures])
    assert np.allclose(found, expected, rtol=1e-3)


def test_a_slanted_bar_stands_upright_afterwards():
    picture = np.zeros((SIDE, SIDE), dtype=np.uint8)
    for row in range(5, 23):
        picture[row, 5 + row // 2 : 8 + row // 2] = 255
    assert abs(plain_moments(picture)[4]) > 5
    assert abs(plain_moments(deskew(picture[None])[0])[4]) < 0.3


def test_large_and_small_left_and_right_become_alike(pictures):
    picture = pictures[0]
    small = np.zeros_like(picture)
    small[2:16, 1:15] = picture.reshape(14, 2, 14, 2).mean(axis=(1, 3))
    before = np.abs(picture.astype(float) - small).mean()
    large, other = normalise(np.stack([picture, small]))
    assert np.abs(large - other).mean() < before / 3
    for one in (large, other):
        row, column, row_variance, *_ = plain_moments(one)
        assert (row, column) == pytest.approx((MIDDLE, MIDDLE), abs=0.3)
        assert row_variance**0.5 == pytest.approx(SPREAD, abs=0.4)


def test_rows_of_784_give_the_same_in_their_own_shape_and_parts_do_not_matter(pictures):
    flat = pictures.reshape(-1, SIDE**2)
    many = np.tile(flat, (20, 1))  # more than are done at once
    warped = normalise(many)
    assert warped.shape == many.shape and warped.dtype == np.float32
    assert np.array_equal(warped[-len(flat) :], normalise(pictures).reshape(-1, SIDE**2))


@pytest.mark.parametrize("bend", [deskew, normalise], ids=lambda f: f.__name__)
def test_an_empty_picture_stays_empty_and_no_picture_is_none(bend):
    with np.errstate(all="raise"):
        assert np.array_equal(bend(np.zeros((2, SIDE**2), np.uint8)), np.zeros((2, SIDE**2)))
    assert bend(np.zeros((0, SIDE**2), np.uint8)).shape == (0, SIDE**2)


def test_copies_are_drawn_by_seed_and_each_differs_a_little(pictures):
    twice = [
        normalise(pictures, distortion=Distortion(), rng=np.random.default_rng(seed))
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(twice[0], twice[1])
    assert not np.array_equal(twice[0], twice[2])
    plain = normalise(pictures)
    for copy, picture in zip(twice[0], plain, strict=True):
        assert 0.5 < np.corrcoef(copy.ravel(), picture.ravel())[0, 1] < 0.999


@pytest.mark.parametrize("name", ["rotation", "scale", "shear", "shift", "bend"])
def test_each_part_of_a_distortion_does_something_and_none_of_them_nothing(pictures, name):
    rng = np.random.default_rng(0)
    still = normalise(pictures, distortion=STILL, rng=rng)
    assert np.allclose(still, normalise(pictures), atol=1e-3)
    strong = Distortion(**{**vars(STILL), name: getattr(Distortion(), name)})
    assert np.abs(normalise(pictures, distortion=strong, rng=rng) - still).mean() > 1


def test_a_distortion_without_a_generator_is_refused_and_so_is_one_without_the_other(pictures):
    with pytest.raises(UsageError, match=r"needs a generator.*\n.*default_rng\(0\)"):
        normalise(pictures, distortion=Distortion())
    with pytest.raises(UsageError, match=r"no distortion.*\n.*leave rng out"):
        normalise(pictures, rng=np.random.default_rng(0))
