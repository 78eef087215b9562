"""Handwriting from any picture into MNIST's form."""

import io
import os
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_course.data import load_mnist
from mnist_course.errors import CourseError, PictureError, UsageError
from mnist_course.geometry import BOX, centre_of_mass, crop
from mnist_course.handwriting import (
    KINDS,
    Steps,
    page_to_mnist,
    read_picture,
    simulate_page,
    simulate_picture,
    to_mnist,
    to_mnist_steps,
)
from mnist_course.handwriting.form import STROKE, stroke_width

# Read before other tests are cut off from the machine's settings.
_REAL = os.environ.get("MNIST_COURSE_DATA")
SEVEN = [[(0.15, 0.1), (0.85, 0.1), (0.4, 0.95)], [(0.3, 0.5), (0.75, 0.5)]]
FOUR = [[(0.35, 0.05), (0.15, 0.55), (0.85, 0.55)], [(0.65, 0.2), (0.65, 0.95)]]
FIVE = [
    [(0.3, 0.15), (0.28, 0.45), (0.6, 0.42), (0.75, 0.68), (0.5, 0.93), (0.15, 0.85)],
    [(0.38, 0.04), (0.85, 0.03)],
]


@pytest.fixture(scope="module")
def digits():
    return load_mnist("digits")


def drawing(strokes, side=300, pen=14, ink=0, paper=255, part=0.6):
    """Draw lines on plain paper, smoothly; `part` of the side is the digit's height."""
    large = Image.new("L", (4 * side, 4 * side), paper)
    pencil = ImageDraw.Draw(large)
    offset, scale = 2 * side * (1 - part), 4 * side * part
    for stroke in strokes:
        points = [(offset + scale * x, offset + scale * y) for x, y in stroke]
        pencil.line(points, fill=ink, width=4 * pen, joint="curve")
        for x, y in points:
            pencil.ellipse([x - 2 * pen, y - 2 * pen, x + 2 * pen, y + 2 * pen], fill=ink)
    return large.resize((side, side), Image.Resampling.BOX)


def saved(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def photographed(image, light=1.0, noise=2.0, seed=0):
    """Give a drawing the grain of a camera, under uneven light."""
    rng = np.random.default_rng(seed)
    greys = np.asarray(image, dtype=float) * light
    return np.clip(greys + rng.normal(0, noise, greys.shape), 0, 255).astype(np.uint8)


def apart(one, other):
    """Return the mean difference of two pictures where either has ink."""
    one, other = one.astype(float), other.astype(float)
    return np.abs(one - other)[(one > 0) | (other > 0)].mean()


def width_of(form):
    return stroke_width(crop(form) / np.float32(255))


# ---------------------------------------------------------------- reading
GREY = drawing(SEVEN)
SAME = {
    "PNG": saved(GREY, "PNG"),
    "JPEG": saved(GREY.convert("RGB"), "JPEG", quality=90),
    "JPEG in CMYK": saved(GREY.convert("CMYK"), "JPEG", quality=95),
    "BMP": saved(GREY, "BMP"),
    "WebP": saved(GREY.convert("RGB"), "WEBP", quality=90),
    "TIFF": saved(GREY, "TIFF", compression="tiff_lzw"),
    "GIF of two frames": saved(
        GREY, "GIF", save_all=True, append_images=[Image.new("L", GREY.size, 255)]
    ),
    "palette": saved(GREY.convert("RGB").quantize(32), "PNG"),
    "RGBA": saved(GREY.convert("RGBA"), "PNG"),
    "16 bits": saved(Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257), "PNG"),
    "12 bits": np.asarray(GREY).astype(np.uint16) * 16,
    "32 bits": Image.fromarray(np.asarray(GREY).astype(np.int32) * 257),
    "floats": Image.fromarray(np.asarray(GREY).astype(np.float32) / 255),
    "array": np.asarray(GREY),
    "array in colour": np.asarray(GREY.convert("RGB")),
    "array from 0 to 1": np.asarray(GREY) / 255,
    "array with channel": np.asarray(GREY)[:, :, None],
    "file": io.BytesIO(saved(GREY, "PNG")),
}


