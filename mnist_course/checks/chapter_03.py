"""Checks for the exercises of chapter 3. They hold the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import NotYet, beaten, called, close, digits_read, numbers


def exercise_1(
    pixels: Any,
    weights: Any,
    iterations: Any,
    X: NDArray[np.float32],
    is_zero: NDArray[np.bool_],
) -> str:
    """Two solvers find the same weights for the fifty pixels that vary most."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    chosen = _fifty_that_vary_most(pixels, X)
    columns = X[:, chosen].astype(float)
    Z = StandardScaler().fit_transform(columns)

    def fit(solver: str, columns: NDArray[np.float64]) -> Any:
        model = LogisticRegression(solver=solver, max_iter=1000, tol=1e-6)
        return model.fit(columns, is_zero)

    found = numbers(weights, (2, 50), "two rows of 50 weights")
    newton = fit("newton-cholesky", Z)
    right = newton.coef_[0]
    agree, slip = [_near(row, right, 0.02) for row in found], None
    if not all(agree):
        if all(_near(row, -right, 0.1) for row in found):
            raise NotYet("The signs are turned: these models look for what is *not* a zero.")
        for unit in (1, 255):
            if _near(found[1], fit("newton-cholesky", columns / unit).coef_[0], 0.1):
                raise NotYet("These are weights of pixels that were not standardised.")
        if agree[1]:
            raise NotYet("lbfgs has not converged: give it more iterations, and a smaller `tol`.")
        if agree[0]:
            raise NotYet("The first row is right, and the second should hold the same weights.")
        if not all(_near(np.sort(row), np.sort(right), 0.02) for row in found):
            raise NotYet(
                "These weights are not at the lowest point of the loss. C is 1, as it was."
            )
        words = "The weights are right, but not in the order of `pixels`."
        slip = NotYet(words, credit=0.5)
    counts = numbers(iterations, (2,), "two numbers of iterations")
    lbfgs, few = fit("lbfgs", Z).n_iter_[0], newton.n_iter_[0]
    if counts[0] < counts[1] and lbfgs > few:
        words = "The iterations have changed places: lbfgs comes first, and needs more."
        raise NotYet(words, credit=0.5)
    for name, count, expected in (("lbfgs", counts[0], lbfgs), ("newton", counts[1], few)):
        if not expected / 3 <= count <= expected * 3:
            words = f"{count:g} iterations are not what {name} needs. `n_iter_` tells."
            raise NotYet(words, credit=0.5)
    if slip:
        raise slip
    longer = ", and lbfgs takes more iterations to get there" if lbfgs > few else ""
    return f"right. Both stand at the same point{longer}."


def exercise_2(
    accuracies: Any,
    read: Any,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    seed: int,
    X_val: NDArray[np.float32],
    y_val: NDArray[np.int64],
) -> str:
    """The fewer rows to learn from, the wider the gap; a brake closes part of it."""
    from sklearn.linear_model import LogisticRegression

    found = numbers(accuracies, (3, 2), "a row of two accuracies for each share")
    right = _accuracies(X, y, seed)

    def fits(answer: NDArray[np.float64]) -> bool:
        return bool(np.abs(answer - right).max() <= 0.01)

    forms = {
        "The two columns have changed places: the rows learned from come first.": found[:, ::-1],
        "An accuracy lies between 0 and 1; 0.9 rather than 90.": found / 100,
        "These are shares of errors. An accuracy is the share that is right.": 1 - found,
    }
    slip = None
    if not fits(found):
        slip = next((NotYet(words, credit=0.5) for words in forms if fits(forms[words])), None)
    if not (slip or fits(found)):
        if found.max() > 1:
            raise NotYet("An accuracy lies between 0 and 1.")
        if fits(found[::-1]) or fits(found[::-1, ::-1]):
            raise NotYet("A *test* share of 0.1 leaves nine tenths to learn from, not one tenth.")
        if np.array_equal(found[:, 0], found[:, 1]):
            raise NotYet("Both columns are the same. Did you judge the rows it learned from twice?")
        others: dict[str, dict[str, Any]] = {
            "Leave `C` as it was: these are accuracies without a brake.": {"C": np.inf},
            "These models were given other pixels. Use `some` as it is.": {"unit": 255},
            "The second column judges by `X_val`. Use the rows that each split sets aside.": {
                "judges": (X_val / 255, y_val)
            },
        }
        for words, way in others.items():
            if np.abs(found - _accuracies(X, y, seed, **way)).max() <= 0.004:
                raise NotYet(words)
        worst = int(np.abs(found - right).max(axis=1).argmax())
        expected = f"{right[worst, 0]:.2f} and {right[worst, 1]:.2f}"
        raise NotYet(f"In row {worst}, {expected} was expected for this `random_state`.")
    scale = "`read` is given pixels up to 255. Scale them as you scaled those it learned."
    answers = digits_read(read, X_val, if_same=scale)
    unbraked = LogisticRegression(C=np.inf, max_iter=300).fit(X, y)
    if np.mean(answers == unbraked.predict(X_val / 255)) > 0.999:
        raise NotYet("`read` is still the model without a brake.")
    reads, to_beat = float(np.mean(answers == y_val)), unbraked.score(X_val / 255, y_val)
    if 1 - reads < 0.3 * (1 - to_beat):
        raise NotYet(
            f"{reads:.1%} is more than logistic regression gets out of these rows. Has it seen "
            "`X_val`? It may learn from `some` only."
        )
    try:
        verdict = beaten(reads, to_beat, 1 / 6, len(y_val))
    except NotYet:
        for unit in (255, 1 / 255):  # would it read better if it were given other pixels?
            found = numbers(called(read, X_val * np.float32(unit)), (len(y_val),), "a digit")
            if np.mean(found == y_val) > reads + 0.005:
                raise NotYet(scale) from None
        raise
    if slip:
        raise slip
    gaps = right[:, 0] - right[:, 1]
    wider = "is wider where fewer rows are left to learn from"
    if gaps[2] <= gaps[0] + 0.01:
        wider = "hardly depends on the share here"
    return f"{verdict} The gap between your two columns {wider}."


