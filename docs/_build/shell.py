"""Commands out of a block for a terminal: what each line would run, word by word."""

import re
import shlex
from collections.abc import Iterator

ENDS = ("&&", "||", "|", ";", "\n", "&")
HERE = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
FUNCTION = re.compile(r"^\s*(\w+)\s*\(\)\s*\{", re.MULTILINE)
WORDS_OF_THE_SHELL = {
    "do",
    "done",
    "then",
    "fi",
    "else",
    "esac",
    "{",
    "}",
    "(",
    ")",
    "!",
    "time",
    "while",
    "until",
    "if",
}


class NotShell(ValueError):
    """A line that no shell would take."""


def commands(text: str) -> list[list[str]]:
    """Every simple command of the text, those inside of `$(...)` first. Raises NotShell."""
    return list(_commands(_without_here_documents(text)))


def functions(text: str) -> set[str]:
    """The functions that a block defines for those that come after."""
    return set(FUNCTION.findall(text))


def _without_here_documents(text: str) -> str:
    kept: list[str] = []
    until = ""
    for line in text.splitlines():
        if until:
            until = "" if line.strip() == until else until
            continue
        found = HERE.search(line)
        until = found[2] if found else ""
        kept.append(HERE.sub("", line))
    return "\n".join(kept) + "\n"


def _commands(text: str) -> Iterator[list[str]]:
    for piece in _pieces(text):
        plain = piece
        for inner in _substitutions(piece):
            yield from _commands(f"{inner}\n")
            plain = plain.replace(f"$({inner})", "SUBSTITUTED")
        try:
            words = shlex.split(plain, comments=False)
        except ValueError as error:
            raise NotShell(f"{plain.strip()!r}: {error}") from error
        while words and words[0] in WORDS_OF_THE_SHELL:
            words = words[1:]
        if words:
            yield [word for word in words if word != "}"]


def _pieces(text: str) -> Iterator[str]:
    """The text cut at the ends of commands that stand outside of quotes and of `$(...)`; comments are left out."""
    piece, quote, depth, at = "", "", 0, 0
    while at < len(text):
        sign = text[at]
        if sign == "\\" and quote != "'":
            piece += "" if text[at + 1 : at + 2] == "\n" else text[at : at + 2]
            at += 2
            continue
        if quote:
            quote = "" if sign == quote and not depth else quote
        elif sign in "'\"" and not depth:
            quote = sign
        if text.startswith("$(", at) and quote != "'":
            depth += 1
        elif depth and sign == "(":
            depth += 1 if text[at - 1] != "$" else 0
        elif depth and sign == ")":
            depth -= 1
        if not quote and not depth:
            if sign == "#" and (not piece or piece[-1].isspace()):
                at = text.find("\n", at)
                continue
            end = next((end for end in ENDS if text.startswith(end, at)), None)
            if end == "&" and piece.endswith(">"):
                end = None
            if end:
                yield piece
                piece, at = "", at + len(end)
                continue
        piece += sign
        at += 1
    yield piece


def _substitutions(piece: str) -> Iterator[str]:
    """What stands in each outermost `$(...)`."""
    at = piece.find("$(")
    while at >= 0:
        depth, end = 1, at + 2
        while depth and end < len(piece):
            depth += {"(": 1, ")": -1}.get(piece[end], 0)
            end += 1
        if depth:
            raise NotShell(f"{piece.strip()!r}: $( without its end")
        yield piece[at + 2 : end - 1]
        at = piece.find("$(", end)