@pytest.mark.parametrize("source", SAME.values(), ids=SAME)
def test_every_format_and_depth_gives_the_same_form(source):
    assert apart(to_mnist(source), to_mnist(GREY)) < 6


@pytest.mark.parametrize("source", [GREY.convert("1"), np.asarray(GREY) > 127], ids=["1", "bool"])
def test_one_bit_is_enough(source):
    assert apart(to_mnist(source), to_mnist(GREY)) < 20


def test_a_path_is_read_as_text_and_as_path(tmp_path):
    path = tmp_path / "meine_7 (ä).png"
    GREY.save(path)
    assert np.array_equal(read_picture(path), np.asarray(GREY))
    assert np.array_equal(read_picture(str(path)), np.asarray(GREY))


def test_what_exif_says_about_turning_is_done():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    lying = saved(GREY.rotate(90), "JPEG", exif=exif, quality=95)
    assert apart(to_mnist(lying), to_mnist(GREY)) < 6


@pytest.mark.parametrize("ink", [0, 255])
def test_ink_on_nothing_is_seen_whether_dark_or_light(ink):
    alpha = Image.fromarray(255 - np.asarray(GREY))
    glass = Image.merge("LA", [Image.new("L", GREY.size, ink), alpha])
    assert apart(to_mnist(saved(glass, "PNG")), to_mnist(GREY)) < 6


def test_a_given_image_and_a_given_array_stay_as_they_were():
    image, array = GREY.copy(), np.asarray(GREY).copy()
    to_mnist(image)
    to_mnist(array)
    assert image == GREY
    assert np.array_equal(array, np.asarray(GREY))


def png_of(width, height):
    """Return a PNG of one grey, a thousand times smaller than what it unpacks to."""

    def chunk(name, content):
        checksum = zlib.crc32(name + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + name + content + checksum

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    rows = zlib.compress(bytes((width + 1) * height), 9)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7_750, 20_000])  # 60 megapixels, and where Pillow itself refuses
def test_a_bomb_is_refused_by_its_header(side):
    bomb = png_of(side, side) if side < 10_000 else png_of(side, 1)
    bomb = bomb.replace(b"\0\0\0\1\x08\0", side.to_bytes(4, "big") + b"\x08\0", 1)
    if side > 10_000:  # a header may promise what it likes, with its checksum right
        bomb = bomb[:29] + zlib.crc32(bomb[12:29]).to_bytes(4, "big") + bomb[33:]
    tracemalloc.start()
    start = time.perf_counter()
    with pytest.raises(PictureError, match="too large: more than 50,000,000 pixels"):
        to_mnist(bomb)
    assert time.perf_counter() - start < 1
    assert tracemalloc.get_traced_memory()[1] < 5e6
    tracemalloc.stop()


