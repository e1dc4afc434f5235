"""Runs of blanks and of blank lines are cut; words stay as they are."""

import pytest

from core.spacing import squeezed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("Hi Robin,\n\n  - one\n\n\n\nDana", "Hi Robin,\n\n  - one\n\n\n\nDana"),
        ("a\r\nb\rc\u2028d\x85e", "a\nb\nc\nd\ne"),
        ("a" + "\n" * 100_000 + "b", "a\n\n\n\nb"),
        ("a" + "\r\n" * 50_000 + "b", "a\n\n\n\nb"),
        ("a" + " \t\n" * 30_000 + "b", "a \t\n\n\n\nb"),
        ("a" + "\u00a0\t " * 30_000 + "b", "a" + " " * 20 + "b"),
        ("a" + " " * 19 + "b", "a" + " " * 19 + "b"),
        ("\u2028" * 100_000, "\n\n\n\n"),
    ],
    ids=["empty", "a mail", "line ends", "newlines", "crlf", "blank lines", "blanks", "few", "separators"],
)
def test_only_long_runs_are_cut(text: str, expected: str) -> None:
    assert squeezed(text) == expected
