"""pyproject.toml, environment.yml, the locks and the Binder image describe one environment.

No test here needs a network, a data set or a container engine.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import mnist_course

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / "environment.yml"
BINDER_ENVIRONMENT = ROOT / "binder" / "environment.yml"
POST_BUILD = ROOT / "binder" / "postBuild"
START = ROOT / "binder" / "start"
LOCK = ROOT / "requirements.lock"
DEV_LOCK = ROOT / "requirements-dev.lock"
PACKAGES = ("mnist_course", "mnist_course_tools")
OVERRIDES = ROOT / "mnist_course" / "front_end" / "overrides.json"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# conda-forge has other names for these. matplotlib-base is matplotlib without the Qt windows.
CONDA_NAME = {"matplotlib": "matplotlib-base", "jupyter-client": "jupyter_client"}
# Not dependencies of the package: the language, and what installs the package itself.
CONDA_ONLY = {"python", "pip"}
# Binder must be told one minor version of these two (repo2docker reads no ranges).
MAY_BE_NARROWER = {"python", "jupyterlab"}
DOCUMENTED_EXTRAS = {"dev", "cluster", "docs", "fast", "teach"}
# No registry of ours holds it; accelerate() asks whether an NVIDIA machine brings it along.
IMPORTED_IF_THERE = {"cuml", "js", "pyodide_js"}

each_lock = pytest.mark.parametrize("lock", [LOCK, DEV_LOCK], ids=lambda path: path.name)
needs_bash = pytest.mark.skipif(
    sys.platform == "win32", reason="Binder's scripts are bash and run in a Linux image"
)


# --- what the files say -------------------------------------------------------------------------


@dataclass(frozen=True)
class Pin:
    """One version in the lock, and the machines that get it."""

    name: str
    version: Version
    marker: Marker | None
    hashes: int


def base() -> dict[str, SpecifierSet]:
    """Return the packages that a plain installation needs, with their ranges."""
    return ranges(PROJECT["project"]["dependencies"])


def extra(name: str, machine: dict[str, str] | None = None) -> dict[str, SpecifierSet]:
    """Return an extra's packages, with those of extras it names; on one machine, or on any."""
    found: dict[str, SpecifierSet] = {}
    own = []
    for text in PROJECT["project"]["optional-dependencies"][name]:
        requirement = Requirement(text)
        if requirement.name == PROJECT["project"]["name"]:
            for other in requirement.extras:
                found |= extra(other, machine)
        elif machine is None or not requirement.marker or requirement.marker.evaluate(machine):
            own.append(text)
    return found | ranges(own)


def build_backend() -> dict[str, SpecifierSet]:
    return ranges(PROJECT["build-system"]["requires"])


def ranges(requirements: list[str]) -> dict[str, SpecifierSet]:
    parsed = [Requirement(text) for text in requirements]
    assert len({r.name for r in parsed}) == len(parsed), f"a package stands twice in {parsed}"
    return {canonicalize_name(r.name): r.specifier for r in parsed}


def conda_lines() -> list[str]:
    """Return the raw lines of the list of dependencies in environment.yml."""
    _, _, text = ENVIRONMENT.read_text(encoding="utf-8").partition("\ndependencies:\n")
    return [line for line in text.splitlines() if line.strip().startswith("-")]


def conda() -> dict[str, SpecifierSet]:
    """Return environment.yml's packages with their ranges, in Python's notation."""
    specs = yaml.safe_load(ENVIRONMENT.read_text(encoding="utf-8"))["dependencies"]
    found = {}
    for text in specs:
        # A list of pip packages would be a dict here.
        assert isinstance(text, str), f"{text!r} is not a plain conda package"
        name, allowed = conda_spec(text)
        found[name] = allowed
    assert len(found) == len(specs), "a package stands twice in environment.yml"
    return found


def conda_spec(text: str) -> tuple[str, SpecifierSet]:
    """Read the few forms of conda's grammar that mean the same in every version of conda.

    conda would read more: spaces, build strings, channels, ``~=``, alternatives. None is needed
    here, and each is read by one tool and not by another.
    """
    name, versions = re.fullmatch(r"([a-z0-9_]+(?:[-.][a-z0-9_]+)*)(.*)", text).groups()
    number = r"\d+(?:\.\d+)*"
    if re.fullmatch(f"={number}", versions):  # conda's "=3.11" is Python's "==3.11.*"
        return name, SpecifierSet(f"={versions}.*")
    parts = versions.split(",") if versions else []
    assert all(re.fullmatch(f"(?:[<>=!]=|[<>]){number}", part) for part in parts), text
    return name, SpecifierSet(versions)


