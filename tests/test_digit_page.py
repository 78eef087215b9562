"""The home page's drawing pad in Chromium: Python's answers without Python, and quickly."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import statistics
import threading
from pathlib import Path

import numpy as np
import PIL
import pydata_sphinx_theme
import pytest
from PIL import Image

from mnist_course import load_mnist
from mnist_course.drawing_pad import DrawingPad
from mnist_course.errors import CourseError
from mnist_course.warp import Distortion, normalise
from mnist_course_tools.site import digit_models, pictures
from mnist_course_tools.site.serve import server
from tests.support import browser as support

ROOT = Path(__file__).parents[1]
in_browser = pytest.mark.skipif(
    support.why_not() is not None, reason=support.why_not() or "all is there"
)
THEME = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
# What stands around the pad on the site: its theme, and text enough to scroll.
PAGE = """\
<!doctype html>
<html lang="en" data-theme="{theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The pad</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="theme/styles/theme.css">
<link rel="stylesheet" href="theme/styles/pydata-sphinx-theme.css">
<link rel="stylesheet" href="digit/digit.css">
</head>
<body>
<main style="margin: 0 auto; max-width: 70rem; padding: 1rem; width: 100%">
<h1>A digit</h1>
<div data-digit-pad>This needs JavaScript.</div>
{text}
</main>
<script type="module" src="digit/digit.js"></script>
</body>
</html>
"""
LEANING = "SVM"  # is named in any sentence about the first example, on which models disagree
ONE = [(140, 40), (140, 240)]
SEVEN = [(80, 60), (200, 60), (130, 240)]
EMPTY = "Nothing is drawn yet"
FAILED = "The models could not be loaded"
SEEN = """canvas => [...canvas.getContext("2d").getImageData(0, 0, 28, 28).data]
    .filter((_, i) => i % 4 === 3)"""
MOST_BYTES, MOST_SECONDS = 6e6, 3  # what the course promises
# It also promises 50 ms for a stroke, where the yardstick takes 20; elsewhere both take longer.
MOST_YARDSTICKS = 2.5
YARDSTICK = """() => {
    const values = new Float64Array(280 * 280);
    for (let round = 0; round < 90; round++) {
        for (let i = 0; i < values.length; i++) values[i] = Math.sqrt(values[i] + i * round);
    }
    return values[1];
}"""
# Where a stroke's edge falls between two of Pillow's fine pixels, one of them may round otherwise.
ROUNDING = 32  # greys of 255, in fewer than one drawing of twenty


class Site:
    """A folder that is served, with a page for each theme and one kind of models."""

    def __init__(self, folder: Path, source: str) -> None:
        shutil.copytree(ROOT / "docs" / "_static" / "digit", folder / "digit")
        shutil.copytree(THEME, folder / "theme")
        (folder / "theme" / "basic.css").touch()  # Sphinx's own, which it makes from a template
        for path in digit_models.SHARED:
            shutil.copy(path, folder / "digit")
        for theme in ("light", "dark"):
            page = PAGE.format(theme=theme, text="<p>And so on.</p>" * 60)
            (folder / f"{theme}.html").write_text(page, encoding="utf-8")
        self.data = load_mnist(source)
        self.models = digit_models.fit(self.data)
        self.file = folder / "digit" / digit_models.NAME
        self.file.write_bytes(digit_models.pack(self.models, self.data))
        self._server = server(folder)
        self.address = f"http://127.0.0.1:{self._server.server_port}/light.html"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Yield a site whose models know the embedded digits."""
    made = Site(tmp_path_factory.mktemp("digits") / "site", "digits")
    yield made
    made.close()


@pytest.fixture(scope="module")
def mnist_site(tmp_path_factory):
    """Yield what a visitor gets: a site whose models know MNIST."""
    if not os.environ.get("MNIST_COURSE_DATA"):
        pytest.skip("needs the real MNIST: MNIST_COURSE_DATA names no folder")
    made = Site(tmp_path_factory.mktemp("mnist") / "site", "mnist")
    yield made
    made.close()


@pytest.fixture(params=["digits", "mnist"])
def either(request):
    """Return each of the two sites."""
    return request.getfixturevalue({"digits": "site", "mnist": "mnist_site"}[request.param])


