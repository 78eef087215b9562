"""The course in a browser's tab: JupyterLite, with every lesson and exercise to work in."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import mnist_course
from mnist_course import browser
from mnist_course.data import Dataset, load
from mnist_course.data.block import MNIST, make_block, open_block, split_block
from mnist_course.data.cache import cache_folder
from mnist_course.errors import CourseError, DataError
from mnist_course_tools.exercises import without_outputs
from mnist_course_tools.notebooks import (
    EXERCISES,
    LESSONS,
    course_folder,
    find_notebooks,
    read_notebook,
    write_notebook,
)
from mnist_course_tools.site import pyodide
from mnist_course_tools.start import fingerprint

if TYPE_CHECKING:
    import numpy as np
    from nbformat import NotebookNode
    from numpy.typing import NDArray

SETTINGS = Path(__file__).parents[2] / "docs" / "lite"
# From the course's folders to those in the tab. A learner reads "lessons", not "notebooks".
FOLDERS = {LESSONS: "lessons", EXERCISES: "exercises"}
_APPS = ("notebooks", "lab", "tree")
# Not all that is installed: what another tool brought along may want a server.
_EXTENSIONS = (
    "@jupyter-widgets/jupyterlab-manager",
    "@jupyterlite/pyodide-kernel-extension",
    "anywidget",
)
# What pyproject.toml asks for and a tab has; floors do not count there.
_NEEDED = (
    *("numpy", "scipy", "scikit-learn", "pandas", "matplotlib"),
    *("pillow", "ipywidgets", "anywidget"),
)
_KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
_OURS = ("course.js", "course.css")
ROWS_FOLDER = "mnist"
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that zip files know


def build(out: Path) -> None:
    """Make the tab's part of the site, in place of an older one.

    Parameters
    ----------
    out : Path
        ``run`` in the site's folder.

    Raises
    ------
    CourseError
        If Pyodide cannot be had, or JupyterLite cannot be built; it says why.
    """
    # Built over an older one it forgets settings without a word.
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        lite, wheels = Path(place, "lite"), Path(place, "wheels")
        wheels.mkdir()
        contents = lite / "contents"
        for name, notebook in edition(course_folder()):
            write_notebook(contents / name, notebook)
        _jupyter_lite(lite, contents, out)
        _add_ours(out)
        _offer_rows(out)
        pyodide.assemble(out / "static" / "pyodide", [course_wheel(wheels), no_jedi(wheels)])


def edition(course: Path) -> Iterator[tuple[Path, NotebookNode]]:
    """Yield name and content of each lesson and exercise as it lies in the tab's folders."""
    for part, folder in FOLDERS.items():
        for path in find_notebooks(course / part):
            notebook = without_outputs(read_notebook(path))
            for cell in notebook.cells:
                for old, new in FOLDERS.items():
                    cell.source = cell.source.replace(f"](../{old}/", f"](../{new}/")
            # The copy that a learner works on says what it was made from.
            notebook.metadata["mnist_course"] = {"edition": fingerprint(notebook)}
            yield Path(folder) / path.name, notebook


def first_rows() -> NDArray[np.uint8] | None:
    """Return the block of MNIST's first rows, if whoever builds has MNIST; nothing is fetched."""
    for folder in filter(None, (load.named_folder(), cache_folder())):
        try:
            whole = open_block(folder, MNIST)
            if whole is None and folder == load.named_folder():
                whole = load.read_files(folder, MNIST)
        except DataError as error:
            print(f"{folder} {error}. It is passed over.")
            continue
        if whole is not None:
            images, labels = split_block(whole, MNIST)
            rows = Dataset.of(images, labels, n_train=MNIST.n_train, source="mnist")
            rows = rows.for_profile("quick")
            return make_block(rows.images, rows.labels)
    return None