def pins(lock: Path) -> list[Pin]:
    """Return a lock's pins: ``name==version ; marker`` lines, each followed by its hashes."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        requirement, *hashes = re.split(r"\s+--hash=", line)
        parsed = Requirement(requirement.strip())
        (specifier,) = parsed.specifier
        assert specifier.operator == "==", f"{requirement!r} is not pinned"
        wellformed = [h for h in hashes if re.fullmatch(r"sha256:[0-9a-f]{64}", h.strip())]
        assert len(wellformed) == len(hashes), f"{parsed.name}: not a SHA-256 among its hashes"
        name = canonicalize_name(parsed.name)
        found.append(Pin(name, Version(specifier.version), parsed.marker, len(hashes)))
    return found


def machines() -> Iterator[dict[str, str]]:
    """Yield every supported Python on each of the three systems, as pip's markers see them."""
    systems = {
        "linux": ("Linux", "posix", "x86_64"),
        "darwin": ("Darwin", "posix", "arm64"),
        "win32": ("Windows", "nt", "AMD64"),
    }
    for python in supported_pythons():
        for sys_platform, (system, os_name, machine) in systems.items():
            yield {
                "python_version": python,
                "python_full_version": f"{python}.9",
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
                "sys_platform": sys_platform,
                "platform_system": system,
                "os_name": os_name,
                "platform_machine": machine,
            }


def supported_pythons() -> list[str]:
    allowed = SpecifierSet(PROJECT["project"]["requires-python"])
    return [f"3.{minor}" for minor in range(30) if f"3.{minor}.9" in allowed]


# --- environment.yml and pyproject.toml ---------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["numpy >=2.3", "numpy~=2.3", "numpy=>2.3", "numpy>=2.3,", "numpy=2.3=py311_0", "NumPy>=2.3"],
)
def test_a_conda_spec_that_not_every_conda_reads_alike_is_refused(text: str) -> None:
    with pytest.raises((AssertionError, AttributeError)):
        conda_spec(text)


def test_a_conda_spec_means_to_python_what_it_means_to_conda() -> None:
    assert conda_spec("python=3.11") == ("python", SpecifierSet("==3.11.*"))
    assert conda_spec("jupyter_client>=8,<9") == ("jupyter_client", SpecifierSet(">=8,<9"))
    assert conda_spec("pip") == ("pip", SpecifierSet())


def test_environment_yml_has_the_packages_of_pyproject_and_no_others() -> None:
    wanted = {CONDA_NAME.get(name, name) for name in base()}
    assert set(conda()) == wanted | CONDA_ONLY


def test_environment_yml_has_the_ranges_of_pyproject() -> None:
    found = conda()
    for name, wanted in base().items():
        if name not in MAY_BE_NARROWER:
            assert found[CONDA_NAME.get(name, name)] == wanted, name


@pytest.mark.parametrize("name", sorted(MAY_BE_NARROWER))
def test_what_environment_yml_narrows_stays_inside_the_range_of_pyproject(name: str) -> None:
    requires_python = SpecifierSet(PROJECT["project"]["requires-python"])
    wider = {**base(), "python": requires_python}[name]
    narrow = re.fullmatch(r"==(\d+\.\d+)\.\*", str(conda()[name]))
    assert narrow, f"Binder needs one minor version, written like {name}=1.2"
    # A range without holes holds a whole minor version if it holds both ends.
    assert all(specifier.operator != "!=" for specifier in wider)
    for end in (f"{narrow[1]}.0", f"{narrow[1]}.999999"):
        assert end in wider, f"{name} {end} is outside {wider}"


def test_each_package_in_environment_yml_has_its_reason_beside_it() -> None:
    specs = yaml.safe_load(ENVIRONMENT.read_text(encoding="utf-8"))["dependencies"]
    lines = conda_lines()
    assert len(lines) == len(specs)
    for line in lines:
        _, _, reason = line.partition("#")
        assert len(reason.split()) >= 4, f"no reason: {line.strip()}"


def test_the_extras_of_pyproject_are_the_documented_ones() -> None:
    assert set(PROJECT["project"]["optional-dependencies"]) == DOCUMENTED_EXTRAS


