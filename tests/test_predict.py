"""Your own pictures read by the course's models, which are trained once and kept with care."""

from __future__ import annotations

import _thread
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from fractions import Fraction
from pathlib import Path

import filelock
import numpy as np
import pytest
import skops.io
import threadpoolctl
from PIL import Image
from rich.console import Console
from sklearn.dummy import DummyClassifier

from mnist_course.data import load_mnist
from mnist_course.errors import PictureError
from mnist_course.models import course_models
from mnist_course_tools import kept_models
from mnist_course_tools import predict as predicting
from mnist_course_tools.kept_models import TRUSTED, model_path, note, trained_models
from mnist_course_tools.predict import drawn, predict, read_pictures
from tests.support import disks
from tests.support.processes import ROOT, course, start_course

ROWS = 300
MODELS = ["logistic regression", "SVM", "nearest neighbours", "edges SVM"]


@pytest.fixture(scope="module")
def digits():
    return load_mnist("digits")


@pytest.fixture(scope="module")
def cache(digits, tmp_path_factory):
    """Return a cache with models for 300 rows, for tests that only read it."""
    folder = tmp_path_factory.mktemp("cache")
    trained_models(digits, ROWS, folder / "models", Console(file=io.StringIO()))
    return folder


@pytest.fixture
def models(cache, tmp_path):
    """Return a folder with such models, to be spoilt."""
    return Path(shutil.copytree(cache / "models", tmp_path / "models"))


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch):
    monkeypatch.setattr("mnist_course.errors.said", set())


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Hold BLAS to one thread: on cores that other tests keep busy, several take far longer."""
    with pytest.MonkeyPatch.context() as patch, threadpoolctl.threadpool_limits(1):
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            patch.setenv(name, "1")
        yield


@pytest.fixture
def console():
    return Console(width=200, color_system=None, highlight=False)


def paper(digits, *rows: int) -> Image.Image:
    """Return test digits as they may come from a scanner: large, dark on light, side by side."""
    pictures = [Image.fromarray(255 - digits.test[0][row].reshape(28, 28)) for row in rows]
    sheet = Image.new("L", (300 * len(rows), 300), 255)
    for i, picture in enumerate(pictures):
        sheet.paste(picture.resize((280, 280), Image.Resampling.BICUBIC), (10 + 300 * i, 10))
    return sheet


@pytest.fixture
def zero(digits, tmp_path):
    path = tmp_path / "zero.png"
    assert digits.test[1][1] == 0
    paper(digits, 1).save(path)
    return path


@pytest.fixture
def sheet(digits, tmp_path):
    path = tmp_path / "sheet.png"
    paper(digits, 0, 1, 2).save(path)
    return path


# --- what is read -------------------------------------------------------------------------------


def test_every_model_reads_a_scaled_up_digit_and_the_second_call_trains_nothing(zero, tmp_path):
    assert list(course_models()) == MODELS
    settings = {"MNIST_COURSE_CACHE": str(tmp_path / "cache")}
    done = course("predict", str(zero), "--source", "digits", **settings)
    assert done.returncode == 0, done.stdout
    for name in MODELS:
        assert re.search(rf"^training {name} \(\d of 4\).*, once$", done.stdout, re.M)
        assert re.search(rf"^trained {name} .* in \d+\.\d s$", done.stdout, re.M)
        assert re.search(rf"│ {name} +│ +0 │", done.stdout), done.stdout
    files = {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*.skops")}
    assert len(files) == 4
    again = course("predict", str(zero), "--source", "digits", **settings)
    assert again.returncode == 0
    assert "train" not in again.stdout
    assert {p: p.stat().st_mtime_ns for p in files} == files
    assert done.stdout.endswith(again.stdout)  # the same numbers, too


def test_a_bad_picture_is_told_in_a_line_and_the_others_are_read(
    zero, cache, tmp_path, console, capsys
):
    bad, missing = tmp_path / "bad.png", tmp_path / "[missing].png"
    bad.write_text("no picture", encoding="utf-8")
    words = [str(bad), str(zero), str(missing)]
    good = predict(words, console, source="digits", rows=ROWS, data_home=str(cache))
    said = capsys.readouterr().out
    assert not good
    assert f"{zero}\n" in said and said.count("│ SVM") == 1
    (line,) = re.findall(rf"^{re.escape(str(bad))}: (.*)$", said, re.M)
    assert "not a picture" in line
    (line,) = re.findall(rf"^{re.escape(str(missing))}: (.*)$", said, re.M)
    assert "No file fits the pattern" in line


def test_where_no_picture_can_be_read_nobody_waits_for_models(tmp_path, console, capsys):
    assert not predict([str(tmp_path / "gone.png")], console, data_home=str(tmp_path / "cache"))
    assert "There is no file" in capsys.readouterr().out
    assert not (tmp_path / "cache").exists()


def test_several_digits_are_an_error_that_tells_of_page_and_with_page_they_are_read(
    sheet, cache, console, capsys
):
    chosen = {"source": "digits", "rows": ROWS, "data_home": str(cache)}
    assert not predict([str(sheet)], console, **chosen)
    assert "There are 3 digits" in (said := capsys.readouterr().out) and "--page" in said
    assert predict([str(sheet)], console, page=True, **chosen)
    said = capsys.readouterr().out
    assert all(f"{sheet}, digit {i} of 3\n" in said for i in (1, 2, 3))
    answers = re.findall(r"│ edges SVM +│ +(\d) │", said)
    assert answers == ["5", "0", "2"]


def test_json_is_all_that_is_printed_even_where_a_notice_is_due(zero, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_text("no picture", encoding="utf-8")
    words = ["predict", str(zero), str(bad), "--json", "--rows", str(ROWS)]
    done = subprocess.run(
        [sys.executable, "-m", "mnist_course_tools", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        # No way leads to MNIST here, and that is said.
        env={k: v for k, v in os.environ.items() if k != "MNIST_COURSE_DATA"}
        | {"MNIST_COURSE_CACHE": str(tmp_path / "cache")},
    )
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert "Going on with the 1,797 small digits" in done.stderr and "training" in done.stderr
    assert (found["source"], found["rows"]) == ("digits", ROWS)
    (picture,), (error,) = found["pictures"], found["errors"]
    assert error["file"] == str(bad) and "not a picture" in error["error"]
    assert (picture["file"], picture["digit"], picture["of"]) == (str(zero), 1, 1)
    assert np.shape(picture["pixels"]) == (28, 28)
    assert [answer["model"] for answer in picture["answers"]] == MODELS
    for answer in picture["answers"]:
        assert answer["answer"] == int(np.argmax(answer["probabilities"])) == 0
        assert answer["probability"] == max(answer["probabilities"])
        assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-5)
        assert answer["runner_up"] != answer["answer"]
        rest = [p for d, p in enumerate(answer["probabilities"]) if d != answer["answer"]]
        assert answer["runner_up_probability"] == max(rest)


def test_a_folder_and_a_pattern_stand_for_the_pictures_in_them(tmp_path):
    for name in ("b.png", "a.JPG", ".hidden.png", "notes.txt", "[1].png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    files = predicting._files
    assert [p.name for p in files(str(tmp_path))] == ["[1].png", "a.JPG", "b.png"]
    assert [p.name for p in files(str(tmp_path / "b*"))] == ["b.png"]
    assert [p.name for p in files(str(tmp_path / "*.png"))] == ["[1].png", "b.png"]
    assert [p.name for p in files(str(tmp_path / "[1].png"))] == ["[1].png"]  # a name, if there
    with pytest.raises(PictureError, match="no picture in the folder"):
        files(str(tmp_path / "folder.png"))


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a mode does not close a folder")
def test_a_folder_that_may_not_be_read_is_told_in_a_line():
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as place:
        closed = Path(place, "closed")
        closed.mkdir(mode=0)
        Path(place).chmod(0o711)
        if not user:  # root may read anything
            os.seteuid(65534)
        try:
            pictures, errors = read_pictures([str(closed)])
        finally:
            os.seteuid(user)
    assert pictures == []
    assert [words for _, words in errors] == ["The folder cannot be read (Permission denied)."]


def test_a_picture_is_drawn_as_the_models_see_it_in_28_by_14_characters():
    pixels = np.zeros((28, 28), dtype=np.uint8)
    pixels[0, 0] = pixels[3, 1] = pixels[4, 2] = pixels[5, 2] = 255
    pixels[6, 3] = 70
    plain = drawn(pixels, Console(color_system=None, file=io.StringIO())).plain.split("\n")
    assert [len(line) for line in plain] == [28] * 14
    assert [line.rstrip() for line in plain[:4]] == ["▀", " ▄", "  █", ""]
    grey = drawn(pixels, Console(color_system="truecolor", force_terminal=True))
    styles = {str(span.style) for span in grey.spans}
    assert "rgb(255,255,255) on rgb(0,0,0)" in styles and "rgb(70,70,70) on rgb(0,0,0)" in styles
    old = Console(color_system=None, file=io.TextIOWrapper(io.BytesIO(), encoding="cp1252"))
    assert drawn(pixels, old).plain.isascii()


# --- kept models --------------------------------------------------------------------------------


def schema_file(content: dict) -> bytes:
    """Return a file as skops writes it, with a tree of our own inside."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("schema.json", json.dumps({**content, "protocol": _protocol()}))
    return buffer.getvalue()


