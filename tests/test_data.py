"""Getting the data: what comes back, from where, and what is refused."""

import gzip
import hashlib
import mmap
import os
import subprocess
import sys
import zlib
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mnist_course.data import Dataset, load_idx, load_mnist
from mnist_course.data.block import BLOCK_NAME, MNIST, make_block
from mnist_course.data.cache import cache_folder
from mnist_course.data.digits import every_nth_of_each_class, small_digits
from mnist_course.data.idx import parse_idx
from mnist_course.data.load import read_files
from mnist_course.errors import DataError, UsageError, command
from mnist_course.geometry import BOX, SIDE, centre_of_mass, crop
from tests.support.editions import N_TEST, N_TRAIN, idx_bytes, pictures, write_edition
from tests.support.isolation import isolate
from tests.support.openml import openml_stub, redirect

ROOT = Path(__file__).parents[1]
# Read before the tests are cut off from the machine's settings.
_REAL = os.environ.get("MNIST_COURSE_DATA")
REAL = Path(_REAL).absolute() if _REAL else None


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path):
    isolate(monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def digits():
    return load_mnist("digits")


def unpack(path):
    path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    path.unlink()


def owner_of(array):
    """Return what holds the bytes of an array in the end."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return array


def same_crc32(content, *, changed):
    """Change one byte, and the 32 bits after it so that the checksum stays as it was."""
    target, start = zlib.crc32(content), changed + 1
    forged = bytearray(content)
    forged[changed] ^= 0xFF

    def with_bits(bits):
        forged[start : start + 4] = bits.to_bytes(4, "little")
        return zlib.crc32(forged)

    zero = with_bits(0)
    rows = [(with_bits(1 << i) ^ zero, 1 << i) for i in range(32)]
    wanted, answer = target ^ zero, 0
    for bit in range(32):  # Gauss over single bits
        pivot = next(row for row in rows if row[0] >> bit & 1)
        rows.remove(pivot)
        rows = [(r ^ pivot[0], b ^ pivot[1]) if r >> bit & 1 else (r, b) for r, b in rows]
        if wanted >> bit & 1:
            wanted, answer = wanted ^ pivot[0], answer ^ pivot[1]
    with_bits(answer)
    return bytes(forged)


# ---------------------------------------------------------------- from files to the cache


def test_the_rows_are_those_of_the_files_training_first(edition, folder, monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    data = load_mnist()
    images, labels = pictures(N_TRAIN + N_TEST)
    assert data.source == "mnist"
    assert data.n_train == N_TRAIN
    assert data.images.dtype == np.uint8
    assert data.labels.dtype == np.int64
    assert np.array_equal(data.images, images)
    assert np.array_equal(data.labels, labels)
    for (X, y), rows in ((data.train, slice(None, N_TRAIN)), (data.test, slice(N_TRAIN, None))):
        assert np.array_equal(X, images[rows])
        assert np.array_equal(y, labels[rows])


@pytest.mark.parametrize("part", ["images", "labels"])
def test_nothing_in_a_data_set_can_be_changed(edition, folder, monkeypatch, part):
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    data = load_mnist()
    with pytest.raises(ValueError, match="read-only"):
        getattr(data, part)[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        getattr(data.for_profile("quick"), part)[0] = 0
    with pytest.raises(FrozenInstanceError):
        setattr(data, part, None)


def test_cold_and_warm_the_images_are_a_file_mapped_into_memory(edition, folder, monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    cold, warm = load_mnist(), load_mnist()
    for data in (cold, warm):
        assert type(data.images) is np.ndarray
        assert isinstance(owner_of(data.images), mmap.mmap)


def test_the_second_load_needs_nothing_but_the_cache(edition, folder, monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    first = load_mnist()
    monkeypatch.delenv("MNIST_COURSE_DATA")
    assert np.array_equal(load_mnist("mnist").images, first.images)


def test_data_home_comes_before_the_variable(edition, folder, monkeypatch, tmp_path):
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    load_mnist(data_home=tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / BLOCK_NAME).is_file()
    assert not cache_folder().exists()


def test_without_any_wish_the_cache_lies_below_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("MNIST_COURSE_CACHE")
    assert cache_folder().is_relative_to(tmp_path / "home")
    assert cache_folder().name == "mnist-course"


def test_the_named_folder_may_hold_unpacked_files(edition, folder, monkeypatch):
    for file in edition.files:
        unpack(folder / file.name)
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    assert read_files(folder, edition).size == (N_TRAIN + N_TEST) * 785
    assert load_mnist("mnist").n_train == N_TRAIN


def test_the_named_folder_may_hold_a_copy_of_the_cache(edition, folder, monkeypatch, tmp_path):
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    load_mnist(data_home=tmp_path / "teacher")
    monkeypatch.setenv("MNIST_COURSE_DATA", str(tmp_path / "teacher"))
    assert len(load_mnist("mnist")) == N_TRAIN + N_TEST
    assert not cache_folder().exists()  # no second copy of 55 MB


def test_a_relative_folder_may_be_named(edition, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("MNIST_COURSE_DATA", folder.name)
    assert load_mnist("mnist").source == "mnist"


@pytest.mark.parametrize("where", ["named folder", "cache"])
def test_each_byte_is_checked_by_sha256_at_every_load(
    edition, folder, monkeypatch, tmp_path, capsys, where
):
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    path = tmp_path / "copy" / BLOCK_NAME
    load_mnist(data_home=path.parent)
    # Other pixels with the same CRC32: a weaker checksum would let them pass.
    forged = same_crc32(path.read_bytes(), changed=300)
    assert zlib.crc32(forged) == zlib.crc32(path.read_bytes())
    path.write_bytes(forged)
    monkeypatch.delenv("MNIST_COURSE_DATA")
    if where == "named folder":
        monkeypatch.setenv("MNIST_COURSE_DATA", str(path.parent))
        assert load_mnist().source == "digits"
    else:
        assert load_mnist(data_home=path.parent).source == "digits"
    assert f"{path} is damaged" in capsys.readouterr().out


def test_frame_is_what_the_real_fetch_openml_gives(edition, folder, monkeypatch):
    from sklearn.datasets import fetch_openml

    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    data = load_mnist()
    with openml_stub(data.images, data.labels) as server:
        redirect(server.address, monkeypatch.setattr)
        theirs = fetch_openml("mnist_784", version=1, as_frame=True).frame
    pd.testing.assert_frame_equal(data.frame(), theirs)


def test_a_profile_keeps_the_first_rows_of_training_and_of_test():
    labels = np.arange(14_000) % 10
    images = np.repeat(np.arange(14_000) // 100, 784).astype(np.uint8).reshape(-1, 784)
    data = Dataset.of(images, labels, n_train=11_000, source="mnist")
    kept = data.for_profile("quick")
    assert (kept.n_train, len(kept), kept.source) == (10_000, 12_000, "mnist")
    assert np.array_equal(kept.train[0], images[:10_000])
    assert np.array_equal(kept.test[0], images[11_000:13_000])
    assert np.array_equal(kept.test[1], labels[11_000:13_000])
    assert data.for_profile("full") is data


def test_the_profile_comes_from_the_environment_and_is_quick_otherwise(monkeypatch):
    data = Dataset.of(np.zeros((10_050, 784), np.uint8), np.zeros(10_050, int), n_train=10_040,
                      source="mnist")  # fmt: skip
    assert data.for_profile().n_train == 10_000
    monkeypatch.setenv("MNIST_COURSE_PROFILE", "full")
    assert data.for_profile() is data
    with pytest.raises(ValueError, match="no profile 'huge'"):
        data.for_profile("huge")


def test_a_data_set_leaves_the_arrays_of_its_maker_writable():
    images, labels = np.zeros((2, 784), np.uint8), np.zeros(2, np.int64)
    Dataset.of(images, labels, n_train=1, source="idx")
    images[0, 0] = labels[0] = 1


def test_a_data_set_prints_as_one_line_not_as_its_pixels(digits):
    assert repr(digits) == "Dataset(digits: 1,545 training and 252 test pictures)"


# ---------------------------------------------------------------- which source


def test_auto_falls_back_to_the_digits_with_one_notice(capsys):
    first, second = load_mnist(), load_mnist()
    assert first.source == second.source == "digits"
    output = capsys.readouterr()
    assert output.out.count("Note: ") == output.out.count("\n") == 1
    assert "1,797 small digits" in output.out
    assert command("fetch") in output.out
    assert output.err == ""


def test_mnist_never_falls_back():
    with pytest.raises(DataError, match="MNIST could not be fetched"):
        load_mnist("mnist")


def test_the_environment_decides_for_auto(monkeypatch, capsys):
    monkeypatch.setenv("MNIST_COURSE_SOURCE", "digits")
    assert load_mnist().source == "digits"
    assert capsys.readouterr().out == ""  # asked for, so nothing to announce
    monkeypatch.setenv("MNIST_COURSE_SOURCE", "mnist")
    with pytest.raises(DataError):
        load_mnist()
    assert load_mnist("digits").source == "digits"


@pytest.mark.parametrize("where", ["argument", "environment"])
def test_an_unknown_source_is_refused_with_the_known_ones(monkeypatch, where):
    monkeypatch.setenv("MNIST_COURSE_SOURCE", "fashion")
    with pytest.raises(UsageError, match=r"no source 'fashion'.*auto, mnist, digits"):
        load_mnist("fashion" if where == "argument" else "auto")


def test_a_damaged_named_folder_is_passed_over_with_a_notice(
    edition, folder, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    load_mnist(data_home=tmp_path / "good")
    victim = folder / edition.files[0].name
    victim.write_bytes(victim.read_bytes()[:1000])
    assert load_mnist(data_home=tmp_path / "good").source == "mnist"  # the cache serves
    assert load_mnist(data_home=tmp_path / "empty").source == "digits"  # no other road is left
    notices = [line for line in capsys.readouterr().out.splitlines() if victim.name in line]
    assert len(notices) == 1
    assert f"MNIST_COURSE_DATA names {folder}" in notices[0]


@pytest.mark.parametrize("name", ["no such folder", "x" * 300])
def test_a_named_folder_that_is_none_is_said_to_be_none(edition, monkeypatch, tmp_path, name):
    monkeypatch.setenv("MNIST_COURSE_DATA", str(tmp_path / name))
    with pytest.raises(DataError, match=f"MNIST_COURSE_DATA names .*{name}, which is not a folder"):
        load_mnist("mnist")


def test_files_of_another_data_set_are_not_taken_for_mnist(edition, folder, monkeypatch):
    write_edition(folder, seed=1)
    monkeypatch.setenv("MNIST_COURSE_DATA", str(folder))
    with pytest.raises(DataError, match="not MNIST's"):
        load_mnist("mnist")
    assert list(cache_folder().glob("*.u8")) == []


# ---------------------------------------------------------------- the embedded digits


def test_the_digits_have_the_form_of_mnist(digits):
    assert digits.images.shape == (1797, SIDE * SIDE)
    assert digits.images.dtype == np.uint8
    assert digits.labels.dtype == np.int64
    cubes = digits.images.reshape(-1, SIDE, SIDE)
    assert (cubes.max(axis=(1, 2)) == 255).mean() > 0.99
    assert (cubes.min(axis=(1, 2)) == 0).all()
    # Three quarters of MNIST's pixels and more are empty, and so are these.
    assert 0.7 < (cubes == 0).mean() < 0.85


def test_the_ink_of_every_digit_lies_within_a_20_by_20_box(digits):
    for picture in digits.images.reshape(-1, SIDE, SIDE):
        assert max(crop(picture).shape) <= BOX


def test_every_digit_is_centred_by_mass(digits):
    for picture in digits.images.reshape(-1, SIDE, SIDE):
        assert np.abs(np.array(centre_of_mass(picture)) - SIDE / 2).max() <= 1


def test_the_split_is_about_six_to_one_in_every_class(digits):
    train, test = np.bincount(digits.train[1]), np.bincount(digits.test[1])
    assert np.allclose(train / test, 6, atol=0.5)


def test_the_split_is_the_same_for_ever(digits):
    # Labels only: another version of Pillow may round a pixel differently.
    order = hashlib.sha256(digits.labels.astype("<i8").tobytes()).hexdigest()
    assert order == "689a97563ccebb0dfcf6e9e439d74022fc3821584f49e6e085470c08ce0789b8"
    assert digits.n_train == 1545


def test_every_picture_stands_beside_its_own_label(digits):
    # Nearest neighbours by pixels agree on the label almost always, if pairs were not torn.
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(1).fit(*digits.train)
    assert model.score(*digits.test) > 0.95


def test_the_small_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    assert np.array_equal(small_digits(), np.c_[pixels, labels])


def test_every_nth_counts_within_each_class():
    marked = every_nth_of_each_class(np.array([1, 0, 1, 1, 0, 1, 0]), 2)
    assert marked.tolist() == [False, False, True, False, True, True, False]


def test_the_digits_never_touch_the_network():
    script = """
import sys
def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        raise AssertionError("the network was touched")
sys.addaudithook(refuse)
from mnist_course import load_mnist
print(load_mnist("digits").source)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "digits", done.stderr


def test_idx_folders_are_read_packed_and_raw_without_asking_for_mnist(folder):
    edition = write_edition(folder, seed=7)
    packed = load_idx(folder)
    for file in edition.files:
        (folder / file.name.removesuffix(".gz")).write_bytes(
            gzip.decompress((folder / file.name).read_bytes())
        )
        (folder / file.name).unlink()
    raw = load_idx(str(folder))
    images, labels = pictures(N_TRAIN + N_TEST, seed=7)
    for data in (packed, raw):
        assert np.array_equal(data.images, images)
        assert np.array_equal(data.labels, labels)
        assert (data.n_train, data.source) == (N_TRAIN, "idx")
        assert not data.images.flags.writeable


@pytest.mark.parametrize("file", MNIST.files, ids=lambda file: file.name)
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:9],
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: b"not a gzip file",
        lambda content: b"\0\0\x0d" + gzip.decompress(content)[3:],
        lambda content: b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"\0",
        lambda content: gzip.decompress(content) + b"\0",
        lambda content: gzip.decompress(content)[:-1],
        lambda content: gzip.decompress(content)[:6],
        lambda content: bytes([*content[:30], *b"\xff" * 20, *content[50:]]),
    ],
    ids=["empty", "9 bytes", "half", "a byte short", "text", "floats", "255 dimensions",
         "a value more", "a value less", "half a header", "overwritten"],
)  # fmt: skip
def test_a_damaged_idx_file_is_refused_by_name(folder, file, damage):
    write_edition(folder)
    path = folder / file.name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        load_idx(folder)
    assert str(caught.value).startswith(f"The folder {folder} {file.name}")
    assert "Put the four IDX files" in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_missing_idx_file_is_named(folder):
    write_edition(folder)
    (folder / MNIST.files[3].name).unlink()
    with pytest.raises(DataError, match=f"lacks {MNIST.files[3].name}"):
        load_idx(folder)


