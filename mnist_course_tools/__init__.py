"""The workshop: what runs, checks and looks after the course. No notebook imports it."""

import sys

# jsonschema, which nbformat imports, builds a grammar for international web addresses if this
# package is there: 1.7 of the 2.3 seconds that it takes to import papermill, in each process that
# runs a notebook, for a check that no notebook needs. With None it does without.
sys.modules.setdefault("rfc3987_syntax", None)
