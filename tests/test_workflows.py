"""The workflows run what is pinned, may do no more than they have to, and call what exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import mnist_course
from mnist_course.profiles import PROFILES
from mnist_course_tools.site import bundle

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RELEASE = ROOT / ".github" / "workflows" / "release.yml"
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*")
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def _read(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _commands(path: Path) -> str:
    """Return all that a workflow's steps run."""
    jobs = _read(path)["jobs"].values()
    return "\n".join(step.get("run", "") for job in jobs for step in job.get("steps", ()))


def _targets() -> set[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    names = dict(re.findall(r"^(\w+) := (\S+)", text, re.MULTILINE))
    targets = set()
    for target in re.findall(r"^([^\s:#=]+)(?: [^:=]*)?:(?!=)", text, re.MULTILINE):
        while "$(" in target:
            target = re.sub(r"\$\((\w+)\)", lambda found: names[found[1]], target)
        targets.add(target)
    return targets


def test_there_are_workflows_for_each_push_each_night_and_each_release():
    assert {"ci", "nightly", "release"} <= {path.stem for path in WORKFLOWS}


@each_workflow
def test_a_workflow_has_jobs_that_end_and_permissions_of_its_own(path):
    workflow = _read(path)
    assert {"name", "permissions", "jobs"} <= workflow.keys()
    assert "write" not in str(workflow["permissions"]), "writing is for single jobs"
    for name, job in workflow["jobs"].items():
        assert "timeout-minutes" in job or "uses" in job, name


@each_workflow
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(path):
    used = re.findall(r"^\s*(?:- )?uses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    loose = [action for action in used if not PINNED.fullmatch(action)]
    assert [action for action in loose if not action.startswith("./.github/workflows/")] == []


def test_an_action_is_pinned_to_one_commit_wherever_it_is_used():
    pins: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for action, pin in re.findall(r"uses: ([^@\s]+)@(.+)", path.read_text(encoding="utf-8")):
            pins.setdefault(action, set()).add(pin)
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


@each_workflow
def test_what_a_workflow_makes_is_a_target_of_the_makefile(path):
    called = set(re.findall(r"^\s*make ([\w./-]+)", _commands(path), re.MULTILINE))
    assert called <= _targets(), f"missing: {sorted(called - _targets())}"


def test_the_form_for_a_number_offers_the_profiles_there_are():
    form = _read(ROOT / ".github" / "ISSUE_TEMPLATE" / "number.yml")
    (profile,) = (part for part in form["body"] if part.get("id") == "profile")
    *offered, _ = profile["attributes"]["options"]
    assert set(offered) == set(PROFILES)


def test_what_is_published_as_the_site_has_passed_ci():
    pages = _read(ROOT / ".github" / "workflows" / "pages.yml")
    # YAML takes the word "on" for true.
    assert pages[True]["workflow_run"]["workflows"] == [_read(WORKFLOWS[0])["name"]]
    assert WORKFLOWS[0].stem == "ci" and "push" not in pages[True]
    assert "conclusion == 'success'" in pages["jobs"]["build"]["if"]


@each_workflow
def test_no_workflow_pastes_what_strangers_write_into_a_command(path):
    assert "${{" not in _commands(path)


@each_workflow
def test_no_job_leaves_its_token_in_the_checkout(path):
    for name, job in _read(path)["jobs"].items():
        for step in job.get("steps", ()):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step.get("with", {}).get("persist-credentials") is False, name


def test_only_the_job_that_publishes_a_release_may_write():
    jobs = _read(RELEASE)["jobs"]
    writing = {name: job["permissions"] for name, job in jobs.items()}
    writing = {name: rights for name, rights in writing.items() if "write" in rights.values()}
    # The index asks for proof of who calls, and for no right in the repository.
    assert writing == {"publish": {"contents": "write"}, "index": {"id-token": "write"}}
    assert jobs["index"]["needs"] == "publish"
    assert set(jobs["publish"]["needs"]) == {"tests", "build"}
    assert not any("checkout" in step.get("uses", "") for step in jobs["publish"]["steps"])


def test_a_release_compares_its_tag_with_lines_that_are_there():
    compared = re.findall(r"grep .*?\"(.+)\" (\S+)$", _commands(RELEASE), re.MULTILINE)
    assert len(compared) == 4
    for pattern, name in compared:
        line = pattern.replace("\\", "").replace("$version", mnist_course.__version__)
        text = (ROOT / name).read_text(encoding="utf-8")
        assert re.search(rf"^{re.escape(line)}", text, re.MULTILINE), f"{name} has no {line!r}"


def test_a_release_holds_what_it_promises():
    commands = _commands(RELEASE)
    for part in (
        "hatchling build --directory dist",
        "-m mnist_course_tools.site",
        f"cp build/{bundle.NAME} dist",
        "requirements.lock requirements-dev.lock environment.yml",
        "pip freeze",
        "SHA256SUMS",
        "gh release create",
    ):
        assert part in commands
    for name in ("requirements.lock", "requirements-dev.lock", "environment.yml"):
        assert (ROOT / name).is_file()


def test_dependabot_looks_after_actions_and_packages():
    updates = _read(ROOT / ".github" / "dependabot.yml")["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"github-actions", "pip"}
