"""What the command line writes: people get calm text, programs get JSON, and neither ever gets a traceback.

Text from mail and models goes through `plain` first: an escape sequence in a subject line must not steer a
terminal, and a change of writing direction must not make one address look like another.
"""

import os
import sys
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.errors import Invalid, StewardError

WIDE = 2000  # columns of a pipe: nothing is cut off where nobody looks at a screen
DIRECTION_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class WrongUse(Invalid):
    """The command line itself is wrong: the exit code is 2, as for an unknown option."""

    type = "wrong-use"
    title = "This is not how the command is used"


def plain(text: str) -> str:
    """The text without what could steer a terminal: control characters become U+FFFD, direction marks go."""
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    for character in text.replace("\r\n", "\n").expandtabs(4):
        if character == "\n":
            kept.append(character)
        elif character in DIRECTION_CONTROLS:
            continue
        elif unicodedata.category(character) in {"Cc", "Cs"}:
            kept.append("\N{REPLACEMENT CHARACTER}")
        else:
            kept.append(character)
    return "".join(kept)


def one_line(text: str) -> str:
    """The text on one line, fit for a table."""
    return " ".join(plain(text).split())


def new_console(*, stderr: bool = False) -> Console:
    """A console on the present stdout or stderr; colours only for a terminal, and never with NO_COLOR."""
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDE
    return console


@dataclass
class Output:
    """Where a command writes. With `as_json` only `data` reaches stdout."""

    as_json: bool = False
    console: Console = field(default_factory=new_console)
    errors: Console = field(default_factory=lambda: new_console(stderr=True))

    @property
    def is_interactive(self) -> bool:
        """Is a person at both ends?"""
        return not self.as_json and sys.stdin.isatty() and sys.stdout.isatty()

    def say(self, *parts: str | Text | Table, style: str | None = None) -> None:
        """One line (or table) for people; silent with --json. Strings are cleaned."""
        if self.as_json:
            return
        for part in parts or ("",):
            if isinstance(part, Table):
                self.table(part)
                continue
            self.console.print(plain(part) if isinstance(part, str) else part, style=style, soft_wrap=True)

    def table(self, table: Table) -> None:
        """A table, as wide as the screen at most."""
        if self.as_json:
            return
        if self.console.is_terminal:
            self.console.print(table)
            return
        with self.console.capture() as capture:
            self.console.print(table)
        for line in capture.get().splitlines():
            self.console.print(line.rstrip(), soft_wrap=True)

    def note(self, text: str) -> None:
        """A remark beside the answer, on stderr; silent with --json."""
        if not self.as_json:
            self.errors.print(plain(text), style="dim", soft_wrap=True)

    def data(self, value: object) -> None:
        """The answer for programs; silent without --json."""
        if self.as_json:
            sys.stdout.write(to_json(value) + "\n")
            sys.stdout.flush()


def to_json(value: object) -> str:
    """Indented JSON, keys as they are; times ISO 8601 with offset, ids as text."""
    return orjson.dumps(value, default=_model_json, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()


def _model_json(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def report_error(error: StewardError, *, as_json: bool = False) -> int:
    """Tell of an error in a line or two (stderr), or as a problem object (stdout); the exit code for it."""
    if as_json:
        sys.stdout.write(to_json(error.problem()) + "\n")
        sys.stdout.flush()
    else:
        console = new_console(stderr=True)
        what = f"{error.message}: {error.detail}" if error.detail else error.message
        console.print(Text.assemble(("error: ", "bold red"), one_line(what)), soft_wrap=True)
        for wrong in error.errors:
            if not (wrong.get("field") and what.startswith(f"{wrong['field']}: {wrong.get('message')}")):
                console.print(f"  {one_line(' '.join(wrong.values()))}", soft_wrap=True)  # the first is the sentence
        if error.hint:
            console.print(Text.assemble(("hint: ", "bold"), one_line(error.hint)), soft_wrap=True)
    return 2 if isinstance(error, WrongUse) else 1
