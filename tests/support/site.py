"""The site, built once for all workers, and what its HTML says about itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page as Window

# What the whole site has and `--no-lite` leaves out.
ELSEWHERE = ("run/",)


class Page(HTMLParser):
    """A page's links, anchors, pictures, and what it loads by itself."""

    _LOADS = {"script": "src", "img": "src", "source": "src", "iframe": "src"}  # noqa: RUF012

    def __init__(self, path: Path, folder: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.name = path.relative_to(folder).as_posix()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.pictures: list[tuple[str, str]] = []  # source and words
        self.loads: list[str] = []
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and "href" in found:
            self.loads.append(found["href"])
        if tag in self._LOADS and self._LOADS[tag] in found:
            self.loads.append(found[self._LOADS[tag]])
        if tag == "img":
            self.pictures.append((found.get("src", ""), found.get("alt", "")))


def pages(folder: Path) -> list[Page]:
    """Return all pages of a site; in ``_static`` the theme keeps templates."""
    found = (path.relative_to(folder) for path in folder.rglob("*.html"))
    return [Page(folder / name, folder) for name in sorted(found) if name.parts[0] != "_static"]


def dead_links(folder: Path) -> Iterator[str]:
    """Yield each link to a file or an anchor of the site that is not there."""
    by_name = {page.name: page for page in pages(folder)}
    for page in by_name.values():
        for link in [*page.links, *page.loads]:
            parts = urlsplit(urljoin(f"http://site/{page.name}", link))
            if urlsplit(link).scheme:
                continue
            target = unquote(parts.path.lstrip("/"))
            if target.startswith(ELSEWHERE):
                continue
            if not (folder / target).is_file():
                yield f"{page.name}: {link}"
            elif parts.fragment and unquote(parts.fragment) not in by_name[target].anchors:
                yield f"{page.name}: {link} (no such anchor)"


def other_hosts(folder: Path) -> Iterator[str]:
    """Yield whatever a page, a style sheet or a script would load from another host."""
    for page in pages(folder):
        for address in page.loads:
            if urlsplit(address).netloc:
                yield f"{page.name}: {address}"
    loading = re.compile(
        r"""(?:url\(|@import|\bimport\(?|\bfrom|fetch\(|src\s*=)\s*["'`]?((?:https?:)?//[^"'`)\s]+)"""
    )
    for path in sorted([*folder.rglob("*.css"), *folder.rglob("*.js")]):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for match in loading.finditer(text):
            yield f"{path.relative_to(folder)}: {match[1]}"


def barriers(window: Window, *, code: bool, colours_only: bool) -> list[str]:
    """Return what axe finds serious or critical on a page of the site, a line for each.

    Parameters
    ----------
    window : playwright's Page
    code : bool
        Whether each word of code is looked at as well. There are thousands, in few colours.
    colours_only : bool
        Whether the page was looked at before, in other colours.
    """
    from axe_playwright_python.sync_playwright import Axe

    # What axe would load beforehand it asks for at wrong addresses: 404 in the console.
    options = {"preload": False, "resultTypes": ["violations"]}
    options |= {"runOnly": ["color-contrast"]} if colours_only else {}
    within = None if code else {"exclude": [[".highlight pre"]]}
    found = Axe().run(window, context=within, options=options).response["violations"]
    return [
        f"{one['id']}: {[node['html'] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