@contextlib.contextmanager
def opened(chromium, address, words=LEANING, **options):
    """Open the pad and wait for words about it; fail if the page complained to its console."""
    with support.open_page(chromium, "about:blank", **options) as page:
        complaints = []
        page.on(
            "console", lambda said: complaints.append(said.text) if said.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        wait_for(page, words)
        yield page
        assert complaints == []


@pytest.fixture
def page(chromium, site):
    with opened(chromium, site.address, has_touch=True) as page:
        yield page


def wait_for(page, words: str) -> None:
    page.locator(".pad-words", has_text=words).wait_for()


def on_page(page, points) -> list[tuple[float, float]]:
    box = page.locator(".pad-sheet").bounding_box()
    return [
        (box["x"] + x * box["width"] / 280, box["y"] + y * box["width"] / 280) for x, y in points
    ]


def press_and_move(page, points) -> None:
    first, *rest = on_page(page, points)
    page.mouse.move(*first)
    page.mouse.down()
    for point in rest:
        page.mouse.move(*point, steps=8)


def draw(page, points) -> None:
    press_and_move(page, points)
    page.mouse.up()


def seen(page) -> np.ndarray:
    return np.array(page.locator(".pad-seen").evaluate(SEEN))


def in_python(strokes) -> np.ndarray | None:
    pad = DrawingPad()
    pad.strokes = strokes
    with contextlib.suppress(CourseError):
        return pad.image.ravel()
    return None


def scribbles(n: int) -> list[list]:
    """Return drawings of all sizes, of one to three strokes, some with a dot: few are digits."""
    rng = np.random.default_rng(4)
    drawings = []
    for number in range(n):
        size = rng.uniform(20, 140)
        middle = rng.uniform(0.8 * size, 280 - 0.8 * size, 2)
        strokes = []
        for _ in range(rng.integers(1, 4)):
            turns = rng.uniform(-size, size, (rng.integers(3, 7), 2)) * rng.uniform(0.3, 1)
            along = np.linspace(0, len(turns) - 1, 40)
            line = [np.interp(along, range(len(turns)), turns[:, axis]) for axis in (0, 1)]
            strokes.append((np.transpose(line) + middle).round(1).tolist())
        if number % 10 == 0:
            strokes.append(rng.uniform(0, 280, (1, 2)).round(1).tolist())
        drawings.append(strokes)
    return drawings


def thousand(data) -> np.ndarray:
    """Return MNIST's first 1,000 test rows; of the embedded digits all 252, and bent copies."""
    X = data.test[0][:1000]
    rng = np.random.default_rng(0)
    chosen = X[rng.integers(len(X), size=1000 - len(X))]
    bent = normalise(chosen, distortion=Distortion(), rng=rng)
    return np.concatenate([X, np.clip(np.rint(bent), 0, 255).astype(np.uint8)])


@in_browser
def test_the_page_gives_scikit_learns_answers_to_a_thousand_test_digits(chromium, either):
    X = thousand(either.data)
    assert X.shape == (1000, 784)
    with opened(chromium, either.address) as page:
        answers = page.evaluate(
            """async (digits) => {
                const { load } = await import("/digit/models.js");
                const { models } = await load("/digit/models.bin");
                const bytes = Uint8Array.from(atob(digits), (letter) => letter.charCodeAt(0));
                return models.map(({ name, ask }) => [name, Array.from(
                    { length: 1000 }, (_, i) => [...ask(bytes.subarray(784 * i, 784 * i + 784))])]);
            }""",
            base64.b64encode(X.tobytes()).decode(),
        )
    assert [name for name, _ in answers] == list(either.models)
    for name, shares in answers:
        model = either.models[name]
        assert np.argmax(shares, axis=1).tolist() == model.predict(X).tolist(), name
        np.testing.assert_allclose(shares, model.predict_proba(X), atol=1e-3, rtol=0, err_msg=name)


@in_browser
def test_a_sheet_comes_into_mnists_form_as_in_python_and_so_do_strokes(page):
    drawings = scribbles(60)
    sheets, expected = [], []
    for strokes in drawings:
        pad = DrawingPad()
        pad.strokes = strokes
        sheets.append(base64.b64encode(pad.raw.tobytes()).decode())
        expected.append(in_python(strokes))
    results = page.evaluate(
        """async ([drawings, sheets]) => {
            const { drawer } = await import("/digit/draw.js");
            const { NoDigit, toMnist } = await import("/digit/form.js");
            const form = (sheet) => {
                try {
                    return [...toMnist(sheet)];
                } catch (error) {
                    if (error instanceof NoDigit) return null;
                    throw error;
                }
            };
            const read = (text) => ({ width: 280, height: 280,
                values: Uint8ClampedArray.from(atob(text), (letter) => letter.charCodeAt(0)) });
            return [sheets.map((text) => form(read(text))),
                drawings.map((one) => form(drawer()(one)))];
        }""",
        [drawings, sheets],
    )
    refused = [image is None for image in expected]
    assert 0 < sum(refused) < 10  # two digits, or more
    for found in results:
        assert [image is None for image in found] == refused
    from_sheet, from_strokes = (
        np.array(
            [
                np.abs(np.subtract(image, right)).max()
                for image, right in zip(found, expected, strict=True)
                if right is not None
            ]
        )
        for found in results
    )
    # Before version 13 Pillow scaled tall pictures in another order, and rounded otherwise.
    assert from_sheet.max() <= (0 if int(PIL.__version__.split(".")[0]) >= 13 else ROUNDING)
    assert from_strokes.max() <= ROUNDING
    assert np.mean(from_strokes > 0) < 0.05


@in_browser
def test_what_the_pad_shows_of_each_example_is_what_python_sees(page):
    examples = page.evaluate('import("/digit/examples.js").then(({ EXAMPLES }) => EXAMPLES)')
    assert len(examples) == 6
    for example in examples:
        page.get_by_role("button", name=f"Example: {example['name']}").click()
        assert np.abs(seen(page) - in_python(example["strokes"])).max() <= ROUNDING


@in_browser
def test_every_model_shows_ten_shares_side_by_side_and_a_sentence_sums_up(page, site):
    page.get_by_role("button", name="Example: an eight").click()
    pixels = seen(page)[None].astype(np.float32)
    answers = {name: str(model.predict(pixels)[0]) for name, model in site.models.items()}
    assert page.locator(".pad-name").all_text_contents() == list(answers)
    assert page.locator(".pad-answer").all_inner_texts() == list(answers.values())
    for table, model in zip(page.locator("table").all(), site.models.values(), strict=True):
        shares = model.predict_proba(pixels)[0]
        widths = table.locator(".pad-bar").evaluate_all(
            "all => all.map(bar => bar.clientWidth / bar.parentElement.clientWidth)"
        )
        assert widths == pytest.approx(shares.tolist(), abs=0.03)
        said = table.locator(".pad-share").all_inner_texts()
        assert [text.removeprefix("> ") for text in said] == [
            "99\u00a0%" if 0.995 <= share < 1 else f"{100 * share:.0f}\u00a0%" for share in shares
        ]
    status = page.get_by_role("status")
    assert status.inner_text() == "All four models read an\u00a08."
    kinds = page.locator(".pad-kind").all_inner_texts()
    assert [kind.rsplit(" ", 1)[0].removesuffix(" >") for kind in kinds] == [
        "probability", "strength in duels", "share of votes", "strength in duels",
    ]  # fmt: skip
    assert "1,545 digits of 8 × 8 points" in page.locator(".digit-notes").inner_text()


@in_browser
def test_the_page_names_its_rows_and_how_often_each_model_is_right(chromium, mnist_site):
    X, y = mnist_site.data.test
    right = [(model.predict(X) == y).mean() for model in mnist_site.models.values()]
    with opened(chromium, mnist_site.address) as page:
        notes = page.locator(".digit-notes").inner_text()
        assert "the first 10,000 digits of MNIST; tested on 10,000 others" in notes
        assert page.locator(".digit-right").all_inner_texts() == [
            f"{100 * share:.1f}\u00a0% right" for share in right
        ]


@in_browser
def test_the_first_answer_comes_within_three_seconds_and_six_megabytes(chromium, either):
    seconds = []
    for _ in range(3):  # the quickest: the others may have waited for another test
        with support.open_page(chromium, "about:blank") as page:
            page.add_init_script(
                """const look = () => {
                    const answer = document.querySelector(".pad-answer");
                    if (answer?.textContent > "") window.answered = performance.now();
                    else requestAnimationFrame(look);
                };
                look();"""
            )
            page.goto(either.address)
            page.wait_for_function("window.answered")
            seconds.append(page.evaluate("window.answered") / 1000)
            loaded = page.evaluate(
                """performance.getEntriesByType("resource").filter(({ name }) =>
                    name.includes("/digit/")).map(({ name, decodedBodySize }) =>
                    [name.split("/").at(-1), decodedBodySize])"""
            )
    print(f"first answer: {min(seconds):.2f} s, {sum(size for _, size in loaded) / 1e6:.2f} MB")
    assert min(seconds) <= MOST_SECONDS
    assert dict(loaded)[digit_models.NAME] == either.file.stat().st_size
    names = {path.name for path in either.file.parent.iterdir()}
    assert {name for name, _ in loaded} == names
    assert sum(size for _, size in loaded) <= MOST_BYTES


@in_browser
def test_a_stroke_is_answered_by_all_models_within_fifty_milliseconds(chromium, either):
    with opened(chromium, either.address) as page:
        # Time that the page's own thread works. Beside other work, and on another machine, it grows
        # for the yardstick too, which is laid beside each stroke.
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def worked() -> float:
            found = session.send("Performance.getMetrics")["metrics"]
            return 1000 * next(one["value"] for one in found if one["name"] == "TaskDuration")

        strokes, yardsticks = [], []
        for number in range(16):
            points = [[(x + 2 * number, y) for x, y in SEVEN], [(90, 150), (190, 150)]]
            press_and_move(page, points[number % 2])
            page.evaluate("new Promise(requestAnimationFrame)")
            start = worked()
            page.mouse.up()
            page.evaluate("new Promise(requestAnimationFrame)")
            stroke = worked()
            page.evaluate(YARDSTICK)
            strokes.append(stroke - start)
            yardsticks.append(worked() - stroke)
        assert page.locator(".pad-answer").count() == 4
    stroke, yardstick = statistics.median(strokes), statistics.median(yardsticks)
    print(f"a stroke {stroke:.1f} ms, the yardstick {yardstick:.1f} ms")
    assert stroke < MOST_YARDSTICKS * yardstick


@in_browser
def test_a_sheet_that_draws_only_what_is_new_shows_all_strokes_and_no_other(page):
    pictures = page.evaluate(
        """async ([one, two, three]) => {
            const { drawer } = await import("/digit/draw.js");
            const sheet = drawer();
            const steps = [[], [one], [one, two], [one], [one, three], [three], [], [two, one]];
            return steps.map((strokes) => [sheet, drawer()].map(
                (draw) => [...draw(strokes).values]));
        }""",
        [ONE, SEVEN, [(60, 140), (220, 140)]],
    )
    assert [sum(alone) > 0 for _, alone in pictures] == [0, 1, 1, 1, 1, 1, 0, 1]
    for kept, alone in pictures:
        assert kept == alone


@in_browser
def test_who_draws_puts_the_example_away_and_undo_takes_back_strokes_and_clear(page):
    sheet = page.locator(".pad-sheet")
    example = seen(page)
    assert example.any()
    draw(page, ONE)
    alone = seen(page)
    right = in_python([np.linspace(*ONE, 9).tolist()])
    assert np.abs(alone - right).max() <= ROUNDING  # nothing of the example is left
    draw(page, [(60, 140), (220, 140)])
    both = seen(page)
    assert (both != alone).any()
    undo = page.get_by_role("button", name="Undo")
    undo.click()
    assert (seen(page) == alone).all()
    page.get_by_role("button", name="Clear").click()
    wait_for(page, EMPTY)
    assert not seen(page).any()
    assert page.locator(".pad-answer").all_inner_texts() == ["–"] * 4
    undo.click()
    assert (seen(page) == alone).all()
    page.get_by_role("button", name="Example: a three").click()
    assert (seen(page) != alone).any()
    undo.click()
    assert (seen(page) == alone).all()
    undo.click()
    undo.click()
    assert (seen(page) == example).all()
    assert sheet.is_visible()


@in_browser
def test_a_finger_draws_and_the_page_scrolls_only_beside_the_sheet(page):
    assert page.evaluate("document.documentElement.scrollHeight > window.innerHeight")
    line = [(140, 250 - 5 * i) for i in range(43)]
    support.swipe(page, on_page(page, line))
    assert np.abs(seen(page) - in_python([line])).max() <= ROUNDING
    assert page.evaluate("window.scrollY") == 0
    box = page.locator(".pad-words").bounding_box()
    support.swipe(page, [(box["x"] + 50, box["y"] + 10 - 0.2 * i) for i in range(20)])
    beside = page.locator(".pad-cards").bounding_box()
    support.swipe(page, [(beside["x"] + 50, beside["y"] + 150 - 3 * i) for i in range(40)])
    page.wait_for_function("window.scrollY > 0")


@in_browser
def test_keys_draw_undo_and_clear(page):
    sheet = page.get_by_role("application", name="Drawing area")
    page.keyboard.press("Tab")
    assert sheet.evaluate("sheet => sheet === document.activeElement")
    page.keyboard.press("Space")
    page.locator(".pad-left [aria-live]", has_text="Pen down").wait_for(state="attached")
    for _ in range(14):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    line = [(140, 70 + 10 * i) for i in range(15)]
    assert np.abs(seen(page) - in_python([line])).max() <= ROUNDING
    assert page.evaluate("window.scrollY") == 0
    page.keyboard.press("Control+z")
    wait_for(page, EMPTY)
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert seen(page).any()
    page.keyboard.press("Delete")
    wait_for(page, EMPTY)
    # Examples are reached by keys, too.
    page.get_by_role("button", name="Example: a five in two strokes").press("Enter")
    wait_for(page, "models read a 5.")


@in_browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pad_is_accessible_and_fits_in_both_themes_and_widths(chromium, site, theme, width):
    size = {"width": width, "height": 900}
    address = site.address.replace("light", theme)
    with opened(chromium, address, viewport=size) as page:
        page.locator(".digit-notes dl").wait_for()
        assert support.wide(page) <= 0
        folder = ROOT / "build" / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"pad-{width}-{theme}.png"
        page.locator("[data-digit-pad]").screenshot(path=folder / name)
    # Axe looks for imported style sheets in the wrong place, which the console would tell.
    with support.open_page(chromium, address, viewport=size) as page:
        page.locator(".digit-notes dl").wait_for()
        assert support.violations(page, "[data-digit-pad]") == []


@in_browser
def test_ink_follows_the_theme_while_the_page_is_open(page):
    colour = """() => {
        const sheet = document.querySelector(".pad-sheet");
        const { data } = sheet.getContext("2d").getImageData(0, 0, sheet.width, sheet.height);
        const at = data.findIndex((value, i) => i % 4 === 3 && value === 255);
        return data[at - 3];
    }"""
    assert page.evaluate(colour) < 60
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"({colour})() > 180")