def _protocol() -> int:
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(1))) as archive:
        return json.loads(archive.read("schema.json"))["protocol"]


def call(module: str, function: str, word: str) -> dict:
    """Return a tree that asks for a function to be called with a word."""
    text = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode"}
    one = {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode"}
    one["content"] = [{**text, "content": json.dumps(word), "is_json": True}]
    asked = {"__class__": function, "__module__": module}
    return {**asked, "__loader__": "ConstructorFromReduceNode", "content": one}


class Bomb:
    """What a pickle runs when it is opened."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def spoil(models: Path, content: bytes, name: str = "SVM") -> Path:
    """Put bytes in a kept model's place, behind a note and a checksum that are right."""
    wanted = note(name, course_models()[name], "digits", ROWS)
    path = model_path(models, name, "digits", ROWS)
    kept_models.write_model(path, content, wanted, models)
    return path


def assert_refused(digits, models, path, reason, console, capsys, name="SVM"):
    """Assert that a spoilt file is refused for a reason, and only its model trained, and kept."""
    before = {p: p.stat().st_mtime_ns for p in models.rglob("*.skops")}
    capsys.readouterr()
    found = trained_models(digits, ROWS, models, console)
    said = capsys.readouterr().out
    assert re.search(rf"^Note: {re.escape(str(path))} .*{reason}", said, re.M), said
    assert "The model is trained anew." in said
    assert re.findall(r"^trained (.*) \(", said, re.M) == [name]
    after = {p: p.stat().st_mtime_ns for p in models.rglob("*.skops")}
    assert {p for p in after if before[p] != after[p]} == {path}
    X, y = digits.test
    assert np.mean(found[name].predict(X) == y) > 0.6
    trained_models(digits, ROWS, models, console)
    assert capsys.readouterr().out == ""  # now it is as good as the others


def test_a_kept_model_gives_the_very_same_numbers(digits, models, console, tmp_path):
    kept = trained_models(digits, ROWS, models, console)
    fresh = trained_models(digits, ROWS, tmp_path / "others", console)
    for name in MODELS:
        X = digits.test[0]
        assert np.array_equal(kept[name].predict_proba(X), fresh[name].predict_proba(X))


@pytest.mark.parametrize("name", MODELS)
def test_one_flipped_byte_is_found_and_the_model_trained_anew(
    digits, models, console, capsys, name
):
    path = model_path(models, name, "digits", ROWS)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)
    assert_refused(digits, models, path, "is damaged", console, capsys, name)


