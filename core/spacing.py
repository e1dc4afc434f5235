"""Texts of others before they are read: no run of blanks or blank lines so long that a pattern loses itself in it."""

import re

MOST_BLANKS = 20
MOST_BLANK_LINES = 3
LINE_ENDS = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
BLANKS = re.compile(rf"[^\S\n]{{{MOST_BLANKS},}}")
BLANK_LINES = re.compile(rf"\n(?:[^\S\n]*\n){{{MOST_BLANK_LINES},}}")


def squeezed(text: str) -> str:
    """The text with \\n for every line end, at most 20 blanks in a row and at most three blank lines: what it says stays."""
    text = LINE_ENDS.sub("\n", text)
    return BLANK_LINES.sub("\n" * (MOST_BLANK_LINES + 1), BLANKS.sub(" " * MOST_BLANKS, text))