def course_wheel(folder: Path) -> Path:
    """Make a wheel of what notebooks import; the workshop stays at home."""
    package = Path(mnist_course.__file__).parent
    files = {
        f"mnist_course/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return write_wheel(folder, "mnist_course", mnist_course.__version__, files, _NEEDED)


def no_jedi(folder: Path) -> Path:
    """Make an empty wheel that stands where the kernel asks for jedi.

    Jedi completes names after a Tab, which IPython can do without it; unpacked it is 5,600 files.
    """
    return write_wheel(folder, "jedi", "0", {}, ())


def write_wheel(
    folder: Path, name: str, version: str, files: Mapping[str, bytes], needed: Sequence[str]
) -> Path:
    """Write a wheel of pure Python; its name tells it from an older one that a browser kept."""
    about = f"{name}-{version}.dist-info"
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    head += "".join(f"Requires-Dist: {other}\n" for other in needed)
    wheel = "Wheel-Version: 1.0\nGenerator: mnist_course_tools\nRoot-Is-Purelib: true\n"
    wheel += "Tag: py3-none-any\n"
    everything = {
        **files,
        f"{about}/METADATA": head.encode(),
        f"{about}/WHEEL": wheel.encode(),
    }
    record = "".join(f"{path},,\n" for path in (*everything, f"{about}/RECORD"))
    mark = hashlib.sha256(repr(sorted(everything.items())).encode()).hexdigest()[:12]
    path = folder / f"{name}-{version}-0{mark}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for inner, content in {**everything, f"{about}/RECORD": record.encode()}.items():
            entry = zipfile.ZipInfo(inner, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


def _add_ours(out: Path) -> None:
    """Have each page load what the course adds, and say what language it is in."""
    for name in _OURS:
        shutil.copy(SETTINGS / name, out / name)
    head = '<link rel="icon" href="favicon.ico"><link rel="stylesheet" href="../course.css">'
    head += '<script type="module" src="../course.js"></script></head>'
    for app in _APPS:
        path = out / app / "index.html"
        page = path.read_text(encoding="utf-8")
        page = page.replace("<html>", '<html lang="en">', 1).replace("</head>", head, 1)
        path.write_text(page, encoding="utf-8")
        if not (icon := out / app / "favicon.ico").exists():  # its settings ask for one
            shutil.copy(out / "lab" / "favicon.ico", icon)


def _offer_rows(out: Path) -> None:
    """Put MNIST's first rows beside the pages and tell the kernel so, or neither."""
    block = first_rows()
    if block is None:
        print("MNIST is not here, so the tab works with the embedded digits.")
        return
    (out / ROWS_FOLDER).mkdir()
    (out / ROWS_FOLDER / browser.ROWS_FILE).write_bytes(gzip.compress(block.tobytes(), mtime=0))
    path = out / "jupyter-lite.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    kernel = settings["jupyter-config-data"]["litePluginSettings"][_KERNEL]
    kernel["loadPyodideOptions"]["env"][browser.SITE_VARIABLE] = f"{ROWS_FOLDER}/"
    path.write_text(json.dumps(settings, indent=2), encoding="utf-8")


def _jupyter_lite(lite: Path, contents: Path, out: Path) -> None:
    """Run JupyterLite's own build, in a folder that nobody has used before."""
    for path in SETTINGS.glob("*.json"):
        shutil.copy(path, lite / path.name)
    installed = Path(sys.prefix, "share", "jupyter", "labextensions")
    config = {
        "lite_dir": str(lite),
        "contents": [str(contents)],
        "output_dir": str(out.absolute()),
        "apps": list(_APPS),
        "ignore_sys_prefix": ["federated_extensions"],
        "federated_extensions": [str(installed / name) for name in _EXTENSIONS],
        "no_sourcemaps": True,
        "no_libarchive": True,  # what it would unpack faster takes a second
    }
    (lite / "jupyter_lite_config.json").write_text(json.dumps({"LiteBuildConfig": config}), "utf-8")
    command = [sys.executable, "-m", "jupyterlite_core", "build"]
    done = subprocess.run(
        command, cwd=lite, capture_output=True, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        raise CourseError(
            f"JupyterLite could not be built:\n{done.stdout[-2000:]}{done.stderr[-2000:]}\n"
            f"What to do: pip install -e '.[docs]', and build again."
        )
    warnings = [line for line in done.stderr.splitlines() if "WARN" in line.upper()]
    print("".join(f"jupyter lite: {line}\n" for line in warnings), end="")
