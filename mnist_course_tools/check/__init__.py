"""Checks for committed notebooks: house rules, and a comparison with a fresh run.

``house`` reads a notebook and names what breaks the house rules, ``claim_rules`` what breaks those
about claims; ``compare`` says how two lists of outputs differ; ``nbval_plugin`` teaches nbval that
comparison; ``verify`` runs it all.
"""