def test_every_dependency_has_a_lower_bound() -> None:
    extras = [extra(name) for name in DOCUMENTED_EXTRAS]
    for packages in (base(), build_backend(), *extras):
        for name, allowed in packages.items():
            bounds = [s for s in allowed if s.operator in (">=", "==")]
            assert bounds, f"{name} has no lower bound: find it with `make lowest`"


@pytest.mark.parametrize(
    "command", [[], ["run"], ["fetch"], ["verify"], ["doctor"], ["start"], ["lab"]]
)
def test_the_installed_typer_can_print_the_help_of_each_command(command: list[str]) -> None:
    # typer 0.15 passes through installation, and then meets a click that it does not know.
    assert Version("0.15.0") not in base()["typer"]
    assert Version(version("typer")) in base()["typer"]
    done = subprocess.run(
        [sys.executable, "-m", "mnist_course_tools", *command, "--help"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def imported(source: str) -> set[str]:
    """Return the modules, by their first name, that a piece of code imports from elsewhere."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module)
    return {name.partition(".")[0] for name in found} - sys.stdlib_module_names - {*PACKAGES}


def declared(allowed: dict[str, SpecifierSet], modules: set[str]) -> set[str]:
    """Return those of the modules that no allowed package brings."""
    return {
        module
        for module in modules - IMPORTED_IF_THERE
        if not {canonicalize_name(name) for name in owners().get(module, [])} & set(allowed)
    }


owners = functools.cache(packages_distributions)  # reads the files of every package once


@pytest.mark.parametrize("package", PACKAGES)
def test_what_the_code_imports_is_declared(package: str) -> None:
    allowed = base()
    for name in DOCUMENTED_EXTRAS - {"dev"}:
        allowed |= extra(name)
    # Only who changes the pad takes its photograph for the README, in a browser.
    photograph = ROOT / "mnist_course_tools" / "site" / "pictures.py"
    assert declared(allowed | extra("dev"), imported(photograph.read_text("utf-8"))) == set()
    for path in sorted({*(ROOT / package).rglob("*.py")} - {photograph}):
        missing = declared(allowed, imported(path.read_text(encoding="utf-8")))
        assert not missing, f"{path.relative_to(ROOT)} imports {missing}: not in pyproject.toml"


def test_what_the_notebooks_import_is_among_the_base_packages() -> None:
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            if cell["cell_type"] == "code":
                missing = declared(base(), imported("".join(cell["source"])))
                assert not missing, f"{path.name} imports {missing}: not in pyproject.toml"


# --- the locks ----------------------------------------------------------------------------------


def test_the_locks_pin_all_of_pyproject_within_its_ranges() -> None:
    needed = {LOCK: base() | build_backend(), DEV_LOCK: base() | extra("dev") | build_backend()}
    for lock, wanted in needed.items():
        pinned = pins(lock)
        for name, allowed in wanted.items():
            versions = [pin.version for pin in pinned if pin.name == name]
            assert versions, f"{name} is not in {lock.name}: run make lock"
            outside = [str(v) for v in versions if v not in allowed]
            assert not outside, f"{name} {outside} is outside {allowed}: run make lock"


def test_the_two_locks_hold_the_same_versions() -> None:
    # A package may be wanted in more places by developers: the marker is wider there.

    def held(lock: Path) -> set[tuple[str, Version, int]]:
        return {(pin.name, pin.version, pin.hashes) for pin in pins(lock)}

    assert held(LOCK) - held(DEV_LOCK) == set(), "run make lock"


def test_what_only_developers_need_is_not_in_the_lock_of_the_course() -> None:
    only_theirs = set(extra("dev")) - set(base()) - set(build_backend()) - {"editables"}
    assert not only_theirs & {pin.name for pin in pins(LOCK)}


def test_the_lock_and_environment_yml_agree() -> None:
    pypi_name = {conda_name: name for name, conda_name in CONDA_NAME.items()}
    pinned = pins(LOCK)
    for name, allowed in conda().items():
        if name not in CONDA_ONLY:
            versions = [p.version for p in pinned if p.name == pypi_name.get(name, name)]
            assert versions and all(v in allowed for v in versions), f"{name} {versions}"


@each_lock
def test_a_lock_gives_every_machine_one_version_of_each_package(lock: Path) -> None:
    pinned = pins(lock)
    for machine in machines():
        needed = {*base(), *build_backend()}
        if lock == DEV_LOCK:
            needed |= set(extra("dev", machine))
        chosen = [p.name for p in pinned if p.marker is None or p.marker.evaluate(machine)]
        assert len(chosen) == len(set(chosen)), f"two versions of a package on {machine}"
        assert needed <= set(chosen), f"{needed - set(chosen)} missing on {machine}"


@each_lock
def test_a_lock_has_hashes_for_each_pin_and_no_address(lock: Path) -> None:
    without = [pin.name for pin in pins(lock) if not pin.hashes]
    assert not without
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert "index-url" not in text


@each_lock
def test_a_lock_holds_what_an_editable_installation_builds_with(lock: Path) -> None:
    # `pip install --no-build-isolation -e .` fetches nothing: the backend must be there, and
    # hatchling asks for editables when it builds an editable wheel.
    names = {pin.name for pin in pins(lock)}
    assert {*build_backend(), "editables"} <= names


# --- the wheel (test_wheel.py runs chapters from it) --------------------------------------------


def build(kind: str, folder: Path) -> Path:
    """Build a wheel of this checkout as pip would, without a network; kind is a hook's name."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from hatchling.build import {kind}; print({kind}({str(folder)!r}))",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-1]


def test_the_wheel_holds_every_file_of_both_packages(tmp_path: Path) -> None:
    with zipfile.ZipFile(build("build_wheel", tmp_path)) as wheel:
        inside = set(wheel.namelist())
    wanted = set(filter(None, git("ls-files", "-z", "--", *PACKAGES).split("\0")))
    assert {path for path in wanted if (ROOT / path).exists()} <= inside
    # What a list of files alone would not miss: editors look for the first, a run for the others.
    assert {
        "mnist_course/py.typed",
        "mnist_course/published.csv",
        "mnist_course/results/ledger.csv",
        "mnist_course_tools/run/templates/mnist-course/conf.json",
    } <= inside


@pytest.mark.parametrize("kind", ["build_wheel", "build_editable"])
def test_each_kind_of_installation_gives_jupyterlab_the_course_s_settings(
    tmp_path: Path, kind: str
) -> None:
    with zipfile.ZipFile(build(kind, tmp_path)) as wheel:
        (name,) = [n for n in wheel.namelist() if "/data/share/jupyter/" in n]
        assert name.endswith("/share/jupyter/lab/settings/overrides.d/mnist-course.json")
        assert json.loads(wheel.read(name)) == json.loads(OVERRIDES.read_text(encoding="utf-8"))


# --- what the package says about itself ---------------------------------------------------------


def test_the_classifiers_name_the_supported_pythons() -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    assert named == supported_pythons()


def test_the_citation_has_the_version_and_the_licence_of_the_package() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = PROJECT["project"]
    assert mnist_course.__version__ == project["version"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert [author["name"] for author in citation["authors"]] == [
        author["name"] for author in project["authors"]
    ]
    for name in project["license-files"]:
        assert (ROOT / name).is_file(), name


# --- Binder -------------------------------------------------------------------------------------


def git(*arguments: str) -> str:
    """Return what git prints, or skip the test where this is no git checkout."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout (a downloaded archive?): git's index cannot be asked")
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, check=True)
    return done.stdout.decode("utf-8")


def mode_in_index(path: Path) -> str | None:
    """Return the mode that a clone of the repository will see, None if not tracked."""
    entry = git("ls-files", "--stage", "--", path.relative_to(ROOT).as_posix())
    return entry.split()[0] if entry else None


def test_binder_builds_from_the_environment_file_of_the_root() -> None:
    if BINDER_ENVIRONMENT.is_symlink():
        assert BINDER_ENVIRONMENT.resolve() == ENVIRONMENT
        # Relative: an absolute target would lead nowhere on any other machine.
        assert BINDER_ENVIRONMENT.readlink() == Path("../environment.yml")
        return
    # On Windows git may write a link as a small file that holds the target's path. Binder clones
    # on Linux and gets the link; so there, and only there, that file is as good.
    assert sys.platform == "win32", "binder/environment.yml is a copy, which will grow stale"
    assert BINDER_ENVIRONMENT.read_text(encoding="utf-8") == "../environment.yml"
    assert mode_in_index(BINDER_ENVIRONMENT) == "120000"


@pytest.mark.parametrize("script", [POST_BUILD, START], ids=lambda path: path.name)
def test_binder_scripts_are_executable_in_a_clone(script: Path) -> None:
    mode = mode_in_index(script)
    if mode is None:  # new and not yet added: git will take the bit of the file
        assert os.access(script, os.X_OK)
    else:
        assert mode == "100755", f"git update-index --chmod=+x binder/{script.name}"


@pytest.mark.parametrize("script", [POST_BUILD, START], ids=lambda path: path.name)
def test_binder_scripts_are_bash_with_unix_line_ends(script: Path) -> None:
    text = script.read_bytes()
    assert text.startswith(b"#!/usr/bin/env bash\n")
    assert b"\r" not in text


@needs_bash
def test_a_failing_step_stops_the_build_of_the_binder_image(tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    for name, status in (("python", 0), ("mnist-course", 1)):
        fake_command(tmp_path, name, f'echo "{name} $*" >> "{calls}"; exit {status}')
    done = subprocess.run(["bash", POST_BUILD], env=search_first(tmp_path), timeout=60)
    assert done.returncode == 1
    # Nothing ran after the download failed.
    assert calls.read_text(encoding="utf-8").splitlines() == [
        "python -m pip install --no-deps -e .",
        "mnist-course fetch",
    ]


SHOW = (
    "import os; print(*(os.environ.get(name) for name in ('MNIST_COURSE_PROFILE',"
    " 'OMP_NUM_THREADS', 'OPENBLAS_THREAD_TIMEOUT'))); raise SystemExit(7)"
)


@needs_bash
def test_binder_start_chooses_the_quick_profile_and_limits_the_threads() -> None:
    done = start([sys.executable, "-c", SHOW], MNIST_COURSE_CORES="1")
    # A machine that has one core shows no more than is owned: nothing is to be limited.
    assert done.stdout.split() == ["quick", "1" if (os.cpu_count() or 1) > 1 else "None", "16"]
    assert done.returncode == 7, "the exit status must be that of the program"


@needs_bash
def test_binder_start_leaves_alone_what_the_environment_sets_already() -> None:
    wish = {
        "MNIST_COURSE_PROFILE": "full",
        "OMP_NUM_THREADS": "3",
        "OPENBLAS_THREAD_TIMEOUT": "20",
        "MNIST_COURSE_CORES": "1",
    }
    done = start([sys.executable, "-c", SHOW], **wish)
    assert done.stdout.split() == ["full", "3", "20"]


@needs_bash
@pytest.mark.parametrize(
    "broken", ["exit 1", "echo 'Traceback: not a variable'; exit 1", "echo '1BAD=x; rm -rf y'"]
)
def test_binder_start_opens_the_session_even_if_the_limits_cannot_be_read(
    tmp_path: Path, broken: str
) -> None:
    fake_command(tmp_path, "python", broken)
    done = start([sys.executable, "-c", SHOW], path_first=tmp_path)
    assert done.stdout.split() == ["quick", "None", "None"]
    assert done.returncode == 7


@needs_bash
def test_binder_start_passes_arguments_on_as_they_are() -> None:
    odd = ["two words", "*", "$HOME", ""]
    show = "import sys; print(sys.argv[1:])"
    done = start([sys.executable, "-c", show, *odd])
    assert done.stdout.strip() == str(odd)


@needs_bash
def test_repo2docker_can_write_the_dockerfile(tmp_path: Path) -> None:
    # What a clone would hold: all that git tracks or would track. Not .venv, which is large.
    for name in filter(
        None, git("ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    ):
        if os.path.lexists(ROOT / name):  # deleted but not yet committed
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name, follow_symlinks=False)
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed
    python = str(conda()["python"]).removeprefix("==").removesuffix(".*")
    assert f"Building conda environment for python={python}" in printed
    assert '--file "binder/environment.yml"' in printed
    assert "RUN ./binder/postBuild" in printed
    assert 'R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in printed


def start(
    command: list[str], *, path_first: Path = Path(sys.executable).parent, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run binder/start in an environment with nothing but PATH, where `python` is this one."""
    return subprocess.run(
        ["bash", START, *command],
        cwd=ROOT,
        env={**search_first(path_first), **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )


def search_first(folder: Path) -> dict[str, str]:
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def fake_command(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
