"""Checks for the exercises of chapter 6. They hold the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    shape_of,
)

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Pixels = NDArray[np.float32]
Labels = NDArray[np.int64]


def exercise_1(components: Any, X: Pixels, X_new: Pixels) -> str:
    """Components of new rows on the axes of the rows to learn from."""
    # Fewer rows and axes as well, which no list of components fits.
    slip = None
    for known, new, n in ((X, X_new, 5), (X[::2], X_new[::-3], 3)):
        slip = _look_at_components(called(components, known, new, n), known, new, n) or slip
    if slip:
        raise slip
    return "right. One set of axes for both, found on the rows to learn from."


def _look_at_components(answer: Any, X: Pixels, X_new: Pixels, n: int) -> NotYet | None:
    """Look at the components of both; return what is wrong with the form alone."""
    from sklearn.decomposition import PCA

    known, new = several(answer, 2, "Expected two things, the components of both sets of rows.")
    slip = None
    if shape_of(known) == (len(X_new), n) and shape_of(new) == (len(X), n):
        known, new = new, known
        words = "They have changed places: the rows to learn from come first."
        slip = NotYet(words, credit=0.5)
    known = numbers(known, (len(X), n), f"{n} components for each row to learn from")
    new = numbers(new, (len(X_new), n), f"{n} components for each new row")

    def on_axes_of(rows: Pixels) -> bool:
        pca = PCA(n, svd_solver="covariance_eigh").fit(rows)
        right, right_new = pca.transform(X), pca.transform(X_new)
        turned = np.sign((known * right).sum(axis=0))  # the sign of an axis is arbitrary
        return _near(known, turned * right) and _near(new, turned * right_new)

    if on_axes_of(X):
        return slip
    if on_axes_of(np.concatenate([X, X_new])):
        raise NotYet("These axes come from both sets of rows. New rows must not have a say.")
    if on_axes_of(X_new):
        raise NotYet("These axes come from the new rows. They belong to the rows to learn from.")
    own = PCA(n, svd_solver="covariance_eigh").fit_transform(X_new)
    if _near(np.abs(new), np.abs(own)):
        raise NotYet("The new rows still have axes of their own. Use those of `X_known`.")
    pca = PCA(n, svd_solver="covariance_eigh").fit(X)
    if _near(np.abs(new), np.abs(X_new @ pca.components_.T)):
        raise NotYet("Is the mean of `X_known` subtracted from the new rows? `transform` does it.")
    raise NotYet("These are not the components of both on the axes of `X_known`.")


def exercise_2(gap: Any, X: Pixels, y: Labels, X_val: Pixels, y_val: Labels) -> str:
    """Accuracy on the rows that a model knows, minus accuracy on others."""
    slip = None
    for n, rows in ((5, 200), (20, 100)):
        model = _pipeline(n, products=False).fit(X[:rows], y[:rows])
        seen, new = model.score(X[:rows], y[:rows]), model.score(X_val, y_val)
        found = number(called(gap, model, rows), "a gap")
        if close(found, seen - new, within=1e-3):
            continue
        forms = {
            "That is in percentage points. Subtract one share from the other.": 100 * (seen - new),
            "The sign is turned around: own rows first, minus validation rows.": new - seen,
        }
        slips = [words for words, value in forms.items() if close(found, value, within=1e-3)]
        if slips:
            slip = NotYet(slips[0], credit=0.5)
            continue
        if close(found, seen, within=1e-3):
            raise NotYet("That is the accuracy on its own rows. Subtract that on the others.")
        if close(found, new, within=1e-3):
            raise NotYet("That is the accuracy on the validation rows, only half of the answer.")
        if close(found, model.score(X, y) - new, within=1e-3):
            raise NotYet("The model never met all of `X_known`. It knows the first `rows`.")
        if close(found, seen / new, within=1e-3):
            raise NotYet("That is a ratio. A gap is a difference.")
        raise NotYet(f"The accuracies are {seen:.3f} and {new:.3f}, not {found:.3f} apart.")
    if slip:
        raise slip
    return "right. Accuracy on the rows it learned from, minus accuracy on others."


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


def exercise_4(read: Any, shown: Pixels, truth: Labels, to_beat: float) -> str:
    """Products halve the mistakes of a linear model."""
    found = digits_read(
        read,
        shown,
        if_odd="Does `read` return digits, or probabilities?",
        if_same="Are the pictures prepared as those that the model learned from?",
    )
    return beaten(float(np.mean(found == truth)), to_beat, 1 / 2, len(truth))


def _near(found: NDArray[np.float64], right: NDArray[np.float64]) -> bool:
    return bool(np.abs(found - right).max() < 0.02 * np.abs(right).max())


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
    # Asked by its name: while a class is graded, the pipeline stays in the student's process.
    kind = type(model).__name__
    if kind != "Pipeline":
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
