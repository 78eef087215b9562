"""Checks for the exercises of chapter 6. They hold the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import NotYet, called, close, number, numbers, whole

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Pixels = NDArray[np.float32]
Labels = NDArray[np.int64]


def exercise_1(
    never: Any, shares: Any, accuracy: Any, X: Pixels, y: Labels, X_val: Pixels, y_val: Labels
) -> str:
    """Pixels without ink, variance of the first components, and a score on new rows."""
    empty = _pixels_never_inked(never, X)
    held = _variance_held(shares, X)
    n, rows = 8, 300
    found = number(called(accuracy, n, rows), "the accuracy")
    model = _pipeline(n).fit(X[:rows], y[:rows])

    def told(right: float) -> bool:
        return abs(found - right) <= 0.005

    if not told(model.score(X_val, y_val)):
        if told(100 * model.score(X_val, y_val)):
            raise NotYet("`accuracy` returns percent. A share lies between 0 and 1.")
        if told(model.score(X[:rows], y[:rows])) or told(model.score(X, y)):
            raise NotYet("`accuracy` judges on rows to learn from. Score on `X_val` and `y_val`.")
        if told(_pipeline(n).fit(X, y).score(X_val, y_val)):
            raise NotYet("`accuracy` learns from all rows. Take the first `rows` of them only.")
        if told(_pipeline(n, products=False).fit(X[:rows], y[:rows]).score(X_val, y_val)):
            raise NotYet("That is the model without products. Make it with `quadratic(n)`.")
        wanted = model.score(X_val, y_val)
        raise NotYet(f"`accuracy({n}, {rows})` should be {wanted:.3f}, and it is {found:.3f}.")
    return (
        f"right. {empty} pixels carry no ink in these rows, and 60 of {X.shape[1]} components "
        f"hold {held[1]:.0%} of the variance."
    )


def exercise_2(gap: Any, X: Pixels, y: Labels, X_val: Pixels, y_val: Labels) -> str:
    """Accuracy on the rows that a model knows, minus accuracy on others."""
    gaps = []
    for n, rows in ((5, 200), (20, 100)):
        model = _pipeline(n, products=False).fit(X[:rows], y[:rows])
        seen, new = model.score(X[:rows], y[:rows]), model.score(X_val, y_val)
        gaps.append(seen - new)
        found = number(called(gap, model, rows), "a gap")
        if close(found, seen - new, within=1e-3):
            continue
        if close(found, 100 * (seen - new), within=1e-3):
            raise NotYet("That is in percentage points. Subtract one share from the other.")
        if close(found, new - seen, within=1e-3):
            raise NotYet("The sign is turned around: own rows first, minus validation rows.")
        if close(found, seen, within=1e-3):
            raise NotYet("That is the accuracy on the own rows. Subtract that on the others.")
        if close(found, new, within=1e-3):
            raise NotYet("That is the accuracy on the validation rows, only half of the answer.")
        if close(found, model.score(X, y) - new, within=1e-3):
            raise NotYet("The model never met all of `X_known`. It knows the first `rows`.")
        if close(found, seen / new, within=1e-3):
            raise NotYet("That is a ratio. A gap is a difference.")
        raise NotYet(f"The accuracies are {seen:.3f} and {new:.3f}, not {found:.3f} apart.")
    return (
        f"right. A small linear model that learned from 100 rows has a gap of {gaps[1]:.2f}, "
        "without any product."
    )


def exercise_3(whitened: Any, X: Pixels) -> str:
    """The same pipeline, with components of variance 1 before they are multiplied."""
    from sklearn.preprocessing import StandardScaler

    n = 4
    found = _features(called(whitened, n), X)
    right = _pipeline(n, whiten=True)[:-1].fit_transform(X)
    if found.shape[1] == n:
        raise NotYet("The products are missing: keep `PolynomialFeatures` behind the components.")
    if found.shape[1] != right.shape[1]:
        raise NotYet(
            f"Of {n} components {right.shape[1]} columns should come, with squares and products, "
            f"and here come {found.shape[1]}."
        )
    if _alike(found, right):
        many = 100
        made = many * (many + 1) // 2
        return (
            f"right. With {many} components, {made:,} of {many + made:,} columns are squares and "
            "products of whitened ones."
        )
    plain = _pipeline(n)[:-1]
    if _alike(found, plain.fit_transform(X)):
        raise NotYet("These components are as they were. `PCA` whitens if you tell it to.")
    if _alike(found, StandardScaler().fit_transform(plain.fit_transform(X))) or _alike(
        found, StandardScaler().fit_transform(right)
    ):
        raise NotYet("Here the *products* have variance 1. Whiten the components before them.")
    if _alike(found, plain.fit_transform(StandardScaler().fit_transform(X))):
        raise NotYet("Here the *pixels* have variance 1. Whiten the components that PCA makes.")
    if np.allclose(found.std(axis=0), 1, atol=0.02):
        raise NotYet("All columns have variance 1, the products too. Whiten only the components.")
    raise NotYet("The columns that this pipeline makes are not those of whitened components.")


def exercise_4(
    again: Any, model: Pipeline, order: NDArray[np.int64], X_val: Pixels, y_val: Labels
) -> str:
    """A model that learned from shuffled pictures answers as the one that did not."""
    if not callable(getattr(again, "predict", None)):
        raise NotYet("Expected a fitted model, which has a method `predict`.")
    found = numbers(called(again.predict, X_val[:, order]), y_val.shape, "a digit for each row")
    plain = model.predict(X_val)
    score, wanted = np.mean(found == y_val), np.mean(plain == y_val)
    if np.mean(again.predict(X_val) == y_val) > (score + wanted) / 2:
        raise NotYet("This model learned from pictures as they are. Fit it on shuffled rows.")
    # What rounding may change: a few pictures between two digits.
    if abs(score - wanted) <= 0.02 and np.mean(found == plain) >= 0.94:
        same = np.mean(found == plain)
        return f"right. Shuffled or not, {same:.0%} of the answers are the same."
    if score < 0.5:
        raise NotYet(
            "It reads shuffled pictures hardly better than by guessing. Shuffle the rows that it "
            "learns from in this order, and let every label stay with its picture."
        )
    raise NotYet(f"It reads {score:.0%} of the shuffled pictures; the other can do {wanted:.0%}.")


def _pixels_never_inked(answer: Any, X: Pixels) -> int:
    found, largest = whole(answer, "a number of pixels"), X.max(axis=0)
    right = int(np.sum(largest == 0))
    if found == right:
        return right
    if found == X.shape[1] - right:
        raise NotYet("These are the pixels *with* ink somewhere. The others are asked for.")
    if found == np.sum(X == 0):
        raise NotYet("That counts zeros in all pictures. Look for columns that are 0 throughout.")
    if found == np.sum(X.min(axis=0) == 0):
        raise NotYet("These are pixels that are 0 in *some* picture. In all of them is asked for.")
    raise NotYet(f"Not {found}: a pixel counts if its largest value over all pictures is 0.")


def _variance_held(answer: Any, X: Pixels) -> NDArray[np.float64]:
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    def alone(pixels: Pixels) -> NDArray[np.float64]:
        ratio = PCA(svd_solver="covariance_eigh").fit(pixels).explained_variance_ratio_
        return np.asarray(ratio, dtype=np.float64)

    found, places = numbers(answer, (2,), "two shares, of 20 and of 60 components"), [19, 59]
    each = alone(X)
    right = each.cumsum()[places]
    if np.allclose(found, right, atol=0.003):
        return right
    if np.allclose(found, 100 * right, atol=0.3):
        raise NotYet("These are percent. A share lies between 0 and 1.")
    if np.allclose(found, each[places], atol=0.0005):
        raise NotYet("That is component 20 and component 60 alone. Add up all from the first on.")
    if np.allclose(found, right[::-1], atol=0.003):
        raise NotYet("First the share of 20 components, then that of 60.")
    if np.allclose(found, 1 - right, atol=0.003):
        raise NotYet("That is the variance that is lost. What is kept is asked for.")
    if np.allclose(found, each.cumsum()[[20, 60]], atol=0.0005):
        raise NotYet("Off by one: counting starts at 0, so the first 20 stand at place 19.")
    if np.allclose(found, alone(StandardScaler().fit_transform(X)).cumsum()[places], atol=0.003):
        raise NotYet("Standardised pixels have other components. Take `X_known` as it is.")
    raise NotYet(f"The first 20 hold {right[0]:.3f} of the variance, not {found[0]:.3f}.")


def _pipeline(n: int, *, products: bool = True, whiten: bool = False) -> Pipeline:
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    made = [PolynomialFeatures(2, include_bias=False)] if products else []
    pca = PCA(n, svd_solver="covariance_eigh", whiten=whiten)
    return make_pipeline(pca, *made, LogisticRegression(max_iter=1000))


def _features(model: Any, X: Pixels) -> NDArray[np.float64]:
    """Return what reaches the last step of a learner's pipeline, without columns of ones."""
    from sklearn.pipeline import Pipeline

    if not isinstance(model, Pipeline):
        kind = type(model).__name__
        raise NotYet(f"`whitened` should return a pipeline, and this is a {kind}.")
    if type(model[-1]).__name__ != "LogisticRegression":
        raise NotYet("The last step should be `LogisticRegression`, as in `quadratic`.")
    try:
        made = np.asarray(model[:-1].fit_transform(X), dtype=np.float64)
    except Exception as error:  # steps may be anything
        raise NotYet(f"Its steps do not fit: {type(error).__name__}: {error}.") from None
    return made[:, np.ptp(made, axis=0) > 0]


def _alike(found: NDArray[np.float64], right: NDArray[np.float64]) -> bool:
    """Tell whether columns are the same up to their order and signs, and to a percent or two."""
    spread, wanted = np.sort(found.std(axis=0)), np.sort(right.std(axis=0))
    return spread.shape == wanted.shape and bool(np.allclose(spread, wanted, rtol=0.02))
