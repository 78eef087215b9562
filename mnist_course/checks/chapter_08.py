"""Checks for the exercises of chapter 8. They hold the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import NotYet, called, close, number, numbers

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def exercise_1(augment: Any, mixed_up: Any, images: NDArray[np.uint8], labels: Labels) -> str:
    """All pictures with their copies and labels; errors of a pair in both directions."""
    for changes in ([_upside_down, _inverted], []):
        result = called(augment, images, labels, changes)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise NotYet("`augment` should return two arrays: the pictures, and their labels.")
        rows = numbers(result[0], (-1, *images.shape[1:]), "pictures with their copies")
        given = numbers(result[1], (-1,), "a label for each picture")
        wanted = [images, *(change(images) for change in changes)]
        _look_at_copies(rows, given, [part.astype(np.float64) for part in wanted], labels)

    rng = np.random.default_rng(0)
    truth = rng.integers(0, 10, 500)
    answers = np.where(rng.random(500) < 0.6, truth, rng.integers(2, 6, 500))
    for a, b in ((2, 5), (4, 3)):
        _look_at_count(
            number(called(mixed_up, truth, answers, a, b), "a count"), truth, answers, a, b
        )
    return f"right. {len(images)} pictures and two changes make {3 * len(images)} labelled rows."


def exercise_2(condense: Any, Z: Floats, y: Labels) -> str:
    """Rows that those kept before them would misread."""
    in_order = _kept(Z, y)
    for rows in (slice(None), slice(None, None, -1)):
        found = numbers(called(condense, Z[rows], y[rows]), (-1,), "the numbers of kept rows")
        if len(found) == len(Z) > 2 and np.isin(found, [0, 1]).all():
            found = np.flatnonzero(found)  # a mask says the same
        right = _kept(Z[rows], y[rows])
        if not _same(found, right):
            _say_what_was_kept(found, right, Z[rows], y[rows])
    return f"right. {len(in_order)} of these {len(Z)} rows are kept."


def exercise_3(
    psnr: Any, mixed: Any, by_pca: Floats, by_look_up: Floats, true: NDArray[np.uint8]
) -> str:
    """Decibels, and the mean of two cleaned pictures."""
    for cleaned in (by_pca, 0.5 * by_look_up):
        found = number(called(psnr, cleaned, true), "a ratio in decibels")
        _look_at_decibels(found, np.asarray(cleaned, dtype=np.float64) - true)
    pictures = numbers(mixed, true.shape, "the mean of two sets of pictures")
    half = (np.asarray(by_pca, dtype=np.float64) + by_look_up) / 2
    if np.abs(pictures - half).max() > 0.51:  # whole grey values are as good
        if close(pictures, 2 * half):
            raise NotYet("That is the sum. The mean is half of it.")
        if close(pictures, by_pca) or close(pictures, by_look_up):
            raise NotYet("That is one of the two by itself. Add the other, and halve the sum.")
        if close(pictures, true):
            raise NotYet("These are the true pictures, and nobody has those when cleaning.")
        raise NotYet("Every pixel of `mixed` should lie halfway between the two cleaned ones.")
    each = [_decibels(np.asarray(p, dtype=np.float64) - true) for p in (by_pca, by_look_up, half)]
    verdict = "better than either" if each[2] > max(each[:2]) else "not better than both"
    return (
        f"right. PCA {each[0]:.1f} dB, look-up {each[1]:.1f} dB, their mean {each[2]:.1f} dB: "
        f"{verdict}."
    )


def _upside_down(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(images[:, ::-1])


def _inverted(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return 255 - images


def _look_at_copies(rows: Floats, given: Floats, wanted: list[Floats], labels: Labels) -> None:
    n = len(labels)
    if len(rows) == n * (len(wanted) - 1):
        raise NotYet("The pictures themselves are missing, or a kind of copies. Keep them all.")
    if len(rows) != n * len(wanted):
        raise NotYet(
            f"{n} pictures and {len(wanted) - 1} changes make {n * len(wanted)} rows, and here "
            f"are {len(rows)}."
        )
    if len(given) != len(rows):
        raise NotYet(f"There are {len(rows)} pictures, and {len(given)} labels. Each needs one.")

    def sorted_rows(pictures: Floats, digits: Floats) -> Floats:
        table = np.column_stack([pictures.reshape(len(pictures), -1), digits])
        return table[np.lexsort(table.T)]

    all_rows = np.concatenate(wanted)
    tiled = np.tile(labels, len(wanted)).astype(np.float64)
    # The order is free, as long as each label stays with its picture.
    if close(sorted_rows(rows, given), sorted_rows(all_rows, tiled)):
        return
    if not close(sorted_rows(rows, 0 * given), sorted_rows(all_rows, 0 * tiled)):
        raise NotYet(
            "These are not the pictures and what each of the changes makes of all of them."
        )
    if close(rows, all_rows) and close(given, np.repeat(labels, len(wanted))):
        raise NotYet(
            "The labels are repeated one by one, and the pictures come as a whole set after the "
            "other: the labels belong to other pictures. `np.tile` repeats the whole."
        )
    raise NotYet("The pictures are all there, but labels do not belong to their pictures.")


def _look_at_count(found: float, truth: Labels, answers: Labels, a: int, b: int) -> None:
    one_way = int(np.sum((truth == a) & (answers == b)))
    right = one_way + int(np.sum((truth == b) & (answers == a)))
    pair_truth, pair_answers = np.isin(truth, [a, b]), np.isin(answers, [a, b])
    if found == right:
        return
    if found in (one_way, right - one_way):
        raise NotYet(
            "That is one direction only. An *a* read as *b* counts, and a *b* read as *a*."
        )
    if found == 2 * right:
        raise NotYet("Every picture is counted twice.")
    if found == np.sum(pair_truth & pair_answers):
        raise NotYet("That counts pictures of the two digits that were read *rightly* as well.")
    if found == np.sum(pair_truth & (truth != answers)):
        raise NotYet("That counts all errors with these two digits, whatever they were read as.")
    if close(found, right / len(truth)):
        raise NotYet("That is a share. The number of pictures is asked for.")
    raise NotYet(
        f"For {a} and {b} `mixed_up` should count {right} pictures, and it says {found:g}."
    )


def _kept(Z: Floats, y: Labels, *, so_far: bool = True, wrong: bool = True) -> list[int]:
    kept = [0]
    for i in range(1, len(Z)):
        among = kept if so_far else list(range(i))
        nearest = among[int(np.square(Z[among] - Z[i]).sum(axis=1).argmin())]
        if (y[nearest] != y[i]) == wrong:
            kept.append(i)
    return kept


def _same(found: Floats, wanted: Any) -> bool:
    return np.array_equal(np.sort(found), np.sort(np.asarray(wanted, dtype=np.float64)))


def _say_what_was_kept(found: Floats, right: list[int], Z: Floats, y: Labels) -> None:
    everything = np.arange(len(Z))
    if _same(found, right[1:]):
        raise NotYet("The first row is missing. It is always kept.")
    if _same(found, y[right]):
        raise NotYet("These are the labels of the kept rows. Their row numbers are asked for.")
    if _same(found, np.asarray(right) + 1):
        raise NotYet("All numbers are one too high: the first row is row 0.")
    if _same(found, np.setdiff1d(everything, right)) or _same(found, _kept(Z, y, wrong=False)):
        raise NotYet("These rows were read *rightly*. Keep those that are misread.")
    if _same(found, _kept(Z, y, so_far=False)):
        raise NotYet("You looked among *all* earlier rows. Look among those kept so far.")
    if _same(found, everything):
        raise NotYet("All rows are kept. A row must not be among those in which it is looked up.")
    gaps = np.square(Z[:, None] - Z[None]).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    odd = np.flatnonzero(y[gaps.argmin(axis=1)] != y)
    if _same(found, odd) or _same(found, np.union1d([0], odd)):
        raise NotYet("You looked among *all* other rows. Look among those kept so far.")
    if not np.isin(found, everything).all():
        raise NotYet(f"There are {len(Z)} rows, with numbers from 0 to {len(Z) - 1}.")
    place = int(np.setxor1d(found, right)[0])
    fate = "kept" if place in right else "dropped"
    raise NotYet(f"Of {len(Z)} rows {len(right)} are kept. Row {place} should be {fate}.")


def _decibels(errors: Floats) -> float:
    return float(10 * np.log10(255**2 / np.mean(errors**2)))


def _look_at_decibels(found: float, errors: Floats) -> None:
    mean = float(np.mean(errors**2))

    def told(value: float) -> bool:
        return abs(found - value) <= 1e-3 * abs(value)

    ratio, each = 255**2 / mean, np.mean(errors**2, axis=1)
    if told(10 * np.log10(ratio)):
        return
    if told(mean) or told(mean**0.5):
        raise NotYet("That is the error itself, in grey values. PSNR compares it with 255.")
    if told(20 * np.log10(ratio)) or told(5 * np.log10(ratio)):
        raise NotYet(
            "Off by a factor of two: 10 times the logarithm of 255² over the *squared* error."
        )
    if told(10 * np.log(ratio)):
        raise NotYet("`np.log` is the natural logarithm. Decibels take `np.log10`.")
    if told(np.log10(ratio)):
        raise NotYet("These are bels. A bel has ten decibels.")
    if told(-10 * np.log10(ratio)):
        raise NotYet("The ratio is upside down: 255² over the error, so that more is better.")
    if told(10 * np.log10(1 / mean)):
        raise NotYet("The peak is missing: 255, the largest grey value, squared.")
    if told(10 * np.log10(255 / mean)):
        raise NotYet("The peak has to be squared as well: 255².")
    if told(10 * np.log10(255**2 / np.mean(np.abs(errors)))) or told(
        20 * np.log10(255 / np.mean(np.abs(errors)))
    ):
        raise NotYet("That takes the mean *absolute* error. PSNR takes the mean squared one.")
    if told(10 * np.log10(255**2 / np.sum(errors**2))):
        raise NotYet("That is the *sum* of squared errors. Take their mean.")
    if told(float(np.mean(10 * np.log10(255**2 / each)))):
        raise NotYet("That is the mean of one PSNR for each picture. Average the errors first.")
    raise NotYet(f"With a mean squared error of {mean:.0f}, {found:.2f} dB are not right.")