def exercise_3(
    rare: Any, size: Any, per_ink: Any, W: NDArray[np.float64], X: NDArray[np.float32]
) -> str:
    """Pixels that are rarely inked have small weights, and large ones per unit of ink."""
    inked, deviation = (X > 0).mean(axis=0), X.std(axis=0, dtype=np.float64)
    wanted = (inked > 0) & (inked < 0.01)
    mask = numbers(rare, (784,), "a mask, true or false for each of 784 pixels")
    if not np.isin(mask, [0, 1]).all():
        raise NotYet("`rare` should be true or false for each pixel.")
    mask, slip = mask == 1, None
    if not np.array_equal(mask, wanted):
        if np.array_equal(mask, inked < 0.01):
            raise NotYet("A pixel that is never inked has told the model nothing. Leave it out.")
        amount = X.mean(axis=0, dtype=np.float64)
        if np.array_equal(mask, (amount > 0) & (amount < 2.55)):
            raise NotYet("This asks how *much* ink there is. In how many pictures is there any?")
        if not (np.array_equal(mask, ~wanted) or np.array_equal(mask, inked >= 0.01)):
            raise NotYet(f"{wanted.sum()} pixels are rarely inked, and the mask has {mask.sum()}.")
        words = "The mask is upside down: these are the pixels that are inked often."
        slip = NotYet(words, credit=0.5)
    mean_size = np.abs(W).mean(axis=0)
    found = numbers(size, (784,), "784 mean sizes")
    if not _near(found, mean_size, 0.01):
        if _near(found, W.mean(axis=0), 0.01) or _near(found, np.abs(W.mean(axis=0)), 0.01):
            raise NotYet(
                "Weights of opposite sign have cancelled. Drop the signs *before* the mean."
            )
        if _near(found, mean_size * len(W), 0.01):
            raise NotYet("These are sums of ten sizes. The mean is asked for.")
        if _near(found, np.sqrt(np.square(W).mean(axis=0)), 0.01):
            raise NotYet("The root of the mean square is another size. Take the mean of `abs`.")
        raise NotYet("`size` is the mean over the ten models of the weight without its sign.")
    right = np.divide(mean_size, deviation, out=np.zeros(784), where=deviation > 0)
    what = "784 sizes per unit of ink, 0 for a pixel that never varies,"
    last = numbers(per_ink, (784,), what)
    if not _near(last, right, 0.01):
        if _near(last, mean_size * deviation, 0.01):
            raise NotYet("Divide by the standard deviation; this is multiplied by it.")
        if _near(last, mean_size, 0.01):
            raise NotYet("`per_ink` is still in standard deviations. Divide by them.")
        squared = np.divide(right, deviation, out=np.zeros(784), where=deviation > 0)
        if _near(last, squared, 0.01):
            words = "That is divided by the variance. Its root is the standard deviation."
            raise NotYet(words, credit=0.5)
        raise NotYet("`size` is right. `per_ink` is `size` over the standard deviation.")
    if slip:
        raise slip
    share = [part[wanted].sum() / part.sum() for part in (inked > 0, mean_size, right)]
    return (
        f"right. Rarely inked are {share[0]:.0%} of the inked pixels. They hold {share[1]:.0%} "
        f"of all weight, and per unit of ink {share[2]:.0%}."
    )


