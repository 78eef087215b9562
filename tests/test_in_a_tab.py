"""What the helper does where Python runs in a browser's tab, tried without a browser."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import types
import warnings

import numpy as np
import pytest

from mnist_course import browser, cost, errors, load_mnist, measure
from mnist_course.data.block import Edition, make_block
from mnist_course.errors import DataError, UsageError
from mnist_course.profiles import get_profile


@pytest.fixture
def tab(monkeypatch):
    """Pretend to be in a tab."""
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(errors, "said", set())
    monkeypatch.delenv("MNIST_COURSE_PROFILE", raising=False)
    monkeypatch.delenv("MNIST_COURSE_SOURCE", raising=False)
    monkeypatch.delenv(browser.SITE_VARIABLE, raising=False)


def test_a_tab_chooses_its_own_profile_and_refuses_those_that_need_all_rows(tab):
    assert get_profile().name == "browser"
    assert get_profile("quick").name == "quick"
    for name in ("full", "slow"):
        with pytest.raises(UsageError, match="Choose browser or quick"):
            get_profile(name)


def test_elsewhere_nothing_chooses_the_profile_of_the_tab(monkeypatch):
    monkeypatch.delenv("MNIST_COURSE_PROFILE", raising=False)
    assert get_profile().name == "quick"
    assert get_profile("browser").train_rows < get_profile("quick").train_rows


@pytest.fixture
def rows(tab, monkeypatch):
    """Have the site serve a small edition; return its images and labels."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(12, 784), dtype=np.uint8)
    labels = np.arange(12) % 10
    block = make_block(images, labels)
    edition = Edition((), 10, 12, hashlib.sha256(block).hexdigest())
    monkeypatch.setattr("mnist_course.data.block.FIRST_ROWS", edition)
    monkeypatch.setattr("mnist_course.data.load.FIRST_ROWS", edition)
    monkeypatch.setenv(browser.SITE_VARIABLE, "http://site/mnist/")
    served = {f"http://site/mnist/{browser.ROWS_FILE}": gzip.compress(block.tobytes())}
    monkeypatch.setattr(browser, "_get", served.__getitem__)
    return served, images, labels


@pytest.mark.parametrize("source", ["auto", "mnist"])
def test_a_tab_loads_the_rows_that_its_site_serves(rows, source):
    _, images, labels = rows
    data = load_mnist(source)
    assert (data.source, data.n_train, len(data)) == ("mnist", 10, 12)
    assert (data.images == images).all()
    assert (data.labels == labels).all()


def test_rows_that_are_not_mnist_are_refused(rows, capsys):
    served, *_ = rows
    (address,) = served
    served[address] = gzip.compress(b"something else" * 1000)
    with pytest.raises(DataError, match=r"(?s)something else \(its checksum.*What to do"):
        load_mnist("mnist")
    served[address] = served[address][:20]
    with pytest.raises(DataError, match="could not be fetched from this site"):
        load_mnist("mnist")


def test_a_site_without_mnist_gives_the_digits_and_says_so(tab, capsys):
    assert load_mnist().source == "digits"
    assert "This site was built without MNIST. Going on with" in capsys.readouterr().out
    with pytest.raises(DataError, match="What to do: work with the embedded digits"):
        load_mnist("mnist")


def test_a_tab_measures_time_and_says_what_its_megabytes_mean(tab, monkeypatch, capsys):
    monkeypatch.setattr(cost, "_IN_BROWSER", True)
    monkeypatch.setattr(browser, "heap_bytes", lambda: 123_000_000)
    with measure() as took:
        sum(range(1000))
    assert took.seconds > 0
    assert str(took).endswith("at most 123 MB")
    assert capsys.readouterr().out.count("never gives memory back") == 1


KINDS = {
    "rows": lambda x: np.ascontiguousarray(x),
    "columns": lambda x: np.asfortranarray(x),
    "neither": lambda x: np.repeat(np.repeat(x, 2, axis=0), 2, axis=1)[::2, ::2],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("left", KINDS)
@pytest.mark.parametrize("right", KINDS)
def test_products_by_blas_are_numpy_s(dtype, left, right):
    rng = np.random.default_rng(0)
    a = KINDS[left](rng.normal(size=(60, 50)).astype(dtype))
    b = KINDS[right](rng.normal(size=(50, 7)).astype(dtype))
    product = browser.multiply(a, b)
    assert product.dtype == dtype
    assert product.flags.c_contiguous
    np.testing.assert_allclose(product, a @ b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.ones((3, 100, 50)), np.ones((50, 4))),
        (np.ones((100, 50)), np.ones(50)),
        (np.ones((100, 50), dtype=np.int64), np.ones((50, 4))),
        (np.ones((100, 50), dtype=np.float32), np.ones((50, 4))),
        (np.ones((100, 0)), np.ones((0, 4))),
    ],
    ids=["stacked", "vector", "integers", "two types", "empty"],
)
def test_other_products_are_left_to_numpy(a, b):
    np.testing.assert_array_equal(browser.multiply(a, b), a @ b)
    assert browser.multiply(a, b).dtype == (a @ b).dtype


def test_products_that_do_not_fit_are_numpy_s_own_error():
    with pytest.raises(ValueError, match="matmul"):
        browser.multiply(np.ones((100, 50)), np.ones((51, 4)))


def test_scikit_learn_s_products_go_to_blas_and_its_answers_stay():
    script = """
import sys
import numpy as np
from mnist_course import browser, load_mnist
sys.meta_path.insert(0, browser._Finder)
asked = []
own = browser.multiply
browser.multiply = lambda a, b: asked.append(a.shape) or own(a, b)
from sklearn.linear_model import LogisticRegression
X, y = load_mnist("digits").train
X = X[:300] / 255
model = LogisticRegression(max_iter=200).fit(X, y[:300])
print(len(asked) > 100, round(model.score(X, y[:300]), 3))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "1.0"]


def test_a_kernel_in_a_tab_is_told_where_it_is(tab, monkeypatch):
    location = types.SimpleNamespace(href="https://a.site/course/run/extensions/kernel/worker.js")
    monkeypatch.setitem(sys.modules, "js", types.SimpleNamespace(location=location))
    shell = types.SimpleNamespace(Completer=types.SimpleNamespace(use_jedi=True))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    environment = {browser.SITE_VARIABLE: "mnist/"}
    monkeypatch.setattr("os.environ", environment)
    with warnings.catch_warnings():  # it adds filters of its own
        browser.start()
    assert environment[browser.SITE_VARIABLE] == "https://a.site/course/run/mnist/"
    assert environment["MNIST_COURSE_PROFILE"] == "browser"
    assert shell.Completer.use_jedi is False
    assert sys.meta_path[0] is browser._Finder
