"""The course's models by name, unfitted: each as plain as in its chapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def course_models() -> dict[str, Pipeline]:
    """Return new models, in the order of the chapters that they come from.

    Returns
    -------
    dict of str to Pipeline
        By name, unfitted. All take arrays of shape (n, 784) with pixels from 0 to 255, and have
        ``predict_proba``. The numbers of the two support vector machines rank the answers, but
        they are not calibrated: see `PairSVC`.
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    from mnist_course.edges import orientations
    from mnist_course.pair_svc import PairSVC
    from mnist_course.warp import normalise

    def components(n: int) -> PCA:
        return PCA(n, svd_solver="covariance_eigh", random_state=0)

    return {
        "logistic regression": make_pipeline(
            FunctionTransformer(divide), LogisticRegression(C=0.1, max_iter=200)
        ),
        "SVM": make_pipeline(FunctionTransformer(divide), components(50), PairSVC(C=5, gamma=0.02)),
        "nearest neighbours": make_pipeline(
            FunctionTransformer(divide),
            components(40),
            KNeighborsClassifier(4, weights="distance"),
        ),
        "edges SVM": make_pipeline(
            FunctionTransformer(normalise),
            FunctionTransformer(orientations),
            components(120),
            # 1 / (columns × variance): one over the variance of all components together.
            PairSVC(C=10, gamma="scale"),
        ),
    }


def divide(pixels: ArrayLike) -> NDArray[np.float32]:
    """Bring pixels from 0..255 to 0..1; a named function, since a kept model names what it calls.

    In single precision: half the memory, and no digit of a pixel is lost.
    """
    return np.asarray(pixels, dtype=np.float32) / np.float32(255)
