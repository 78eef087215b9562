"""A real browser that reaches this machine only, and a JupyterLab server for it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

import mnist_course

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from playwright.sync_api import Browser, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
OVERRIDES = Path(mnist_course.__file__).parent / "front_end" / "overrides.json"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever a page asks for elsewhere is refused, and `open_page` notes that it asked.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_PATIENCE = 40  # seconds


def why_not() -> str | None:
    """Return what is missing for tests in a browser, or None."""
    try:
        import axe_playwright_python
        import playwright  # noqa: F401
    except ImportError as error:
        return f"{error.name} is not installed: pip install -e '.[dev]'"
    del axe_playwright_python
    return None if CHROMIUM else "there is no Chromium: apt-get install chromium"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium with an empty profile."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def open_page(browser: Browser, address: str, **options: Any) -> Iterator[Page]:
    """Open a page in a window of its own; fail if it asked another machine for something.

    Parameters
    ----------
    browser : Browser
    address : str
    **options
        Of the window, such as ``viewport`` and ``color_scheme``.
    """
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    try:
        page = context.new_page()
        page.set_default_timeout(1000 * _PATIENCE)
        page.goto(address)
        yield page
    finally:
        context.close()
    local = ("http://127.0.0.1:", "ws://127.0.0.1:", "file:", "data:", "blob:")
    assert [url for url in asked if not url.startswith(local)] == []


@contextlib.contextmanager
def jupyter_lab(folder: Path, own: Path) -> Iterator[str]:
    """Serve a folder with JupyterLab, with the course's settings and nobody else's.

    Parameters
    ----------
    folder : Path
        Of notebooks.
    own : Path
        For the server's own files.

    Yields
    ------
    str
        Address, to be completed with a path and ``token``: ``{address}?token=...``.
    """
    settings = own / "settings" / "overrides.d"
    settings.mkdir(parents=True, exist_ok=True)
    shutil.copy(OVERRIDES, settings / "mnist-course.json")
    token, port = secrets.token_hex(16), _free_port()
    places = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    environment = {
        **os.environ,
        **{f"JUPYTER_{place}": str(own / place.lower()) for place in places},
        "JUPYTERLAB_SETTINGS_DIR": str(own / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(own / "ipython"),
        "JUPYTER_TOKEN": token,
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
        *("--LabApp.expose_app_in_browser=True", f"--LabApp.app_settings_dir={settings.parent}"),
        f"--ServerApp.root_dir={folder}",
    ]
    with (own / "server.log").open("w") as log:
        server = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for_server(f"{address}/api/status?token={token}", server)
        yield f"{address}/lab/tree/{{}}?reset&token={token}"
    finally:
        _end(server)


def write_trusted(notebook: NotebookNode, path: Path, own: Path) -> None:
    """Write a notebook as the reader's own: Jupyter draws no widgets in a stranger's.

    Parameters
    ----------
    notebook : NotebookNode
    path : Path
    own : Path
        As for `jupyter_lab`.
    """
    import nbformat
    from nbformat.sign import NotebookNotary

    path.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, path)
    (own / "data_dir").mkdir(parents=True, exist_ok=True)
    NotebookNotary(data_dir=str(own / "data_dir")).sign(notebook)


def command(page: Page, name: str, **arguments: Any) -> None:
    """Give JupyterLab one of its commands, such as ``docmanager:save``."""
    page.evaluate(
        "([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments]
    )


def wide(page: Page) -> int:
    """Return by how many pixels a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def violations(page: Page, within: str | None = None) -> list[str]:
    """Return what axe finds serious or critical on a page, a line for each.

    Parameters
    ----------
    page : Page
    within : str, optional
        CSS selector of the part that is looked at.
    """
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=within).response["violations"]
    return [
        f"{one['id']}: {json.dumps([node['html'] for node in one['nodes'][:3]])}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def swipe(page: Page, points: Sequence[tuple[float, float]]) -> None:
    """Move a finger over a page that was opened with ``has_touch=True``."""
    session = page.context.new_cdp_session(page)
    for kind, (x, y) in zip(
        ["touchStart", *["touchMove"] * (len(points) - 1)], points, strict=True
    ):
        touch = [{"x": x, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touch})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


def ask_kernel(page: Page, code: str) -> str:
    """Run code in the kernel of the notebook that JupyterLab shows; return what it prints."""
    return page.evaluate(
        """async code => {
            const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
            const future = kernel.requestExecute({ code, store_history: false });
            let text = "";
            future.onIOPub = ({ content }) => { text += content.text ?? content.evalue ?? ""; };
            await future.done;
            return text.trim();
        }""",
        code,
    )


def _end(server: subprocess.Popen[bytes]) -> None:
    """End a server and its kernels: it may wait for one that has only begun to start."""
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    server.terminate()
    _, alive = psutil.wait_procs(family, timeout=3)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    server.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_for_server(address: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        assert server.poll() is None, "JupyterLab ended; its log lies beside its settings"
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2):
            return
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start within {_PATIENCE} s")
