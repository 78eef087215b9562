"""Checks for the exercises of chapter 7. They hold the answers."""

from __future__ import annotations

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
)

Rows = NDArray[np.float64]


def exercise_1(
    pairs: Any, share: Any, recalls: Any, errors: NDArray[np.int64], shown: NDArray[np.int64]
) -> str:
    """The four pairs of digits with the most errors, and the share of each digit that is read."""
    chosen = _look_at_pairs(pairs, errors)
    slip = _look_at_share(share, chosen, errors)
    right = (errors + errors.T)[tuple(chosen.T)].sum() / errors.sum()
    wrong = errors.sum(axis=1)
    found, wanted = numbers(recalls, (10,), "ten shares, one for each digit"), 1 - wrong / shown
    if close(found, wanted, within=1e-3):
        if slip:
            raise slip
        worst, best = wanted.argmin(), wanted.argmax()
        return (
            f"right. Four of 45 pairs hold {right:.0%} of the errors; of the {best} "
            f"{wanted[best]:.1%} are read, of the {worst} {wanted[worst]:.1%}."
        )
    if close(found, 100 * wanted, within=1e-3):
        raise NotYet("These are percentages. A share lies between 0 and 1.", credit=0.5)
    if close(found, 1 - wanted, within=1e-3):
        words = "These are the shares that are *misread*. The others are asked for."
        raise NotYet(words, credit=0.5)
    if close(found, shown - wrong) or close(found, wrong):
        words = "These are counts. Divide by how often the digit is shown."
        raise NotYet(words, credit=0.5)
    if close(found, 1 - errors.sum(axis=0) / shown, within=1e-3):
        raise NotYet("You added up columns, the digits that were answered. Add up rows.")
    if close(found, 1 - wrong / wrong.sum(), within=1e-3):
        raise NotYet("That divides by all errors. Divide by the pictures of the digit.")
    hits = shown - wrong
    if close(found, hits / (hits + errors.sum(axis=0)), within=1e-3):
        raise NotYet("That is the precision of each digit. Recall goes by the digit shown.")
    place = int(np.abs(found - wanted).argmax())
    raise NotYet(f"Of the {place} {wanted[place]:.3f} are read, not {found[place]:.3f}.")


def _look_at_pairs(pairs: Any, errors: NDArray[np.int64]) -> NDArray[np.int64]:
    both = np.triu(errors + errors.T, k=1)
    found = numbers(pairs, (4, 2), "four pairs of digits")
    if not np.isin(found, range(10)).all():
        raise NotYet("A pair is made of two digits from 0 to 9.")
    chosen = found.astype(int)
    if np.any(chosen[:, 0] == chosen[:, 1]):
        raise NotYet("A digit that is read as itself is no error. The diagonal does not count.")
    ordered = np.sort(chosen, axis=1)
    if len({(int(a), int(b)) for a, b in ordered}) < 4:
        raise NotYet(
            "A pair stands there twice: 4 and 9 is the same as 9 and 4. Keep what is above the "
            "diagonal."
        )
    held, most = both[tuple(ordered.T)], np.sort(both, axis=None)[-4:]
    directed = np.sort(errors, axis=None)[-4:]
    if held.sum() != most.sum():
        if errors[tuple(chosen.T)].sum() == directed.sum():
            raise NotYet("Those are the four largest counts of *one* direction. Add up both.")
        a, b = ordered[held.argmin()]
        raise NotYet(f"{a} and {b} are confused {held.min()} times, and there is a pair with more.")
    return chosen


def _look_at_share(
    share: Any, chosen: NDArray[np.int64], errors: NDArray[np.int64]
) -> NotYet | None:
    """Look at the share of the errors; return what is wrong with the form alone."""
    part, one_way = number(share, "a share of the errors"), errors[tuple(chosen.T)].sum()
    most = one_way + errors[tuple(chosen[:, ::-1].T)].sum()
    right = most / errors.sum()
    if abs(part - right) <= 0.005:
        return None
    if abs(part - 100 * right) <= 0.5:
        return NotYet("That is a percentage. A share lies between 0 and 1.", credit=0.5)
    if part == most:
        words = "That is the number of errors. Divide it by the number of all errors."
        return NotYet(words, credit=0.5)
    if abs(part - right / 2) <= 0.005:
        raise NotYet("Half of it: the sum over a whole symmetric table counts every error twice.")
    if abs(part - one_way / errors.sum()) <= 0.005:
        raise NotYet("The pairs are right; for the share, add up both of their directions.")
    if abs(part - 4 / 45) <= 0.005:
        raise NotYet("That would be the share if the errors were spread evenly over the pairs.")
    raise NotYet(f"The four pairs are right. They hold {most} of {errors.sum()} errors.")


