"""What changed between two versions of a text, word by word."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal

from markupsafe import Markup

LONGEST = 20_000


def word_diff(before: str, after: str) -> Markup:
    """The new text with <ins> and <del> around what was added and taken away."""
    written = {"": "{}", "ins": "<ins>{}</ins>", "del": "<del>{}</del>"}
    return Markup("").join(Markup(written[tag]).format(text) for tag, text in _pieces(before, after))  # noqa: S704 - fixed words  # nosec B704


def _pieces(before: str, after: str) -> Iterator[tuple[Literal["", "ins", "del"], str]]:
    old, new = (re.findall(r"\s+|[^\s]+", text[:LONGEST]) for text in (before, after))
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield "", "".join(new[c:d])
            continue
        if b > a:
            yield "del", "".join(old[a:b])
        if d > c:
            yield "ins", "".join(new[c:d])
