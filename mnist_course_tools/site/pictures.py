"""The README's picture of the drawing pad: a photograph of the page, made again with one command.

It keeps a checksum of all that it shows, so that a test can tell when it is out of date.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tempfile
import threading
from pathlib import Path

import mnist_course
from mnist_course.errors import CourseError
from mnist_course_tools.site import digit_models
from mnist_course_tools.site.serve import server

ROOT = Path(__file__).parents[2]
PAD = ROOT / "docs" / "_static" / "digit"
PICTURE = ROOT / "docs" / "pictures" / "pad.png"
KEY = "mnist-course sources"  # of the text in the picture that holds the checksum
_HELPER = Path(mnist_course.__file__).parent
_COLOURS = 64  # a picture of greys and one blue: a third of the bytes, and no difference to be seen
_PAGE = """\
<!doctype html>
<html lang="en" data-theme="light">
<meta charset="utf-8">
<title>The drawing pad</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="digit/digit.css">
<style>
  body { background: #fff; color: #222832; font-family: system-ui, sans-serif; margin: 0; }
  [data-digit-pad] { margin: 0 !important; min-height: 0 !important; padding: 24px; }
  [data-digit-pad] details { display: none; }
</style>
<div data-digit-pad></div>
<script type="module" src="digit/digit.js"></script>
"""


def sources() -> str:
    """Return a checksum of the files that decide what the picture shows."""
    helpers = (_HELPER / f"{name}.py" for name in ("edges", "models", "pair_svc", "warp"))
    own = (Path(digit_models.__file__), Path(__file__))
    total = hashlib.sha256()
    for path in (*sorted(PAD.iterdir()), *digit_models.SHARED, *helpers, *own):
        total.update(path.name.encode())
        total.update(path.read_text(encoding="utf-8").encode())  # line ends differ by system
    return total.hexdigest()


def write_pad_picture(path: Path = PICTURE) -> None:
    """Open the pad in Chromium and photograph it with its first example and all answers.

    Its models have learned from MNIST; CourseError where that, or Chromium, cannot be had.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    about = PngInfo()
    about.add_text(KEY, sources())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(PAD, folder / "digit")
        digit_models.write(folder / "digit", "mnist")
        (folder / "index.html").write_text(_PAGE, encoding="utf-8")
        picture = Image.open(io.BytesIO(_photograph(folder)))
    path.parent.mkdir(parents=True, exist_ok=True)
    small = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True, pnginfo=about)


def _photograph(folder: Path) -> bytes:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        raise CourseError(
            "There is no Chromium to draw the picture with.\napt-get install chromium"
        )
    serving = server(folder)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1000, "height": 900}, device_scale_factor=2)
            page.goto(f"http://127.0.0.1:{serving.server_port}/index.html")
            page.locator(".digit-notes dl").wait_for()
            taken = page.locator("[data-digit-pad]").screenshot()
            browser.close()
    finally:
        serving.shutdown()
        serving.server_close()
    return taken


if __name__ == "__main__":
    write_pad_picture()
