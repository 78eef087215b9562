"""The offline bundle: the whole site in one zip file, with the server that shows it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from mnist_course.errors import CourseError

NAME = "mnist-course-offline.zip"
_TOP = "mnist-course-offline"  # the folder that unpacking makes
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that zip files know
# Packed already: packing them again takes half a minute and gains nothing.
_PACKED = {".whl", ".zip", ".gz", ".png", ".jpg", ".woff", ".woff2"}
_READ_ME = """\
Classical machine learning on MNIST: the course in a browser, without the internet
===================================================================================

You need Python 3.11 or newer and a browser of the last two years.

1. Unpack this file.
2. In the folder that it makes, type:   python serve.py
   (on some systems: python3 serve.py; on Windows: py serve.py)
3. The course opens in your browser. If it does not, type the address that is shown.

Ctrl+C in the terminal ends the server. What you write in a lesson is kept by your browser, under
that address: use the same browser and the same port again, and download what you want to keep
(File, Download).
"""


def write(site: Path, out: Path) -> None:
    """Pack a site; the same file from the same site.

    Parameters
    ----------
    site : Path
        As ``python -m mnist_course_tools.site`` makes it.
    out : Path
        The zip file; it appears only once it is complete.

    Raises
    ------
    CourseError
        If there is no site.
    """
    if not (site / "index.html").exists():
        raise CourseError(
            f"{site} holds no site to pack. Build it first: python -m mnist_course_tools.site"
        )
    files = {f"site/{p.relative_to(site).as_posix()}": p for p in site.rglob("*") if p.is_file()}
    files["serve.py"] = Path(__file__).with_name("serve.py")
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f"{out.name}.new")
    with zipfile.ZipFile(beside, "w") as archive:
        _add(archive, "READ-ME-FIRST.txt", _READ_ME.encode())
        for name, path in sorted(files.items()):
            _add(archive, name, path.read_bytes())
    beside.replace(out)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(f"{_TOP}/{name}", _DATE)
    entry.external_attr = 0o644 << 16
    packed = Path(name).suffix in _PACKED
    entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
