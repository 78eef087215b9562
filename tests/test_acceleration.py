"""Faster models in scikit-learn's place: which, when, and what is said if there are none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

from mnist_course.acceleration import HELPED
from tests.support.notebooks import write_notebook
from tests.support.processes import course

needs_intelex = pytest.mark.skipif(
    find_spec("sklearnex") is None,
    reason="scikit-learn-intelex has no wheel for this machine (x86 Linux and Windows only)",
)
needs_mnist = pytest.mark.skipif(
    not os.environ.get("MNIST_COURSE_DATA"),
    reason="needs the real MNIST: MNIST_COURSE_DATA names no folder",
)


def _python(code: str, *first_on_path: Path) -> str:
    """Run code in a fresh process; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={
            **os.environ,
            "PYTHONUTF8": "1",
            "PYTHONPATH": os.pathsep.join(map(str, first_on_path)),
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _fake_cuml(folder: Path, install: str) -> Path:
    package = folder / "cuml" / "accel"
    package.mkdir(parents=True)
    (folder / "cuml" / "__init__.py").write_text("")
    (package / "__init__.py").write_text(f"def install():\n    {install}\n")
    return folder


_HIDE = """
import sys
class Hidden:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {names}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
import importlib.util
really = importlib.util.find_spec
import mnist_course.acceleration as acceleration
acceleration.find_spec = lambda name: None if name in {names} else really(name)
"""


@needs_intelex
def test_models_that_profit_are_replaced_and_others_are_not():
    printed = _python("""
        import mnist_course
        name = mnist_course.accelerate()
        from sklearn.svm import SVC
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.decomposition import PCA
        from sklearn.linear_model import LogisticRegression
        print(name)
        for model in (SVC, KNeighborsClassifier, PCA, LogisticRegression):
            print(model.__name__, model.__module__.split(".")[0])
    """)
    said, name, *models = printed.splitlines()
    assert name.startswith("scikit-learn-intelex 20")
    assert said == f"Accelerated by {name}."
    assert dict(line.split() for line in models) == {
        "SVC": "sklearnex",
        "KNeighborsClassifier": "sklearnex",
        "PCA": "sklearn",
        "LogisticRegression": "sklearn",
    }
    assert {name.rpartition(".")[2] for name in HELPED} == {"SVC", "KNeighborsClassifier"}


@needs_intelex
def test_a_line_that_comes_too_late_says_so_and_only_then():
    late = _python("import sklearn.svm, mnist_course; mnist_course.accelerate()")
    assert "already in use" in late and "Restart the kernel" in late
    twice = _python("import mnist_course\nfor _ in range(2): mnist_course.accelerate()")
    assert twice.splitlines()[0] == twice.splitlines()[1]
    assert "already in use" not in twice


def test_without_an_accelerator_that_is_said_with_the_remedy():
    hidden = _HIDE.format(names={"sklearnex", "cuml"})
    printed = _python(hidden + "print(acceleration.accelerate())")
    assert "no accelerator is installed" in printed
    assert '"mnist-course[fast]"' in printed
    assert printed.splitlines()[-1] == "None"


def test_cuml_comes_first_where_it_starts(tmp_path):
    folder = _fake_cuml(tmp_path, "print('installed on the card')")
    printed = _python("import mnist_course; print(mnist_course.accelerate())", folder)
    assert printed.splitlines() == [
        "installed on the card",
        "Accelerated by cuml.accel.",
        "cuml.accel",
    ]


def test_a_card_that_does_not_answer_is_named_and_the_next_best_taken(tmp_path):
    folder = _fake_cuml(tmp_path, "raise RuntimeError('no CUDA-capable device')")
    hidden = _HIDE.format(names={"sklearnex"})
    printed = _python(hidden + "acceleration.accelerate()", folder)
    assert "does not start here: no CUDA-capable device" in printed
    assert "Not accelerated" in printed


@needs_intelex
def test_the_command_accelerates_a_notebook_and_the_ledger_says_by_what(tmp_path):
    write_notebook(
        tmp_path / "notebooks" / "01_fast.ipynb",
        "from sklearn.svm import SVC\n"
        "import mnist_course\n"
        "mnist_course.reporter('mnist', 'full')('variance100.features', 522)\n"
        "print(SVC.__module__)",
    )
    outputs = {}
    for flag in ([], ["--accelerate"]):
        out = tmp_path / f"out{len(flag)}"
        done = course(
            *("run", "--source", "digits", *flag),
            *("--notebooks", str(tmp_path / "notebooks"), "--out", str(out)),
        )
        assert done.returncode == 0, done.stdout
        assert ("accelerated by scikit-learn-intelex" in done.stdout) == bool(flag)
        notebook = json.loads((out / "01_fast.ipynb").read_text(encoding="utf-8"))
        record, text = notebook["cells"][-1]["outputs"]
        (kept,) = [v for k, v in record["data"].items() if k.endswith("report+json")]
        outputs[bool(flag)] = (kept["accelerator"], "".join(text["text"]).strip())
    assert outputs[False] == ("", "sklearn.svm._classes")
    assert outputs[True][0].startswith("scikit-learn-intelex 20")
    assert outputs[True][1].startswith("sklearnex.")


def test_the_command_claims_no_acceleration_that_does_not_start(tmp_path):
    folder = _fake_cuml(tmp_path / "fake", "raise RuntimeError('no CUDA-capable device')")
    write_notebook(tmp_path / "notebooks" / "01_any.ipynb", "1")
    hidden = folder / "sitecustomize.py"
    hidden.write_text(_HIDE.format(names={"sklearnex"}), encoding="utf-8")
    done = course(
        *("run", "--source", "digits", "--accelerate"),
        *("--notebooks", str(tmp_path / "notebooks"), "--out", str(tmp_path / "out")),
        PYTHONPATH=str(folder),
    )
    assert "no CUDA-capable device" in done.stdout
    assert "accelerated by" not in done.stdout


@needs_intelex
@needs_mnist
@pytest.mark.parametrize("accelerated", [False, True])
def test_published_numbers_agree_with_and_without_it(accelerated):
    # The two quickest that touch the replaced models; `mnist-course run --accelerate --profile
    # full` holds all others to their tolerances in the same way.
    printed = _python(f"""
        import mnist_course
        {"mnist_course.accelerate()" if accelerated else ""}
        import numpy as np
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.svm import SVC
        from mnist_course.report import make_record
        mnist = mnist_course.load_mnist("mnist")
        (X, y), (T, t) = mnist.train, mnist.test
        neighbours = KNeighborsClassifier().fit(X.astype(np.float32), y)
        machine = SVC(random_state=42).fit(X[:2000].astype(float), y[:2000])
        print(type(machine).__module__, type(neighbours).__module__)
        for id, value in {{
            "knn-default.accuracy": neighbours.score(T.astype(np.float32), t),
            "svc2000.scores": machine.decision_function(X[:1].astype(float)).round(2),
        }}.items():
            print(id, make_record(id, value, source="mnist", profile="full").agrees)
    """)
    lines = printed.splitlines()[-3:]
    assert all(name.startswith("sklearnex") == accelerated for name in lines[0].split())
    assert lines[1:] == ["knn-default.accuracy True", "svc2000.scores True"]