REFUSED = {
    "cut off": (SAME["PNG"][: len(SAME["PNG"]) // 2], "damaged"),
    "a cut JPEG": (SAME["JPEG"][: len(SAME["JPEG"]) // 2], "damaged"),
    "text": (b"seven, written out", "not a picture that can be read here"),
    "nothing": (b"", "not a picture that can be read here"),
    "no such file": ("no_such_seven.png", "There is no file no_such_seven.png"),
    "a folder": (Path(__file__).parent, "is a folder"),
    "a name with a zero": ("a\0b.png", "There is no file"),
    "a number": (7, "A int is not a picture"),
    "an empty array": (np.zeros((0, 5)), "empty"),
    "NaN": (np.full((9, 9), np.nan), "NaN"),
    "words": (np.array([["a"]]), "should hold numbers"),
    "a row of MNIST": (np.zeros(784), r"row\.reshape\(28, 28\)"),
    "many pictures": (np.zeros((5, 28, 28)), r"shape \(5, 28, 28\) is not a picture"),
    "too many pixels": (np.broadcast_to(np.uint8(3), (8000, 8000)), "too large"),
}


@pytest.mark.parametrize(("source", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_picture_is_refused_in_words_that_help(source, words):
    with pytest.raises(PictureError, match=words) as caught:
        to_mnist(source)
    assert isinstance(caught.value, CourseError) and isinstance(caught.value, ValueError)
    assert "\n" in str(caught.value)  # what to do stands on a line of its own


@pytest.mark.parametrize("function", [to_mnist, page_to_mnist])
@pytest.mark.parametrize(
    "blank",
    [
        np.full((300, 300), 255, np.uint8),
        np.zeros((28, 28), np.uint8),
        photographed(Image.new("L", (500, 400), 220), np.linspace(0.6, 1, 500)),
        np.full((1, 1), 9, np.uint8),
    ],
    ids=["white", "black", "photograph", "one pixel"],
)
def test_a_blank_picture_has_no_ink(function, blank):
    with pytest.raises(PictureError, match="There is no ink on the picture"):
        function(blank)


# ---------------------------------------------------------------- ink
@pytest.mark.parametrize("part", [0.12, 0.6, 0.98])
@pytest.mark.parametrize("photograph", [False, True])
def test_light_ink_on_dark_reads_as_dark_ink_on_light(part, photograph):
    image = np.asarray(drawing(FOUR, side=500, pen=round(40 * part), part=part)) * 0.8 + 25
    take = photographed if photograph else np.uint8
    assert apart(to_mnist(take(image)), to_mnist(take(250 - image))) < 12


def test_without_looking_for_polarity_light_ink_is_lost():
    light = np.asarray(drawing(FOUR, ink=255, paper=0))
    with pytest.raises(PictureError, match="no ink"):
        to_mnist(light, Steps(polarity=False))


def test_uneven_light_and_the_edge_of_a_shadow_leave_no_trace():
    image = drawing(SEVEN, side=600, pen=20, ink=70, paper=230, part=0.4)
    slanted = np.add.outer(np.arange(600), np.arange(600)) / 1200
    light = (1 - 0.4 * slanted) * (1 - 0.35 / (1 + np.exp((0.55 - slanted) * 150)))
    assert apart(to_mnist(photographed(image, light)), to_mnist(image)) < 20


def test_a_sheet_on_a_dark_table_is_read_for_what_is_on_the_sheet():
    sheet = drawing(SEVEN, side=400, pen=10, ink=120, paper=230, part=0.5)
    table = Image.new("L", (640, 560), 60)
    mask = Image.new("L", sheet.size, 255).rotate(4, expand=True)
    table.paste(sheet.rotate(4, expand=True), (90, 60), mask)
    assert apart(to_mnist(photographed(table)), to_mnist(sheet.rotate(4, fillcolor=230))) < 25


def test_a_frame_around_the_digit_is_no_ink():
    framed = drawing(SEVEN)
    ImageDraw.Draw(framed).rectangle([5, 5, 294, 294], outline=0, width=4)
    assert np.array_equal(to_mnist(framed), to_mnist(GREY))


def test_a_large_round_zero_is_no_frame_around_what_lies_beside_it():
    image = Image.new("L", (300, 300), 255)
    pencil = ImageDraw.Draw(image)
    pencil.ellipse([30, 20, 190, 280], outline=0, width=10)
    pencil.line([(240, 60), (240, 250)], fill=0, width=10)
    assert len(page_to_mnist(image)) == 2


@pytest.mark.parametrize("down", [False, True], ids=["ruled", "squared"])
def test_lines_of_the_paper_go_and_the_digit_stays_whole(down):
    image = drawing(SEVEN, side=700, pen=18, ink=50, paper=235, part=0.4)
    lined = np.asarray(image).astype(float)
    for start in range(20, 700, 55):
        strength = np.minimum(lined[start : start + 3], 150)
        lined[start : start + 3] = strength
        if down:
            lined[:, start : start + 3] = np.minimum(lined[:, start : start + 3], 150)
    tilted = Image.fromarray(lined.astype(np.uint8)).rotate(
        1.5, Image.Resampling.BICUBIC, fillcolor=235
    )
    expected = to_mnist(image.rotate(1.5, Image.Resampling.BICUBIC, fillcolor=235))
    assert apart(to_mnist(photographed(tilted)), expected) < 25


def test_specks_are_no_ink_and_no_digits():
    dirty = np.asarray(drawing(SEVEN, side=500, pen=18)).copy()
    rng = np.random.default_rng(1)
    for row, column in rng.integers(0, 495, (30, 2)):
        dirty[row : row + 4, column : column + 4] = 60
    assert apart(to_mnist(dirty), to_mnist(drawing(SEVEN, side=500, pen=18))) < 15


# ---------------------------------------------------------------- form
@pytest.mark.parametrize("pen", [2, 4, 12, 30])
def test_strokes_come_out_as_wide_as_those_of_mnist(pen):
    form = to_mnist(drawing(SEVEN, pen=pen))
    assert 0.65 * STROKE < width_of(form) < 1.65 * STROKE
    assert max(crop(form).shape) == BOX
    assert np.abs(np.array(centre_of_mass(form)) - 14).max() < 0.7


def test_a_line_of_one_pixel_on_a_large_picture_is_not_lost():
    large = Image.new("L", (1100, 1100), 255)
    ImageDraw.Draw(large).line([(100, 100), (900, 100), (400, 1000)], fill=0, width=1)
    assert 0.8 * STROKE < width_of(to_mnist(large)) < 1.2 * STROKE


def test_without_mending_a_thin_stroke_stays_thin():
    thin = drawing(SEVEN, pen=5)
    assert width_of(to_mnist(thin, Steps(width=False))) < 0.6 * width_of(to_mnist(thin))


def test_a_bitmap_drawn_with_lines_of_one_pixel_gets_strokes_of_mnist():
    bitmap = Image.new("L", (28, 28), 0)
    ImageDraw.Draw(bitmap).line([(5, 4), (22, 4), (12, 25)], fill=255)
    assert 0.8 * STROKE < width_of(to_mnist(bitmap)) < 1.2 * STROKE


def test_without_centring_by_mass_the_box_is_in_the_middle():
    form = to_mnist(GREY, Steps(mass=False))
    rows, columns = np.nonzero(form)
    assert abs(rows.min() + rows.max() - 27) <= 1 and abs(columns.min() + columns.max() - 27) <= 1


def test_pictures_in_the_form_of_mnist_stay_as_they_are(digits):
    for picture in digits.train[0][:200].reshape(-1, 28, 28):
        assert np.array_equal(to_mnist(picture), picture)
        assert np.array_equal(to_mnist(255 - picture), picture)


@pytest.mark.skipif(not _REAL, reason="MNIST_COURSE_DATA names no folder with the real MNIST")
def test_training_rows_of_mnist_stay_nearly_as_they_are(monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_DATA", _REAL)
    pictures = load_mnist("mnist").train[0][:1000].reshape(-1, 28, 28)
    changed = [np.abs(to_mnist(picture) - picture.astype(int)).mean() for picture in pictures]
    assert np.mean(changed) < 1
    assert np.mean(np.array(changed) > 0) < 0.01


# ---------------------------------------------------------------- digits on a page
def test_a_digit_in_pieces_is_one_digit():
    assert len(page_to_mnist(drawing(FIVE, pen=8))) == 1
    broken = np.asarray(GREY).copy()
    broken[175:182] = 255  # the pen skipped
    assert len(page_to_mnist(broken)) == 1


def test_two_digits_are_counted_and_the_function_for_pages_named():
    two = np.hstack([np.asarray(GREY), np.asarray(drawing(FOUR))])
    with pytest.raises(PictureError, match=r"There are 2 digits.*\n.*page_to_mnist"):
        to_mnist(two)
    assert apart(page_to_mnist(two)[1], to_mnist(drawing(FOUR))) < 6


@pytest.mark.parametrize("kind", ["scan", "felt pen on lined paper"])
def test_a_page_is_read_line_by_line_from_left_to_right(digits, kind):
    images, labels = (rows[:20] for rows in digits.train)  # 0 to 9, twice
    read = page_to_mnist(simulate_page(images, np.random.default_rng(3), kind))
    assert read.shape == (20, 28, 28)
    blurred = [soft(pictures.reshape(20, 28, 28)) for pictures in (read, images)]
    likeness = blurred[0] @ blurred[1].T
    # Another pen changes a few beyond likeness; a page in any other order has two or three right.
    assert (labels[likeness.argmax(axis=1)] == labels).sum() >= 15


def soft(pictures):
    """Return blurred pictures as rows of length one, so that small shifts do not count."""
    from scipy import ndimage

    rows = ndimage.gaussian_filter(pictures.astype(float), (0, 1.5, 1.5)).reshape(len(pictures), -1)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_turned_page_keeps_its_order(digits):
    images = [digits.train[0][i] for i in range(15)]
    page = simulate_page(images, np.random.default_rng(5), "mouse")
    turned = Image.fromarray(page).rotate(5, Image.Resampling.BICUBIC, True, fillcolor=(255,) * 3)
    straight, skew = page_to_mnist(page), page_to_mnist(turned)
    assert len(straight) == len(skew) == 15
    assert ((soft(straight) @ soft(skew).T).argmax(axis=1) == np.arange(15)).sum() >= 14


# ---------------------------------------------------------------- all together
def test_the_steps_are_those_that_to_mnist_takes():
    steps = to_mnist_steps(GREY)
    assert list(steps) == [
        *("as read", "paper removed", "ink", "cropped", "stroke width", "box", "centred")
    ]
    assert np.array_equal(list(steps.values())[-1], to_mnist(GREY))
    assert all(picture.ndim == 2 for picture in steps.values())


def test_a_word_that_is_no_kind_is_refused_with_those_there_are(digits):
    with pytest.raises(UsageError, match=r"no kind 'crayon'.\nIt is one of pencil"):
        simulate_picture(digits.train[0][0], np.random.default_rng(0), "crayon")


@pytest.mark.parametrize("n", [0, 2])
def test_a_bitmap_of_several_digits_is_refused_and_none_is_dropped_in_silence(digits, n):
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match=rf"one digit, and {n} were given.\n.*'scan'"):
        simulate_page(digits.train[0][:n], rng, "bitmap")
    assert simulate_page(digits.train[0][:1], rng, "bitmap").shape == (28, 28)


def test_the_same_generator_makes_the_same_picture(digits):
    for kind in ("pencil", "bitmap"):
        one, other = (
            simulate_picture(digits.train[0][0], np.random.default_rng(9), kind) for _ in "ab"
        )
        assert np.array_equal(one, other)


def test_a_model_of_the_embedded_digits_reads_simulated_pictures_of_others(digits):
    from sklearn.svm import SVC

    model = SVC(C=5, gamma=0.02).fit(digits.train[0] / 255, digits.train[1])
    rng = np.random.default_rng(0)
    images, labels = digits.test
    rows = rng.permutation(len(labels))[: 6 * len(KINDS)]
    made = [
        simulate_picture(images[i], rng, kind) for i, kind in zip(rows, 6 * [*KINDS], strict=True)
    ]
    forms = np.stack([to_mnist(picture) for picture in made]).reshape(len(made), -1)
    assert np.mean(model.predict(forms / 255) == labels[rows]) > 0.8