@pytest.mark.parametrize("kept_bytes", [0, 1, 200, -1])
def test_a_truncated_file_is_refused(digits, models, console, capsys, kept_bytes):
    path = model_path(models, "SVM", "digits", ROWS)
    path.write_bytes(path.read_bytes()[:kept_bytes])
    reason = "is damaged" if kept_bytes < 0 else "does not begin as"
    assert_refused(digits, models, path, reason, console, capsys)


@pytest.mark.parametrize("first", [b"[]", b"3", b'{"a": 1}', b"\xff\xfe", b"[" * 4000])
def test_a_file_with_a_strange_first_line_is_refused(digits, models, console, capsys, first):
    path = model_path(models, "SVM", "digits", ROWS)
    path.write_bytes(first + b"\n" + path.read_bytes().partition(b"\n")[2])
    assert_refused(digits, models, path, "", console, capsys)


@pytest.mark.parametrize(
    "what", ["mnist-course", "scikit-learn", "numpy", "model", "source", "rows", "definition"]
)
def test_a_model_made_with_anything_else_is_refused(digits, models, console, capsys, what):
    path = model_path(models, "SVM", "digits", ROWS)
    first, _, dump = path.read_bytes().partition(b"\n")
    made_with = json.loads(first)
    assert what in made_with
    made_with[what] = "0.0.1"
    path.write_bytes(json.dumps(made_with).encode() + b"\n" + dump)
    reason = f"was made with another {what}: '0.0.1'"
    assert_refused(digits, models, path, reason, console, capsys)