def exercise_2(
    choose: Any,
    gammas: Rows,
    Z: Rows,
    y: NDArray[np.int64],
    Z_new: Rows,
    y_new: NDArray[np.int64],
) -> str:
    """A gamma chosen by the rows that the model has not seen."""
    from sklearn.svm import SVC

    # A part of the values as well, in another order, so that no list of answers passes; and
    # judges that know better, so that no rule passes which does not ask them.
    part = np.concatenate([gammas[:2], gammas[-2:]])[::-1]
    judges = (Z_new, y_new), (Z_new, y_new), (Z, y)
    models, slip = {gamma: SVC(C=5, gamma=gamma).fit(Z, y) for gamma in gammas}, None
    for tried, rows in zip((gammas, part, gammas), judges, strict=True):
        new = np.array([models[gamma].score(*rows) for gamma in tried])
        choice = number(called(choose, tried, Z, y, *rows), "a gamma")
        chosen = np.isclose(tried, choice, rtol=1e-6)
        if np.any(chosen & (new >= new.max() - 0.001)):
            continue
        if not chosen.any():
            if choice == new.argmax():
                words = "That is the *place* of the best one. `gammas[place]` is the value."
                slip = NotYet(words, credit=0.5)
                continue
            if close(choice, new.max(), within=1e-3):
                words = "That is the best accuracy. Asked for is the gamma that reaches it."
                slip = NotYet(words, credit=0.5)
                continue
            raise NotYet(f"{choice:g} is none of the `gammas`.")
        seen = np.array([models[gamma].score(Z, y) for gamma in tried])
        if np.any(chosen & (seen >= seen.max())):
            raise NotYet(f"γ = {choice:g} is best on rows that the model has *seen*.")
        if np.any(chosen & (new <= new.min())):
            raise NotYet(f"γ = {choice:g} is the worst of all on new rows. Is the sign turned?")
        raise NotYet(
            f"Another gamma than {choice:g} reads more of `Z_new`. Is that what you go by?"
        )
    only = y_new == y_new[0]
    try:  # rows of a single digit judge as well as others, and no model can learn from them
        number(called(choose, part, Z[::4], y[::4], Z_new[only], y_new[only]), "a gamma")
    except NotYet as stopped:
        raise NotYet(
            f"If `Z_new` shows a single digit, {stopped} Do you fit a model to `Z_new`? These "
            "rows only judge."
        ) from None
    if slip:
        raise slip
    return "right. Rows that a model has seen cannot tell an island from a digit."


def exercise_3(poly: Any, mirrored: Any, a: Rows, b: Rows, gamma: float) -> str:
    """The polynomial kernel, and where it takes a picture and its opposite for the same."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    # A picture with itself, and one with another, so that nothing is right by accident.
    for one, other in ((a, a), (a, b), (-a, a)):
        product = float(one @ other)
        for degree, coef0 in ((2, 1.0), (3, 0.0), (3, 2.0)):
            _look_at_kernel(poly, one, other, gamma, degree, coef0, product)
    found = numbers(mirrored, (3, 2), "a table of true and false") != 0
    right = np.array([[True, False], [False, False], [True, False]])
    if np.array_equal(found, right):
        return "right. With `coef0=0` an even power forgets the sign, and with it ink and paper."
    if np.array_equal(found, ~right):
        words = "Upside down: true is where a picture and its opposite are the same."
        raise NotYet(words, credit=0.5)
    if found[:, 1].any():
        raise NotYet("With `coef0=1` the sign matters: 1 + 0.5 and 1 - 0.5 have other powers.")
    if found[1, 0]:
        raise NotYet("An odd power keeps the sign: (-0.5)³ is negative.")
    raise NotYet("An even power of -0.5 is the same as that of 0.5. Look at degrees 2 and 4.")


def exercise_4(
    read: Any, shown: NDArray[np.float32], truth: NDArray[np.int64], to_beat: float
) -> str:
    """Copies of support vectors, moved a little, take mistakes away."""
    found = digits_read(
        read, shown, if_same="Are new pictures divided by 255, as those that it learned from?"
    )
    return beaten(float(np.mean(found == truth)), to_beat, 1 / 10, len(truth))


def _look_at_kernel(
    poly: Any, a: Rows, b: Rows, gamma: float, degree: int, coef0: float, product: float
) -> None:
    found = number(called(poly, a, b, gamma, degree, coef0), "a value of the kernel")

    def told(value: float) -> bool:
        return abs(found - value) <= 1e-3 * abs(value)

    scaled = gamma * product
    right = (scaled + coef0) ** degree
    if told(right):
        return
    if told(scaled**degree + coef0):
        raise NotYet("`coef0` comes before the power: add it inside the brackets.")
    if told((gamma * (product + coef0)) ** degree):
        raise NotYet("γ multiplies the inner product only. Add `coef0` after that.")
    if coef0 and scaled + degree > 0 and told((scaled + degree) ** coef0):
        raise NotYet("`degree` and `coef0` have changed places.")
    if told((product + coef0) ** degree):
        raise NotYet("Where is γ? It multiplies the inner product.")
    if told((scaled + coef0) * degree):
        raise NotYet("That is *times* `degree`. Asked for is the power, `**`.")
    if told(scaled**degree):
        raise NotYet("Where is `coef0`? It is added before the power is taken.")
    if told(scaled + coef0):
        raise NotYet("Where is `degree`? The sum is taken to that power.")
    if told(np.exp(-gamma * ((a - b) ** 2).sum())):
        raise NotYet("That is the RBF kernel. The polynomial one has an inner product in it.")
    raise NotYet(
        f"For an inner product of {product:.3g}, γ = {gamma:.3g}, degree {degree} and coef0 = "
        f"{coef0:g} the kernel is {right:.3g}, not {found:.3g}."
    )
