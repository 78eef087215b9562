"""Checks for committed notebooks: house rules, and a comparison with a fresh run.

``house`` reads a notebook and names what breaks the house rules; ``compare`` says how two
lists of outputs differ; ``nbval_plugin`` teaches nbval that comparison; ``verify`` runs both.
Nothing is imported here, so that ``import mnist_course`` stays fast.
"""