def test_a_changed_setting_or_a_changed_helper_is_another_definition(monkeypatch):
    svm, other = course_models()["SVM"], course_models()["SVM"]
    assert note("SVM", svm, "digits", 1) == note("SVM", other, "digits", 1)
    assert "0x" not in kept_models._definition(course_models()["edges SVM"])
    other.set_params(pairsvc__C=6)
    assert note("SVM", other, "digits", 1) != note("SVM", svm, "digits", 1)
    before = note("SVM", svm, "digits", 1)
    for module in ("edges", "warp", "pair_svc", "models"):
        source = kept_models.inspect.getsource
        with monkeypatch.context() as patch:
            patch.setattr(
                kept_models.inspect,
                "getsource",
                lambda m, s=source, n=module: s(m) + "#" * m.__name__.endswith(n),
            )
            assert note("SVM", svm, "digits", 1) != before, module


def test_what_is_trusted_is_what_the_models_need_and_no_more(digits, cache):
    needed: set[str] = set()
    for path in (cache / "models").rglob("*.skops"):
        dump = path.read_bytes().partition(b"\n")[2]
        needed |= set(skops.io.get_untrusted_types(data=dump))
    assert needed == set(TRUSTED)


@pytest.mark.parametrize("way", ["os.system", "builtins.eval", "a module"])
def test_a_file_that_asks_for_code_to_be_run_runs_none(
    digits, models, console, capsys, tmp_path, monkeypatch, way
):
    marker = tmp_path / "marker"
    (tmp_path / "bomb_module.py").write_text(
        f"open({str(marker)!r}, 'w').close()\nbang = print\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    tree = {
        "os.system": call("os", "system", f'echo bang > "{marker}"'),
        "builtins.eval": call("builtins", "eval", f"open({str(marker)!r}, 'w').close()"),
        "a module": call("bomb_module", "bang", ""),
    }[way]
    name = "bomb_module.bang" if way == "a module" else way
    content = schema_file(tree)
    skops.io.loads(content, trusted=[name])  # it is loaded, and goes off where it is trusted
    assert marker.exists()
    marker.unlink()
    sys.modules.pop("bomb_module", None)
    path = spoil(models, content)
    reason = f"asks for what no model of the course holds: '{re.escape(name)}"
    assert_refused(digits, models, path, reason, console, capsys)
    assert not marker.exists()


@pytest.mark.parametrize("behind_a_note", [False, True])
def test_a_pickle_in_a_model_s_place_is_not_opened(
    digits, models, console, capsys, tmp_path, behind_a_note
):
    marker = tmp_path / "marker"
    content = pickle.dumps(Bomb(marker))
    pickle.loads(content)
    assert marker.exists()
    marker.unlink()
    path = spoil(models, content)
    if not behind_a_note:
        path.write_bytes(content)
    reason = "no model that can be opened" if behind_a_note else "does not begin as"
    assert_refused(digits, models, path, reason, console, capsys)
    assert not marker.exists()


