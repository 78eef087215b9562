"""Links between the repository's files, as they have to be on the site."""

from __future__ import annotations

import posixpath
import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from mnist_course_tools.notebooks import EXERCISES, LESSONS, SOLUTIONS, SOURCE
from mnist_course_tools.site.prose import CODE

# Folders of the repository, and where their notebooks are on the site.
_FOLDERS = {
    LESSONS: "lessons",
    EXERCISES: "exercises",
    f"{EXERCISES}/{SOURCE}": "exercises",
    SOLUTIONS: "solutions",
}
_FILES = {
    "README.md": "start.md",
    "CHANGELOG.md": "changelog.md",
    "mnist_course/results/ledger.csv": "ledger.md",
    "mnist_course/published.csv": "ledger.md",
    "mnist_course/results/claims.csv": "claims.md",
}
# What is known of a repository there is enough for Binder to start.
_BINDER, _GITHUB = "https://mybinder.org", "https://github.com/"
# Whichever begins first: a link may hold code, and code what looks like a link.
_LINK_OR_CODE = re.compile(
    rf"(?<!!)\[(?P<words>[^\]]*)\]\((?P<target>[^)\s]+)\)|{CODE}", re.DOTALL | re.M
)


def page_of(path: str) -> str | None:
    """Return the source of the page that shows a file or folder of the repository, or None.

    Parameters
    ----------
    path : str
        From the top of the repository, such as ``notebooks/04_metrics.ipynb``.
    """
    place = PurePosixPath(path)
    if path in _FOLDERS:
        return f"{_FOLDERS[path]}/index.md"
    if place.suffix == ".ipynb" and str(place.parent) in _FOLDERS:
        return f"{_FOLDERS[str(place.parent)]}/{place.name}"
    if place.parts[0] == "docs":
        return str(place.relative_to("docs"))
    return _FILES.get(path)


def rewrite(text: str, *, source: str, page: str, repository: str = "") -> str:
    """Rewrite a file's links to other files of the repository.

    Parameters
    ----------
    text : str
        Markdown.
    source : str
        Where the file lies in the repository: its links start from there.
    page : str
        Where its page lies on the site.
    repository : str, optional
        Address of the repository. Without one, a file that has no page is named and not linked.

    Returns
    -------
    str
    """

    def link(match: re.Match[str]) -> str:
        words, target = match["words"], match["target"]
        if target is None:
            return match[0]
        if target == _BINDER and repository.startswith(_GITHUB):
            return f"[{words}]({_BINDER}/v2/gh/{repository.removeprefix(_GITHUB)}/HEAD)"
        parts = urlsplit(target)
        if parts.scheme or not parts.path:
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), parts.path))
        there = page_of(path)
        if there is not None:
            there = posixpath.relpath(there, posixpath.dirname(page) or ".")
            # A section of the README is told in other words on the site.
            anchor = f"#{parts.fragment}" if parts.fragment and path not in _FILES else ""
            return f"[{words}]({there}{anchor})"
        if repository:
            return f"[{words}]({repository}/blob/main/{path})"
        return f"`{path}`" if words.strip("`") == path else f"{words} (`{path}`)"

    return _LINK_OR_CODE.sub(link, text)
