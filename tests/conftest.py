"""What the tests share; and no test touches the reader's own data or downloads any."""

from __future__ import annotations

import signal

import matplotlib
import pytest

matplotlib.use("Agg")
from matplotlib import pyplot

from tests.support import browser
from tests.support.editions import write_edition

# A shell without job control starts background jobs deaf to Ctrl+C, and all that they start is
# deaf too. Tests that send it to a command need one that hears it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_COURSE_CACHE", str(folder / "cache"))
        patch.setenv("SCIKIT_LEARN_DATA", str(folder / "scikit-learn"))
        # Nothing listens on the discard port: a test that forgets to say where its data come
        # from is refused at once, with or without a network.
        patch.setenv("MNIST_COURSE_MIRROR", "http://127.0.0.1:9/")
        yield


@pytest.fixture(scope="module")
def chromium():
    """Yield a browser with an empty profile, or say why there is none."""
    if missing := browser.why_not():
        pytest.skip(missing)
    with browser.chromium() as started:
        yield started


@pytest.fixture
def folder(tmp_path):
    """Return a folder with the four files of a small edition."""
    return tmp_path / "files"


@pytest.fixture
def edition(folder, monkeypatch):
    """Return a small edition that stands in for MNIST."""
    edition = write_edition(folder)
    monkeypatch.setattr("mnist_course.data.load.MNIST", edition)
    return edition


@pytest.fixture
def shown(monkeypatch):
    """Return the list of what is displayed, in order: data and options; updates too."""
    outputs = []
    pyplot.close("all")  # what tests before this one have left open in this process

    class Handle:
        def update(self, data, **options):
            outputs.append((data, {"update": True, **options}))

    def display(data, **options):
        outputs.append((data, options))
        return Handle() if options.get("display_id") else None

    monkeypatch.setattr("IPython.display.display", display)
    return outputs