@pytest.mark.parametrize("name", ["nowhere", "x" * 300])
def test_an_idx_folder_that_is_none_is_refused_in_plain_words(tmp_path, name):
    with pytest.raises(DataError, match=r"lacks|cannot be read"):
        load_idx(tmp_path / name)


@pytest.mark.parametrize("shape", [(N_TRAIN - 1, 28, 28), (N_TRAIN, 32, 32), (N_TRAIN, 784)])
def test_idx_files_that_do_not_fit_each_other_are_refused(folder, shape):
    write_edition(folder)
    content = gzip.compress(idx_bytes(np.zeros(shape, np.uint8)))
    (folder / MNIST.files[0].name).write_bytes(content)
    with pytest.raises(DataError, match="they should be"):
        load_idx(folder)


def test_idx_is_parsed_in_the_shape_of_its_header():
    values = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert np.array_equal(parse_idx(idx_bytes(values)), values)


# ---------------------------------------------------------------- the real MNIST


@pytest.fixture
def real(tmp_path, monkeypatch):
    """Return the real MNIST, loaded cold from the folder that MNIST_COURSE_DATA names."""
    if REAL is None:
        pytest.skip("MNIST_COURSE_DATA does not name a folder with the real MNIST")
    monkeypatch.setenv("MNIST_COURSE_DATA", str(REAL))
    return load_mnist("mnist")


