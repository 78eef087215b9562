"""The machine that practises with distorted copies."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mnist_course import load_mnist
from mnist_course.edges import orientations
from mnist_course.hard_digits import HardDigits
from mnist_course.pair_svc import PairSVC
from mnist_course.warp import Distortion, normalise


def edges():
    return make_pipeline(
        FunctionTransformer(normalise),
        FunctionTransformer(orientations),
        PCA(30, random_state=0),
        PairSVC(C=10),
    )


@pytest.fixture(scope="module")
def data():
    return load_mnist("digits")


@pytest.fixture(scope="module")
def fitted(data):
    return HardDigits(edges(), random_state=3).fit(*data.train)


def test_practice_leaves_fewer_errors_on_distorted_digits(data, fitted):
    X, y = data.test
    pictures = np.tile(X, (5, 1))
    bent = normalise(pictures, distortion=Distortion(), rng=np.random.default_rng(9))
    plain = edges().fit(*data.train)
    before, after = (model.predict(bent) != np.tile(y, 5) for model in (plain, fitted))
    assert after.sum() < 0.9 * before.sum()
    assert fitted.score(X, y) > plain.score(X, y) - 0.01


def test_the_same_seed_gives_the_same_machine_and_another_one_does_not(data, fitted):
    X, _ = data.test
    again = clone(fitted).fit(*data.train)
    assert np.array_equal(fitted.predict_proba(X), again.predict_proba(X))
    other = clone(fitted).set_params(random_state=4).fit(*data.train)
    assert not np.array_equal(fitted.predict_proba(X), other.predict_proba(X))


def test_only_the_machines_learn_from_copies_and_each_from_its_own(data, fitted):
    plain = edges().fit(*data.train)
    assert np.array_equal(plain[-2].components_, fitted.features_[-1].components_)
    one, other = fitted.machines_
    assert one.gamma == other.gamma == plain[-1]._gamma
    rows = fitted.features_.transform(data.test[0])
    assert not np.array_equal(one.predict_proba(rows), other.predict_proba(rows))
    mean = (one.predict_proba(rows) + other.predict_proba(rows)) / 2
    assert np.allclose(fitted.predict_proba(data.test[0]), mean)


def test_copies_that_are_clearly_read_are_not_kept(data, fitted):
    X, y = data.train
    machine = fitted.machines_[0]
    rows, labels = fitted.unsure_copies(machine, X, y, np.random.default_rng(0))
    assert 0 < len(rows) < len(X)
    assert (machine.margins(rows, labels) < 1).all()


def test_without_rounds_it_is_the_pipeline_itself(data):
    plain, none = edges().fit(*data.train), HardDigits(edges(), rounds=()).fit(*data.train)
    assert np.allclose(plain.predict_proba(data.test[0]), none.predict_proba(data.test[0]))


def test_labels_may_be_words(data):
    X, y = data.train
    words = np.array(["even", "odd"])[y % 2]
    model = HardDigits(edges(), machines=1).fit(X, words)
    assert set(model.predict(X)) == {"even", "odd"}
    assert model.score(X, words) > 0.97
