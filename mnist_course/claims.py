"""`claim`: a sentence about a result, tested each time the notebook runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from mnist_course.profiles import all_rows, get_profile

# Under this type a notebook's output holds the claim, for machines to collect.
CLAIM_MIME = "application/vnd.mnist-course.claim+json"


@dataclass(frozen=True)
class Claim:
    """A sentence, and whether it held on the rows at hand."""

    sentence: str
    holds: bool
    profile: str
    source: str

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Claim:
        """Make a claim of a mapping; keys of a later version of the course are passed over."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in plain.items() if key in known})

    @property
    def broken(self) -> bool:
        """Whether it does not hold although the rows are those that it is about."""
        return not self.holds and all_rows(self.source, self.profile)


@dataclass(frozen=True)
class Claimer:
    """The notebook's ``claim(sentence, condition)``."""

    source: str
    profile: str

    def __call__(self, sentence: str, condition: Any, **values: Any) -> None:
        """Show a sentence with a mark, and leave it in the output.

        Parameters
        ----------
        sentence : str
            What is to be seen, as a reader would say it, without a full stop. It is about all
            rows of MNIST; where a notebook uses fewer and it does not hold, it says so.
        condition : bool, or array of bool
            Computed from results; of an array, all have to be true.
        **values : number or str
            What stands behind the sentence, shown after it in brackets by name.

        Raises
        ------
        TypeError
            If the condition is no truth value: a number or an empty array proves nothing.
        """
        show_claim(Claim(sentence, _truth(condition), self.profile, self.source), values)


def claimer(source: str, profile: str) -> Claimer:
    """Return the notebook's ``claim``, for rows from this source in this profile.

    Parameters
    ----------
    source : str
        Where the rows come from, as `Dataset` names it: ``mnist.source``.
    profile : str
        Such as ``"quick"``; UsageError if there is none of this name.

    Returns
    -------
    callable
        ``claim(sentence, condition, **values)`` shows the sentence, and whether it holds.
    """
    return Claimer(source, get_profile(profile).name)


def show_claim(claim: Claim, values: Mapping[str, Any]) -> None:
    """Show a claim as a line of text, with the claim itself in the output for machines."""
    from IPython.display import display

    words = ", ".join(f"{name.replace('_', ' ')} {_short(v)}" for name, v in values.items())
    words = f" ({words})" if words else ""
    if claim.holds:
        plain = rich = f"✓ {claim.sentence}{words}."
    elif claim.broken:
        plain = f"✗ {claim.sentence}{words}. This does NOT hold here."
        rich = f"✗ {claim.sentence}{words}. **This does not hold here.**"
    else:
        # In a tab, seconds and memory are others too: the rows need not be the reason.
        in_tab = claim.profile == "browser"
        here = "in this tab" if in_tab else "on these rows"
        after = f"It holds on all rows of MNIST{', outside a browser' if in_tab else ''}."
        plain = f"○ Not so {here}{words}: {claim.sentence}. {after}"
        rich = f"○ **Not so {here}**{words}: *{claim.sentence}.* {after}"
    data = {"text/plain": plain, "text/markdown": rich, CLAIM_MIME: asdict(claim)}
    display(data, raw=True)


def _truth(condition: Any) -> bool:
    import numpy as np

    array = np.asarray(condition)
    if array.dtype != bool or not array.size:
        raise TypeError(
            f"A claim needs True or False, or an array of them, and this is {condition!r}. "
            f"Compare it with something."
        )
    return bool(array.all())


def _short(value: Any) -> str:
    """Write a value for reading: three significant digits, and counts whole."""
    import numpy as np

    if isinstance(value, float | np.floating):
        return f"{value:.3g}" if abs(float(value)) < 999.5 else f"{value:,.0f}"
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
