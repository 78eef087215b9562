"""The course in a browser's tab, driven: JupyterLite opened, its cells run, its outputs read."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_course_tools.site import serve
from tests.support.browser import ask_kernel

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_PATIENCE = 120  # seconds until the kernel is ready: much more than a learner should wait
_ALTS = "[...document.querySelectorAll('.jp-OutputArea img')].map(image => image.alt).join()"
_MODEL = "window.jupyterapp.shell.currentWidget.content.model.toJSON()"


@dataclass
class Site:
    """A site that is served: its address, and how many bytes have left."""

    address: str
    bytes: int = 0


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """Serve a site as the offline bundle does."""
    server = serve.server(folder)
    site = Site(f"http://127.0.0.1:{server.server_port}/")

    class Counting(serve.Handler):
        def copyfile(self, source: Any, outputfile: Any) -> None:
            site.bytes += os.fstat(source.fileno()).st_size
            super().copyfile(source, outputfile)

    server.RequestHandlerClass = functools.partial(Counting, directory=str(folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Traffic:
    """What pages of one window asked for."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)  # lines of the console


@contextlib.contextmanager
def window(browser: Browser, address: str, **options: Any) -> Iterator[tuple[Page, Traffic]]:
    """Open a window with an empty profile, which keeps account of what it asks for."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    traffic = Traffic()

    def asked(request: Any) -> None:
        if not request.url.startswith((address, "data:", "blob:")):
            traffic.outside.append(request.url)

    context.on("request", asked)
    context.on(
        "console", lambda line: traffic.errors.append(line.text) if line.type == "error" else None
    )
    try:
        page = context.new_page()
        page.set_default_timeout(1000 * _PATIENCE)
        yield page, traffic
    finally:
        context.close()


def open_notebook(page: Page, address: str, path: str, app: str = "notebooks") -> float:
    """Open a lesson or exercise, and return the seconds until its kernel was ready.

    Parameters
    ----------
    page : Page
    address : str
        Of the site.
    path : str
        Such as ``lessons/01_exploration.ipynb``.
    app : {"notebooks", "lab"}
    """
    start = time.monotonic()
    page.goto(f"{address}run/{app}/index.html?path={path}")
    page.wait_for_function(
        """path => {
            const widget = window.jupyterapp?.shell.currentWidget;
            return widget?.context?.path === path && widget.content.model?.cells.length > 3
                && widget.sessionContext.session?.kernel?.status === "idle";
        }""",
        arg=path,
    )
    return time.monotonic() - start


def choose(page: Page, source: str) -> None:
    """Have the notebook's first cell choose these rows, as a learner does by typing the word."""
    code = f"import os as _os; _os.environ['MNIST_COURSE_SOURCE'] = {source!r}; del _os"
    ask_kernel(page, code)


def run_all(page: Page, limit: float) -> float:
    """Run all cells from top to bottom and return the seconds; AssertionError after `limit`."""
    start = time.monotonic()
    page.evaluate(
        """() => {
            window.courseRan = null;
            window.jupyterapp.commands.execute("notebook:run-all-cells").then(
                () => { window.courseRan = "ran"; }, error => { window.courseRan = `${error}`; });
        }"""
    )
    page.wait_for_function("window.courseRan", timeout=1000 * limit)
    return time.monotonic() - start


def cells(page: Page) -> list[dict[str, Any]]:
    """Return the cells of the notebook that is open, outputs included."""
    return page.evaluate(f"{_MODEL}.cells")


def errors(page: Page) -> list[str]:
    """Return what went wrong in the cells, and what they left undone: a line for each."""
    found = []
    for number, cell in enumerate(cells(page)):
        if cell["cell_type"] != "code" or not "".join(cell["source"]).strip():
            continue
        if not cell["execution_count"]:
            found.append(f"[{number}] was not run")
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                found.append(f"[{number}] {output['ename']}: {output['evalue']}")
    return found


def red(page: Page) -> list[str]:
    """Return what cells wrote to stderr, which a notebook shows in red."""
    return [
        "".join(output["text"])
        for cell in cells(page)
        for output in cell.get("outputs", ())
        if output["output_type"] == "stream" and output["name"] == "stderr"
    ]


def move_control(page: Page) -> bool | None:
    """Move the last slider by one step; tell whether a picture changed its words.

    Returns
    -------
    bool or None
        None where there is no slider.
    """
    handle = page.locator(".jp-OutputArea .noUi-handle").last
    if not handle.count():
        return None
    before = page.evaluate(_ALTS)
    for key in ("ArrowRight", "ArrowLeft", "ArrowLeft"):  # it may stand at an end
        handle.focus()
        page.keyboard.press(key)
        with contextlib.suppress(Exception):  # playwright's, which waited in vain
            page.wait_for_function(f"before => {_ALTS} !== before", arg=before, timeout=60_000)
            return True
    return False


def versions(page: Page) -> str:
    """Return the versions that the notebook's kernel names."""
    return ask_kernel(page, "import mnist_course as _m; print(_m.versions()); del _m").strip()


def heap_mb(page: Page) -> float:
    """Return how much memory the kernel has taken, in MB."""
    code = "from mnist_course.browser import heap_bytes as _b; print(_b() / 1e6); del _b"
    return float(ask_kernel(page, code))
