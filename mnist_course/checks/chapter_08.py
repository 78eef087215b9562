"""Checks for the exercises of chapter 8. They hold the answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import (
    NotYet,
    beaten,
    called,
    close,
    digits_read,
    number,
    numbers,
    several,
)

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def exercise_1(augment: Any, mixed_up: Any, images: NDArray[np.uint8], labels: Labels) -> str:
    """All pictures with their copies and labels; errors of a pair in both directions."""
    mirror_and_invert: list[Callable[..., Any]] = [partial(np.flip, axis=1), np.invert]
    for changes in (mirror_and_invert, []):
        words = "`augment` should return two arrays: the pictures, and their labels."
        rows, given = several(called(augment, images, labels, changes), 2, words)
        rows = numbers(rows, (-1, *images.shape[1:]), "pictures with their copies")
        given = numbers(given, (-1,), "a label for each picture")
        wanted = [images, *(change(images) for change in changes)]
        _look_at_copies(rows, given, [part.astype(np.float64) for part in wanted], labels)

    rng, slip = np.random.default_rng(0), None
    truth = rng.integers(0, 10, 500)
    answers = np.where(rng.random(500) < 0.6, truth, rng.integers(2, 6, 500))
    for a, b in ((2, 5), (4, 3)):
        count = number(called(mixed_up, truth, answers, a, b), "a count")
        slip = _look_at_count(count, truth, answers, a, b) or slip
    if slip:
        raise slip
    return f"right. {len(images)} pictures and two changes make {3 * len(images)} labelled rows."


def exercise_2(condense: Any, Z: Floats, y: Labels) -> str:
    """Rows that those kept before them would misread."""
    in_order, slip = _kept(Z, y), None
    for rows in (slice(None), slice(None, None, -1)):
        answer = called(condense, Z[rows], y[rows])
        found: NDArray[Any] = numbers(answer, (-1,), "the numbers of kept rows")
        if len(found) == len(Z) > 2 and np.isin(found, [0, 1]).all():
            found = np.flatnonzero(found)  # a mask says the same
        right = _kept(Z[rows], y[rows])
        if not _same(found, right):
            slip = _say_what_was_kept(found, right, Z[rows], y[rows])
    if slip:
        raise slip
    return f"right. {len(in_order)} of these {len(Z)} rows are kept."


def exercise_3(split: Any, images: NDArray[np.uint8], labels: Labels, with_copies: Any) -> str:
    """Rows to judge with, none of which has a copy among those to learn from."""
    n, n_new = len(images), 12
    words = "Expected four arrays: rows and labels to learn from, and to judge."
    rows, row_labels, new, new_labels = several(called(split, images, labels, n_new), 4, words)
    rows = _pictures(rows, images, "pictures to learn from")
    new = _pictures(new, images, "pictures to judge with")
    row_labels = numbers(row_labels, (len(rows),), "a label for each row to learn from")
    new_labels = numbers(new_labels, (len(new),), "a label for each row to judge with")
    if len(new) != n_new:
        raise NotYet(f"{n_new} rows to judge with were asked for, and here are {len(new)}.")

    origin = {picture.tobytes(): i for i, picture in enumerate(_flat(images))}
    copied, numbers_of = with_copies(images, np.arange(n))
    copy_of = dict(zip((c.tobytes() for c in _flat(copied)), numbers_of, strict=True))
    aside = [origin.get(picture.tobytes(), -1) for picture in _flat(new)]
    taken = [copy_of.get(picture.tobytes(), -1) for picture in _flat(rows)]
    if -1 in aside:
        raise NotYet(
            "There are copies among the rows to judge with. Set pictures aside as they are."
        )
    if len(set(aside)) < n_new:
        raise NotYet("A picture is there twice among the rows to judge with.")
    if set(aside) & set(taken):
        raise NotYet("A picture that was set aside, or a copy of it, is among those to learn from.")
    others = np.setdiff1d(np.arange(n), aside)
    wanted = sorted(c.tobytes() for c in _flat(with_copies(images[others], others)[0]))
    if sorted(picture.tobytes() for picture in _flat(rows)) != wanted:
        raise NotYet("The rows to learn from should be all other images, each with its copies.")
    if not (
        np.array_equal(row_labels, labels[taken]) and np.array_equal(new_labels, labels[aside])
    ):
        raise NotYet("The pictures are all there, but labels do not belong to their pictures.")
    return f"right. {n_new} pictures judge, and none of the {len(rows)} rows is a copy of them."


def exercise_4(read: Any, shown: NDArray[np.uint8], truth: Labels, to_beat: float) -> str:
    """Components, weights and copies together."""
    found = digits_read(read, shown, if_same="Are pictures turned into components by `pca`?")
    return beaten(float(np.mean(found == truth)), to_beat, 1 / 3, len(truth))


def _flat(pictures: NDArray[Any]) -> NDArray[np.uint8]:
    size = int(np.prod(pictures.shape[1:]))
    return np.ascontiguousarray(np.reshape(pictures, (len(pictures), size)).astype(np.uint8))


def _pictures(answer: Any, images: NDArray[np.uint8], what: str) -> Floats:
    found = numbers(answer, (-1, *images.shape[1:]), what)
    if not np.array_equal(found, np.clip(np.round(found), 0, 255)):
        raise NotYet(f"Expected {what}, whole numbers from 0 to 255 as they were.")
    return found


def _look_at_copies(rows: Floats, given: Floats, wanted: list[Floats], labels: Labels) -> None:
    n = len(labels)
    if len(rows) == n * (len(wanted) - 1):
        raise NotYet("The pictures themselves are missing, or one kind of copy. Keep them all.")
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
            "The labels are repeated one by one, and the pictures come one whole set after "
            "another: the labels belong to other pictures. `np.tile` repeats the whole."
        )
    raise NotYet("The pictures are all there, but labels do not belong to their pictures.")


def _look_at_count(found: float, truth: Labels, answers: Labels, a: int, b: int) -> NotYet | None:
    """Look at a count; return what is wrong with the form alone."""
    one_way = int(np.sum((truth == a) & (answers == b)))
    right = one_way + int(np.sum((truth == b) & (answers == a)))
    pair_truth, pair_answers = np.isin(truth, [a, b]), np.isin(answers, [a, b])
    if found == right:
        return None
    if found in (one_way, right - one_way):
        raise NotYet(
            "That is one direction only. An *a* read as *b* counts, and a *b* read as *a*."
        )
    if found == 2 * right:
        return NotYet("Every picture is counted twice.", credit=0.5)
    if found == np.sum(pair_truth & pair_answers):
        raise NotYet("That counts pictures of the two digits that were read *rightly* as well.")
    if found == np.sum(pair_truth & (truth != answers)):
        raise NotYet("That counts all errors with these two digits, whatever they were read as.")
    if close(found, right / len(truth)):
        return NotYet("That is a share. The number of pictures is asked for.", credit=0.5)
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


def _say_what_was_kept(found: Floats, right: list[int], Z: Floats, y: Labels) -> NotYet:
    """Say what is wrong with the rows; return what is wrong with the form alone."""
    forms = {
        "The first row is missing. It is always kept.": right[1:],
        "These are the labels of the kept rows. Their row numbers are asked for.": y[right],
        "All numbers are one too high: the first row is row 0.": np.asarray(right) + 1,
    }
    for words, kept in forms.items():
        if _same(found, kept):
            return NotYet(words, credit=0.5)
    everything = np.arange(len(Z))
    if _same(found, np.setdiff1d(everything, right)) or _same(found, _kept(Z, y, wrong=False)):
        raise NotYet("These rows were read *rightly*. Keep those that are misread.")
    if _same(found, _kept(Z, y, so_far=False)):
        raise NotYet("You looked among *all* earlier rows. Look among those kept so far.")
    if _same(found, everything):
        raise NotYet("All rows are kept. Keep those whose nearest kept row has another label.")
    if _same(found, [0]):
        raise NotYet("Only the first row is kept. Does each row find itself when it is looked up?")
    gaps = np.square(Z[:, None] - Z[None]).sum(axis=2)
    np.fill_diagonal(gaps, np.inf)
    odd = np.flatnonzero(y[gaps.argmin(axis=1)] != y)
    if _same(found, odd) or _same(found, np.union1d([0], odd)):
        raise NotYet("You looked among *all* other rows. Look among those kept so far.")
    if not np.isin(found, everything).all():
        raise NotYet(f"There are {len(Z)} rows, with numbers from 0 to {len(Z) - 1}.")
    if len(np.unique(found)) < len(found):
        raise NotYet("Some rows are named twice. Each is kept once, or not at all.")
    place = int(np.setxor1d(found, right)[0])
    fate = "kept" if place in right else "dropped"
    raise NotYet(f"Of {len(Z)} rows {len(right)} are kept. Row {place} should be {fate}.")
