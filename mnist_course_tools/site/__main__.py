"""``python -m mnist_course_tools.site``: build the site."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from mnist_course.errors import CourseError
from mnist_course_tools.notebooks import course_folder
from mnist_course_tools.site.sources import write_sources

# GitHub Pages asks for this file, or it would leave out _static. Here it also marks a site.
_MARK = ".nojekyll"


def build(out: Path, *, repository: str = "") -> None:
    """Build the pages, with the drawing pad on the first of them.

    Parameters
    ----------
    out : Path
        Of the site; an older site there is replaced. What Sphinx reads is written beside it.
    repository : str, optional
        Address of the repository, for links to its files.

    Raises
    ------
    CourseError
        If the folder holds something else, or Sphinx warns of anything.
    """
    from sphinx.cmd.build import build_main

    from mnist_course_tools.site import digit_models

    _make_room(out)
    sources = out.with_name(f"{out.name}-sources")
    _say("Pages from the notebooks and from what runs recorded")
    write_sources(course_folder(), sources, repository=repository)
    _say("Sphinx")
    # One process: one that was forked may wait for ever for a thread that it has not got.
    options = ["-b", "html", "-W", "-q", "-d", str(out.with_name(f"{out.name}-doctrees"))]
    options += ["-D", f"html_context.repository={repository}"]
    if build_main([*options, str(sources), str(out)]):
        raise CourseError(
            "The site is not complete: Sphinx warned of what stands above.\n"
            f"The files that it names lie in {sources} and are made from docs/, notebooks/ and "
            "exercises/: mend it there, and build again."
        )
    _say("The models of the drawing pad")
    digit_models.write(out / "_static" / "digit")


def _make_room(out: Path) -> None:
    """Remove an older site, and nothing else."""
    if out.exists() and any(out.iterdir()):
        if not (out / _MARK).is_file():
            raise CourseError(
                f"{out} holds something that is no site, and it would be overwritten.\n"
                "Choose another folder: python -m mnist_course_tools.site --out FOLDER"
            )
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / _MARK).touch()


def _say(words: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {words} …", flush=True)


def main() -> None:
    """Build what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m mnist_course_tools.site", description="Build the site of the course."
    )
    parser.add_argument("--out", type=Path, default=Path("build/site"), metavar="FOLDER")
    parser.add_argument(
        "--no-lite", action="store_true", help="only the pages: no lesson runs in them"
    )
    parser.add_argument(
        "--repository", default="", metavar="ADDRESS", help="to which links to files lead"
    )
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    try:
        build(out, repository=arguments.repository.rstrip("/"))
        if not arguments.no_lite:
            from mnist_course_tools.site import bundle, lite

            _say("JupyterLite, in which the lessons run")
            lite.build(out / "run")
            _say("The bundle for use without a network")
            bundle.write(out, out.parent / bundle.NAME)
    except CourseError as error:
        sys.exit(str(error))
    print(
        f"The site lies in {arguments.out}. Open it: "
        f"python -m mnist_course_tools.site.serve {arguments.out}"
    )


if __name__ == "__main__":
    main()