def exercise_4(
    frequency: Any,
    misread: Any,
    even_rows: Any,
    train: NDArray[np.int64],
    truth: NDArray[np.int64],
    answers: NDArray[np.int64],
) -> str:
    """Shares of each digit, of its errors, and rows in which all are equally frequent."""
    counts, slip = np.bincount(train, minlength=10), None
    found = numbers(frequency, (10,), "ten shares of the training rows")
    if close(found, counts) or close(found, 100 * counts / len(train), within=1e-3):
        words = "A share lies between 0 and 1: divide by the number of rows."
        slip = NotYet(words, credit=0.5)
    elif not close(found, counts / len(train), within=1e-3):
        if close(found, np.bincount(truth, minlength=10) / len(truth), within=1e-3):
            raise NotYet("These are the shares in the validation rows. What did the models see?")
        raise NotYet("`frequency` is the share of `y_fit` that each digit has.")
    matrix = np.zeros((10, 10))
    np.add.at(matrix, (truth, answers), 1)
    hits, wrong = np.diag(matrix), matrix.sum(axis=1) - np.diag(matrix)
    right = wrong / matrix.sum(axis=1)
    errors = numbers(misread, (10,), "ten shares of misread pictures")
    if close(errors, 1 - right, within=1e-3):
        slip = NotYet("These are the shares that are read correctly.", credit=0.5)
    elif not close(errors, right, within=1e-3):
        if close(errors, wrong):
            raise NotYet("These are counts. Divide each by how often its digit is shown.")
        if close(errors, wrong / wrong.sum(), within=1e-3):
            raise NotYet(
                "These are shares of all errors. A digit shown more often then looks worse."
            )
        if close(errors, wrong / len(truth), within=1e-3):
            raise NotYet("Divide by the pictures that show the digit, not by all pictures.")
        of_calls = 1 - hits / np.maximum(1, matrix.sum(axis=0))
        if close(errors, of_calls, within=1e-3):
            raise NotYet(
                "You went by the digit that was *answered*. Go by the digit that is shown."
            )
        worst = int(np.abs(errors - right).argmax())
        raise NotYet(f"Of digit {worst} the share {right[worst]:.3f} is misread.")
    # Other labels too, so that no row numbers pass which do not come from them.
    for labels in (train, train[::-2]):
        slip = _look_at_rows(called(even_rows, labels), labels) or slip
    if slip:
        raise slip
    together = np.corrcoef(counts, right)[0, 1]
    if together < -0.3:
        return "right. Rarer digits tend to be misread more often. Look below whether that is why."
    return "right. Rarer digits are not misread more often here. Look below all the same."


def _accuracies(
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    seed: int,
    judges: Any = None,
    C: float = 1.0,
    unit: float = 1.0,
) -> NDArray[np.float64]:
    """Return what exercise 2 asks for, or what a mistake makes of it."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    table = []
    for share in (0.1, 0.5, 0.9):
        known, unseen, y_known, y_unseen = train_test_split(
            X * unit, y, test_size=share, random_state=seed
        )
        model = LogisticRegression(C=C, max_iter=300).fit(known, y_known)
        new = (unseen, y_unseen) if judges is None else judges
        table.append([model.score(known, y_known), model.score(*new)])
    return np.array(table)


def _fifty_that_vary_most(pixels: Any, X: NDArray[np.float32]) -> NDArray[np.int64]:
    found = numbers(pixels, (50,), "50 column numbers")
    if not (np.isin(found, np.arange(784)).all() and len(np.unique(found)) == 50):
        raise NotYet("`pixels` should hold 50 different whole numbers from 0 to 783.")
    chosen, variance = found.astype(int), X.var(axis=0, dtype=np.float64)
    ranked = np.sort(variance)
    enough = variance[chosen] >= ranked[-50] * (1 - 1e-4)
    if enough.all():
        return chosen
    if variance[chosen].max() <= ranked[49]:
        raise NotYet("These vary *least*: `argsort` sorts upwards, so take the last fifty.")
    if set(chosen) == set(np.argsort(X.mean(axis=0, dtype=np.float64))[-50:]):
        raise NotYet("These are inked most on average. How much do they *vary*?")
    if enough.mean() < 0.5:
        raise NotYet(
            "Most of these vary little. Did you standardise first? Then every column that varies "
            "has variance 1, and what is left to sort is rounding. Choose by the raw values."
        )
    raise NotYet(f"{np.sum(~enough)} of these vary less than others that were left out.")


def _look_at_rows(answer: Any, train: NDArray[np.int64]) -> NotYet | None:
    """Look at what `even_rows` makes of labels; return what is wrong with the form alone."""
    rows, slip = numbers(answer, (-1,), "row numbers"), None
    if len(rows) == len(train) and np.isin(rows, [0, 1]).all():
        words = "`even_rows` should return row numbers, not a mask. `np.flatnonzero` turns it."
        rows, slip = np.flatnonzero(rows).astype(float), NotYet(words, credit=0.5)
    if not np.isin(rows, np.arange(len(train))).all():
        raise NotYet(f"A row number is a whole number from 0 to {len(train) - 1}.")
    kept = np.bincount(train[rows.astype(int)], minlength=10)
    fewest = np.bincount(train, minlength=10).min()
    if len(np.unique(rows)) < len(rows):
        raise NotYet("Some rows come twice. Take fewer of the common digits instead.")
    if np.ptp(kept):
        raise NotYet(f"Your rows show a {kept.argmax()} more often than a {kept.argmin()}.")
    if kept[0] < fewest:
        raise NotYet(f"Equally frequent, but {fewest} of each digit are possible.")
    return slip


def _near(answer: NDArray[np.float64], right: NDArray[np.float64], share: float) -> bool:
    """Tell whether weights are the same up to a share of the largest of them."""
    return bool(np.abs(answer - right).max() <= share * np.abs(right).max())
