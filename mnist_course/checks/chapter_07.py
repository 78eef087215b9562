"""Checks for the exercises of chapter 7. They hold the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import NotYet, called, close, number, numbers

Rows = NDArray[np.float64]


def exercise_1(pairs: Any, share: Any, errors: NDArray[np.int64]) -> str:
    """The four pairs of digits with the most errors in both directions together."""
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
    part, right = number(share, "a share of the errors"), most.sum() / errors.sum()
    if abs(part - right) <= 0.005:
        return f"right. Four of 45 pairs hold {right:.0%} of the errors."
    if abs(part - 100 * right) <= 0.5:
        raise NotYet("That is percent. A share lies between 0 and 1.")
    if abs(part - right / 2) <= 0.005:
        raise NotYet("Half of it: the sum over a whole symmetric table counts every error twice.")
    if abs(part - errors[tuple(chosen.T)].sum() / errors.sum()) <= 0.005:
        raise NotYet("The pairs are right; for the share, add up both of their directions.")
    if abs(part - 4 / 45) <= 0.005:
        raise NotYet("That would be the share if the errors were spread evenly over the pairs.")
    if part == most.sum():
        raise NotYet("That is the number of errors. Divide it by the number of all errors.")
    raise NotYet(f"The four pairs are right. They hold {most.sum()} of {errors.sum()} errors.")


def exercise_2(
    seen: Any,
    new: Any,
    best: Any,
    gammas: Rows,
    Z: Rows,
    y: NDArray[np.int64],
    Z_new: Rows,
    y_new: NDArray[np.int64],
) -> str:
    """Accuracy on seen and on new rows for each gamma, and the one to take."""
    from sklearn.svm import SVC

    known = numbers(seen, gammas.shape, "the accuracies on seen rows")
    fresh = numbers(new, gammas.shape, "the accuracies on new rows")
    choice = number(best, "the best gamma")

    def same(a: float, b: float) -> bool:
        return abs(a - b) <= 0.005

    # Two fits out of all, to look the answers up: one in the middle and one of the large ones.
    for place in (len(gammas) // 3, len(gammas) - 2):
        model = SVC(C=5, gamma=gammas[place]).fit(Z, y)
        on_seen, on_new = model.score(Z, y), model.score(Z_new, y_new)
        first, second = known[place], fresh[place]
        if same(first, on_seen) and same(second, on_new):
            continue
        if same(first, on_new) and same(second, on_seen):
            raise NotYet("`seen` and `new` have changed places.")
        if same(first, on_seen) and same(second, on_seen):
            raise NotYet("`new` holds the accuracy on the rows that the model has seen.")
        if same(first, on_new) and same(second, on_new):
            raise NotYet("`seen` holds the accuracy on new rows.")
        if same(first, 100 * on_seen):
            raise NotYet("These are percent. An accuracy is a share, between 0 and 1.")
        if same(second, SVC(gamma=gammas[place]).fit(Z, y).score(Z_new, y_new)):
            raise NotYet("These accuracies belong to another `C`. Take `SVC(C=5, gamma=gamma)`.")
        raise NotYet(
            f"For gamma = {gammas[place]:g} the accuracies are {on_seen:.3f} on seen and "
            f"{on_new:.3f} on new rows, not {first:.3f} and {second:.3f}."
        )
    chosen = np.isclose(gammas, choice, rtol=1e-6)
    if np.any(chosen & (fresh >= fresh.max() - 0.001)):
        return f"right. No other gamma reads more of the new rows than {choice:g}."
    if np.any(chosen & (known >= known.max() - 0.001)):
        raise NotYet("The rows that a model has seen do not help to choose: islands know them all.")
    if choice == fresh.argmax():
        raise NotYet("That is the *place* of the best one. `gammas[place]` is the value.")
    if close(choice, fresh.max()):
        raise NotYet("That is the best accuracy. Asked for is the gamma that reaches it.")
    if not chosen.any():
        raise NotYet(f"{choice:g} is none of the `gammas`.")
    raise NotYet(f"Another gamma than {choice:g} has a higher accuracy on new rows.")


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
        raise NotYet("Upside down: true is where a picture and its opposite are the same.")
    if found[:, 1].any():
        raise NotYet("With `coef0=1` the sign matters: 1 + 0.5 and 1 - 0.5 have other powers.")
    if found[1, 0]:
        raise NotYet("An odd power keeps the sign: (-0.5)³ is negative.")
    raise NotYet("An even power of -0.5 is the same as that of 0.5. Look at degrees 2 and 4.")


def exercise_4(counts: Any, ratio: Any) -> str:
    """How many models n classes need, and what their fits cost."""
    for n in (10, 4, 7):
        duels = n * (n - 1) // 2
        found = numbers(called(counts, n), (2,), "two numbers, of duels and against the rest")
        if np.array_equal(found, [duels, n]):
            continue
        if np.array_equal(found, [n, duels]):
            raise NotYet("First the number of duels, then that of models against the rest.")
        if found[0] == 2 * duels:
            raise NotYet("Each pair is counted twice: 3 against 8 is the same duel as 8 against 3.")
        if found[0] == duels + n or found[0] == n * n:
            raise NotYet("No class plays against itself.")
        if found[0] == duels:
            raise NotYet(f"The duels are right. {n} classes have {n} models against the rest.")
        raise NotYet(f"Of {n} classes {duels} pairs can be made, and `counts` says {found[0]:g}.")
    times, right = number(ratio, "a ratio of times"), 10 / (45 * 0.2**2)
    if abs(times - right) <= 0.05:
        return "right. Many models on few rows can be cheaper than few models on many."
    if abs(times - 1 / right) <= 0.005:
        raise NotYet("Upside down: the time against the rest, divided by that of the duels.")
    if abs(times - 10 / (45 * 0.2)) <= 0.01:
        raise NotYet("That would be so if time grew *with* the rows. It grows with their square.")
    if abs(times - 10 / 45) <= 0.01 or abs(times - 4.5) <= 0.01:
        raise NotYet("That compares the numbers of models, as if each of them took equally long.")
    if abs(times - 10 / (45 * 0.1**2)) <= 0.1:
        raise NotYet("A duel sees the rows of *two* of the ten digits.")
    raise NotYet(
        f"Not {times:.3g}. If a fit on all rows takes 1, a duel takes two tenths, squared. How "
        "long do all duels take?"
    )


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