def damaged(content: bytes, how: str) -> dict:
    """Return an answer of the server in place of the models."""
    return {
        "missing": {"status": 404, "body": "not found"},
        "cut off": {"body": content[: len(content) // 2]},
        "nearly empty": {"body": content[:10]},
        "a byte changed": {"body": content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]},
        "a web page": {"body": "<!doctype html><title>Welcome to the hotel's network</title>"},
    }[how]


@in_browser
@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("missing", "the server says 404"),
        ("cut off", "the file is damaged"),
        ("nearly empty", "the file is cut off"),
        ("a byte changed", "the file is damaged"),
        ("a web page", "not one of models"),
    ],
)
def test_without_sound_models_the_pad_draws_on_and_says_what_to_do(chromium, site, how, why):
    with support.open_page(chromium, "about:blank") as page:
        answer = damaged(site.file.read_bytes(), how)
        page.route(f"**/{digit_models.NAME}", lambda route: route.fulfill(**answer))
        page.goto(site.address)
        wait_for(page, FAILED)
        words = page.get_by_role("status").inner_text()
        assert why in words and "Load the page again" in words
        draw(page, ONE)
        assert seen(page).any()
        assert page.get_by_role("status").inner_text() == words


@in_browser
def test_while_the_models_are_on_their_way_one_can_draw_and_the_answer_follows(chromium, site):
    with support.open_page(chromium, "about:blank") as page:
        waiting = []
        page.route(f"**/{digit_models.NAME}", lambda route: waiting.append(route))
        page.goto(site.address)
        wait_for(page, "on their way")
        draw(page, ONE)
        drawn = seen(page)
        assert drawn.any()
        page.wait_for_timeout(50)
        waiting[0].continue_()
        page.locator(".pad-answer").first.wait_for()
        assert (seen(page) == drawn).all()


@in_browser
def test_without_the_pads_own_front_end_the_page_says_so(chromium, site):
    with support.open_page(chromium, "about:blank") as page:
        page.route("**/drawing_pad.js", lambda route: route.fulfill(status=404))
        page.goto(site.address)
        page.get_by_role("alert").filter(has_text="could not be started").wait_for()


def test_what_is_written_for_the_page_is_the_same_each_time_and_complete(tmp_path, site):
    path = digit_models.write(tmp_path / "digit", "digits")
    assert path.read_bytes() == site.file.read_bytes()
    names = {"models.bin", "drawing_pad.js", "drawing_pad.css"}
    assert {one.name for one in (tmp_path / "digit").iterdir()} == names


def test_the_readmes_picture_of_the_pad_is_current_and_small():
    picture = Image.open(pictures.PICTURE)
    assert picture.text[pictures.KEY] == pictures.sources(), (
        "The pad has changed since its picture was made. Make it anew, with MNIST at hand: "
        "python -m mnist_course_tools.site.pictures"
    )
    assert pictures.PICTURE.stat().st_size <= 150_000
