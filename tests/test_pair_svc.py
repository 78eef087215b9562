"""The machine whose duels are matrix products, against scikit-learn's own."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from mnist_course import load_mnist
from mnist_course.pair_svc import PairSVC


@pytest.fixture(scope="module")
def data():
    mnist = load_mnist("digits")
    pca = PCA(20, random_state=0).fit(mnist.train[0])
    X, X_test = (pca.transform(rows) / 1000 for rows in (mnist.train[0], mnist.test[0]))
    return X, mnist.train[1], X_test, mnist.test[1]


@pytest.fixture(scope="module")
def fitted(data):
    X, y, *_ = data
    return PairSVC(C=5, gamma=0.3).fit(X, y)


def test_the_value_of_each_duel_is_scikit_learn_s_own(data, fitted):
    X, y, X_test, _ = data
    theirs = SVC(C=5, gamma=0.3, decision_function_shape="ovo").fit(X, y)
    assert np.allclose(
        fitted.decision_function(X_test), theirs.decision_function(X_test), atol=1e-4
    )


@pytest.mark.parametrize("classes", [["no", "yes"], ["no", "yes", "perhaps"], [3, 7, 1, 9]])
def test_labels_may_be_anything_and_stand_in_any_order(data, classes):
    X, y, X_test, y_test = data
    X_test = X_test[np.isin(y_test, range(len(classes)))]
    few = np.isin(y, range(len(classes)))
    labels = np.array(classes)[y[few]]
    machine = PairSVC(gamma=0.3).fit(X[few], labels)
    theirs = SVC(C=10, gamma=0.3).fit(X[few], labels).predict(X_test)
    assert (machine.predict(X_test) == theirs).mean() > 0.98
    assert (machine.predict(X[few]) == labels).all()
    assert (machine.margins(X[few], labels) > 0).all()


def test_a_class_s_share_is_the_product_of_its_duels(data, fitted):
    _, _, X_test, _ = data
    shares = fitted.predict_proba(X_test)
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(fitted.predict(X_test), shares.argmax(axis=1))
    values = fitted.decision_function(X_test[:1]).astype(float)[0]
    products = np.ones(10)
    for value, (i, j) in zip(values, np.transpose(np.triu_indices(10, k=1)), strict=True):
        win = 1 / (1 + np.exp(-2 * value))
        products[i] *= win
        products[j] *= 1 - win
    assert np.allclose(shares[0], products / products.sum(), rtol=1e-3, atol=1e-6)


def test_the_margin_is_that_of_the_closest_of_nine_duels(data, fitted):
    X, y, *_ = data
    values = fitted.decision_function(X[:50])
    pairs = np.transpose(np.triu_indices(10, k=1))
    for row, label, margin in zip(values, y[:50], fitted.margins(X[:50], y[:50]), strict=True):
        duels = [
            v if i == label else -v for v, (i, j) in zip(row, pairs, strict=True) if label in (i, j)
        ]
        assert len(duels) == 9
        assert margin == pytest.approx(min(duels), abs=1e-6)


def test_it_can_be_cloned_and_stands_in_a_pipeline(data):
    X, y, X_test, _ = data
    model = clone(make_pipeline(PCA(10, random_state=0), PairSVC(gamma=0.3, C=3))).fit(X, y)
    assert model[-1].C == 3
    assert model.predict(X_test).shape == (len(X_test),)