def test_the_real_mnist_is_whole_and_in_the_standard_order(real):
    assert real.images.shape == (70_000, 784)
    assert (len(real.train[1]), len(real.test[1])) == (60_000, 10_000)
    assert real.train[1][:5].tolist() == [5, 0, 4, 1, 9]
    assert real.test[1][:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(real.labels).tolist() == [
        6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958,
    ]  # fmt: skip
    # The first picture, the best known 5 of all: its upper left end, row by row.
    five = real.images[0].reshape(28, 28)
    assert five[5, 12:24].tolist() == [3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127]


def test_the_real_mnist_equals_its_files(real):
    files = load_idx(REAL)
    assert np.array_equal(real.images, files.images)
    assert np.array_equal(real.labels, files.labels)
    assert isinstance(owner_of(real.images), mmap.mmap)
    assert MNIST.is_block(make_block(files.images, files.labels))


def test_the_pixels_of_the_warm_real_mnist_are_not_yet_in_memory(real):
    # In a new process: what earlier tests left behind would hide it here. Which pages are in
    # memory, and not how many bytes the process holds: libraries come and go with versions.
    script = """
from mnist_course import load_mnist
data = load_mnist("mnist")
maps = open("/proc/self/smaps", encoding="utf-8").read().split("mnist-70000x784.u8")
print(len(data), next(line.split()[1] for line in maps[1].splitlines() if line.startswith("Rss")))
"""
    if sys.platform != "linux":
        pytest.skip("only Linux tells which part of a mapped file is in memory")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    rows, resident_kilobytes = map(int, done.stdout.split())
    assert rows == 70_000
    assert resident_kilobytes < 10_000  # of 54,000: the labels, and what the system reads ahead
