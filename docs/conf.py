"""How Sphinx builds the site. It reads the copy that mnist_course_tools/site/ makes of docs/."""

import re
from pathlib import Path

from mnist_course import __version__
from mnist_course_tools.site.glossary import read_terms
from mnist_course_tools.site.tables import facts

HERE = Path(__file__).parent

project = "Classical machine learning on MNIST"
author = "The mnist-course authors"
copyright = f"{author}. Code: BSD 3-Clause. Text: CC BY 4.0"
release = __version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx_design",
    "sphinx.ext.autodoc",
    "numpydoc",
    "mnist_course_tools.site.maths",
    "mnist_course_tools.site.glossary",
]
exclude_patterns = ["parts", "extra"]
html_extra_path = ["extra"]
html_static_path = ["_static"]

# The committed outputs are the pages: nothing is run.
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "colon_fence", "substitution", "deflist"]
myst_heading_anchors = 3
myst_substitutions = facts()
glossary_terms = read_terms(HERE / "glossary.toml")

# Formulas are written as MathML, so no page asks for MathJax.
html_math_renderer = "mathml"
myst_update_mathjax = False

autodoc_typehints = "none"  # numpydoc's sections name the types
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = project
html_favicon = "_static/favicon.svg"
html_css_files = ["course.css"]
html_js_files = [("stepper.js", {"defer": "defer"})]
html_copy_source = False
html_show_sphinx = False
html_context = {
    "default_mode": "auto",  # as the reader's system; the theme complains if it is not told
    "repository": "",  # its address, if the build is told
}
html_theme_options = {
    "logo": {"text": "MNIST, classically"},
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_depth": 1,  # the theme's buttons that unfold more have no name
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {
    **{page: [] for page in ("index", "start", "glossary", "teaching")},
    "**": ["sidebar-nav-bs"],
}


def add_repository(app, config):
    """Lead to the repository, if its address is known."""
    if config.html_context["repository"]:
        config.html_theme_options["icon_links"] = [
            {
                "name": "Repository",
                "url": config.html_context["repository"],
                "icon": "fa-brands fa-git-alt",
            }
        ]


def add_pad(app, page, template, context, doctree):
    """Load the drawing pad on the pages that have it."""
    if "data-digit-pad" in context.get("body", ""):
        app.add_css_file("digit/digit.css")
        app.add_js_file("digit/digit.js", type="module")


def list_references(app, what, name, obj, options, lines):
    """Make a docstring's references a list: as citations, screen readers would not find them."""
    text = "\n".join(lines)
    text = re.sub(r"^\.\. \[(\d+)\] ", r"\1. ", text, flags=re.MULTILINE)
    lines[:] = re.sub(r"\[(\d+)\]_", r"[\1]", text).split("\n")


def setup(app):
    """Connect what this site adds."""
    app.connect("autodoc-process-docstring", list_references, priority=400)  # before numpydoc
    app.connect("config-inited", add_repository)
    app.connect("html-page-context", add_pad)