def _packed(dump: bytes) -> bytes:
    """Return the same files, compressed, with one more that unpacks to very much."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(dump)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("more", bytes(10_000_000))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("foreign", "reason"),
    [
        ("another type", "asks for what no model of the course holds: 'fractions.Fraction"),
        ("another model", "holds another model"),
        ("other settings", "holds another model"),
        ("unfitted", "no model that can be opened"),
        ("no schema", "no model that can be opened"),
        ("nonsense", "no model that can be opened"),
        ("packed", "would unpack to more"),
    ],
)
def test_a_foreign_file_behind_a_right_note_is_refused(
    digits, models, console, capsys, foreign, reason
):
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    X, y = digits.train
    dumps = skops.io.dumps
    content = {
        "another type": lambda: dumps(Fraction(1, 2)),
        "another model": lambda: dumps(DummyClassifier().fit(X, y)),
        "other settings": lambda: dumps(
            course_models()["SVM"].set_params(pairsvc__C=6).fit(X[:ROWS], y[:ROWS])
        ),
        "unfitted": lambda: dumps(course_models()["SVM"]),
        "no schema": empty.getvalue,
        "nonsense": lambda: schema_file({"__class__": 3}),
        "packed": lambda: _packed(dumps(course_models()["SVM"])),
    }[foreign]()
    path = spoil(models, content)
    assert_refused(digits, models, path, reason, console, capsys)


def test_a_process_killed_while_it_writes_leaves_no_half_file_and_the_next_cleans_up(
    digits, tmp_path, console
):
    code = (
        "import os, sys; from pathlib import Path; from rich.console import Console\n"
        "from mnist_course.data import load_mnist; from mnist_course_tools import kept_models\n"
        "kept_models.os.fsync = lambda _: os._exit(9)\n"
        f"kept_models.trained_models(load_mnist('digits'), {ROWS}, Path(sys.argv[1]), Console())\n"
    )
    folder = tmp_path / "models"
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT)
    assert done.returncode == 9
    assert not list(folder.glob("digits-*/*"))
    assert list(folder.glob("mnist-course-unfinished-*/*"))  # it was at work
    trained_models(digits, ROWS, folder, console)
    assert len(list(folder.glob("digits-*/*"))) == 4
    assert not list(folder.glob("mnist-course-unfinished-*"))


def test_two_processes_at_once_train_each_model_once(zero, tmp_path):
    folder = tmp_path / "cache" / "models"
    folder.mkdir(parents=True)
    words = ("predict", str(zero), "--source", "digits", "--rows", str(ROWS))
    with filelock.FileLock(folder / "models.lock"):  # until both stand before the door
        both = [start_course(*words, MNIST_COURSE_CACHE=str(folder.parent)) for _ in range(2)]
        for process in both:
            assert "another process is training the models" in process.stdout.readline()
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len(re.findall(r"^trained ", "".join(said), re.M)) == 4
    assert all(re.search(r"│ edges SVM +│ +0 │", words) for words in said)


def _assert_works_and_keeps_nothing(digits, folder, console, capsys, why):
    models = trained_models(digits, ROWS, folder, console)
    assert list(models) == MODELS
    said = capsys.readouterr().out
    assert re.search(rf"the models are not kept in {re.escape(str(folder))} \(.*{why}", said), said
    assert "MNIST_COURSE_CACHE" in said
    assert not list(folder.rglob("*.skops"))


def test_with_a_file_in_the_cache_s_place_models_are_trained_and_not_kept(
    digits, tmp_path, console, capsys
):
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "models"
    _assert_works_and_keeps_nothing(digits, folder, console, capsys, "")


def test_in_a_read_only_cache_models_are_trained_and_not_kept(digits, tmp_path, console, capsys):
    folder = tmp_path / "models"
    folder.mkdir()
    with disks.read_only(folder):
        _assert_works_and_keeps_nothing(digits, folder, console, capsys, "")


def test_on_a_full_disk_models_are_trained_and_not_kept(digits, tmp_path, console, capsys):
    folder = tmp_path / "models"
    with disks.small_disk(folder, kilobytes=24):
        _assert_works_and_keeps_nothing(digits, folder, console, capsys, "No space left")
        assert not list(folder.glob("mnist-course-unfinished-*"))


# --- waiting ------------------------------------------------------------------------------------


def test_a_terminal_shows_a_bar_that_names_the_model_and_says_once(digits, tmp_path):
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=120)
    trained_models(digits, ROWS, tmp_path, terminal)
    for number, name in enumerate(MODELS, 1):
        assert f"training {name} ({number} of 4) on 300 rows, once" in screen.getvalue()
    assert re.search(r"0:00:0\d", screen.getvalue())


def test_ctrl_c_ends_a_training_that_hears_nothing():
    class Deaf:
        def fit(self, X, y):
            time.sleep(20)

    # It sets the mark that a signal leaves, without waking anything from its sleep.
    threading.Timer(0.3, _thread.interrupt_main).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        kept_models._fit(Deaf(), None, None)
    assert time.monotonic() - start < 5


def test_what_goes_wrong_in_a_training_is_not_lost():
    with pytest.raises(ValueError, match="nonsense"):
        kept_models._fit(DummyClassifier(strategy="nonsense"), np.zeros((2, 2)), np.zeros(2))
