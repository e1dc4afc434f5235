"""What an outside agent asks, as a person reads it, and its arguments as fields that can be changed.

Everything in it was written by somebody else: it is shown as text, and what cannot be seen is said. A field that nobody
touched keeps its value exactly, whatever a browser makes of it on the way.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from app._view.schema_fields import LONG, LONGEST_LINE, FormField, Kind, read_fields, with_text
from core.hosts import TURNING
from tasks.drafts import Approval
from tasks.interrupts import AnswerType, HumanInterrupt, HumanResponse, interrupt_of
from tasks.models import Task

MOST_FIELDS = 60  # more are one text of JSON
LONGEST_LABEL = 100
TITLE_HOLDS = 150  # characters of an action, whatever its agent is called
SCROLLS_FROM = 900  # characters
CARD_TEXT, CARD_LINES = 5_000, 40  # of one text on a card; the rest stands on the page of the question
CARD_HOLDS = 10_000  # characters of all arguments on a card
WHOLE = "all"
SAID = {
    "accept": "You accepted it as it was",
    "edit": "You accepted it with your changes",
    "response": "You answered in words",
    "ignore": "You ignored it",
}


@dataclass(frozen=True)
class Shown:
    """A line of the arguments. `is_json`: it is more than a text or a number."""

    label: str
    text: str
    is_json: bool

    @property
    def is_long(self) -> bool:
        """Is it so long that it scrolls by itself?"""
        return len(self.text) > SCROLLS_FROM or self.text.count("\n") > 14


@dataclass(frozen=True)
class ShownInterrupt:
    """An interrupt with its approval; `task` where it is known. `typed` is what a person wrote into the fields, by name.

    On a card long texts are cut; `is_whole`: on its own page they are not.
    """

    approval: Approval
    interrupt: HumanInterrupt
    task: Task | None = None
    typed: Mapping[str, str] | None = None
    errors: Mapping[str, str] | None = None
    is_whole: bool = False

    @property
    def who(self) -> str:
        """The agent's name, in one line."""
        asked_by = self.approval.asked_by
        return visible(" ".join(asked_by.name.split()) if asked_by else "")[:LONGEST_LABEL] or "An agent"

    @property
    def action(self) -> str:
        """The action in full, where the title does not hold it."""
        action = self.interrupt.action_request.action
        return visible(action) if len(action) > TITLE_HOLDS or "\n" in action else ""

    @property
    def answers(self) -> list[AnswerType]:
        """What may be answered."""
        return self.interrupt.config.answers

    @property
    def description(self) -> str:
        """What it says of itself, in Markdown."""
        return self._fitting(self.interrupt.description or "", CARD_TEXT)

    @cached_property
    def args(self) -> list[Shown]:
        """The arguments, line by line."""
        return self._fitting_lines(self._all_args)

    @cached_property
    def is_cut(self) -> bool:
        """Is there more of it than is shown here? Then it is read, and answered, on its own page."""
        return self.description != (self.interrupt.description or "") or self.args != self._all_args

    @cached_property
    def _all_args(self) -> list[Shown]:
        given = self.interrupt.action_request.args
        if len(given) > MOST_FIELDS:
            return [Shown("arguments", visible(_json(given)), is_json=True)]
        return [Shown(_label(name), *_shown(value)) for name, value in sorted(given.items(), key=_rank)]

    def _fitting_lines(self, lines: Sequence[Shown]) -> list[Shown]:
        """As much of each as a card holds; none is left out."""
        found: list[Shown] = []
        left = CARD_HOLDS
        for one in lines:
            text = self._fitting(one.text, min(CARD_TEXT, left))
            left = max(0, left - len(text))
            found.append(replace(one, text=text) if text != one.text else one)
        return found

    def _fitting(self, text: str, most: int) -> str:
        if self.is_whole:
            return text
        start = "\n".join(text[:most].split("\n", CARD_LINES)[:CARD_LINES])
        return text if start == text else f"{start}\n\n…" if "\n" in start else f"{start}…"

    @property
    def has_unseen(self) -> bool:
        """Is there something in it that a page does not show: control characters, and signs without a shape?"""
        told = [self.interrupt.action_request.action, self.interrupt.description or ""]
        signs = set[str]().union(*told, *_texts(self.interrupt.action_request.args))
        return any(_is_unseen(sign) for sign in signs)

    @cached_property
    def fields(self) -> list[FormField]:
        """The arguments as fields, with what is wrong beside each."""
        plain = fields_of_args(self.interrupt.action_request.args)
        typed, errors = self.typed or {}, self.errors or {}
        given = list(self.interrupt.action_request.args.items())
        plain.sort(key=lambda one: 0 if one.name == WHOLE else _rank(given[int(one.name)]))
        return [with_text(one, typed.get(f"arg.{one.name}", one.text), errors.get(one.name, "")) for one in plain]

    @property
    def response(self) -> HumanResponse | None:
        """What was answered; None where it waits, or was not."""
        result: Any = self.task.result if self.task is not None and self.task.execution_status == "completed" else None
        output: Any = cast("dict[str, Any]", result).get("output") if isinstance(result, dict) else None
        is_answer = isinstance(output, dict) and "type" in output
        return HumanResponse.model_validate(output) if is_answer else None

    @property
    def said(self) -> str:
        """The answer in words; empty where there is none."""
        return SAID[self.response.type] if self.response else ""

    @property
    def changed(self) -> list[Shown]:
        """Of an edit, the arguments as they are now, where they differ."""
        if self.response is None or self.response.type != "edit" or not isinstance(self.response.args, dict):
            return []
        now: dict[str, Any] = self.response.args.get("args") or {}
        before = self.interrupt.action_request.args
        gone = [Shown(_label(name), "(left out)", is_json=False) for name in before if name not in now]
        differs = [(name, value) for name, value in now.items() if name not in before or before[name] != value]
        return self._fitting_lines([*(Shown(_label(name), *_shown(value)) for name, value in differs), *gone])


def shown_interrupt(asked: Approval, task: Task | None = None) -> ShownInterrupt | None:
    """What an agent asks by this approval; None for every other approval."""
    found = interrupt_of(asked)
    return ShownInterrupt(asked, found, task) if found is not None else None


def is_interrupt(asked: Approval) -> bool:
    """Is this the question of an outside agent?"""
    return asked.asked_by is not None


def fields_of_args(args: Mapping[str, Any]) -> list[FormField]:
    """Each argument as a field by its type; all of them as one where there are none, or very many. Names are positions."""
    if not 0 < len(args) <= MOST_FIELDS:
        return [
            FormField(WHOLE, "Arguments", "json", _json(args), 'An object, like {"name": "value"}.', is_required=True)
        ]
    return [_field(place, name, value) for place, (name, value) in enumerate(args.items())]


def read_args(args: Mapping[str, Any], form: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The arguments as a form has them, and by name of the field what is wrong."""
    plain = fields_of_args(args)
    typed = [with_text(one, form.get(f"arg.{one.name}", one.text)) for one in plain]
    touched = [one for one, before in zip(typed, plain, strict=True) if _sent(one.text) != _sent(before.text)]
    values, errors = read_fields(touched)
    if plain[0].name == WHOLE:
        whole: Any = values.get(WHOLE, dict(args))
        if not isinstance(whole, dict):
            errors[WHOLE] = 'it is an object, like {"name": "value"}'
            whole = {}
        return cast("dict[str, Any]", whole), errors
    return {name: values.get(str(place), value) for place, (name, value) in enumerate(args.items())}, errors


def visible(text: str) -> str:
    """The text with signs in the place of control characters, which a page does not show."""
    unseen = {
        ord(sign): _picture(sign) for sign in set(text) if unicodedata.category(sign) == "Cc" and sign not in "\n\t"
    }
    return text.translate(unseen) if unseen else text


def _picture(sign: str) -> str:
    code = ord(sign)
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def _is_unseen(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Cf", "Co", "Cn"} and sign not in "\n\t\r\u200d"


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for name, inner in cast("dict[str, Any]", value).items():
                yield name
                yield from _texts(inner)
        case list():
            for inner in cast("list[Any]", value):
                yield from _texts(inner)
        case _:
            return


def _sent(text: str) -> str:
    """A field's text as it comes back where nobody touched it: line ends are one, and marks that turn text are gone."""
    return TURNING.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _label(name: str) -> str:
    label = " ".join(visible(name).split())
    return f"{label[:LONGEST_LABEL]}…" if len(label) > LONGEST_LABEL else label or "(no name)"


def _shown(value: Any) -> tuple[str, bool]:
    match value:
        case str():
            return visible(value) or "(empty)", False
        case bool():
            return "yes" if value else "no", False
        case int() | float():
            return str(value), False
        case None:
            return "nothing (null)", False
        case list() if value and all(_is_line(one) for one in cast("list[Any]", value)):
            return visible("\n".join(cast("list[str]", value))), False
        case _:
            return visible(_json(value)), True


def _field(place: int, name: str, value: Any) -> FormField:
    kind: Kind = "json"
    text = _json(value)
    match value:
        case bool():
            kind, text = "flag", "yes" if value else "no"
        case int() | float():
            kind, text = "whole" if isinstance(value, int) else "number", str(value)
        case str():
            is_long = len(value) > LONGEST_LINE or "\n" in value or "\r" in value or name in LONG
            kind, text = "text" if is_long else "line", value
        case list() if value and all(_is_line(one) for one in cast("list[Any]", value)):
            kind, text = "lines", "\n".join(cast("list[str]", value))
        case _:
            pass
    return FormField(str(place), _label(name), kind, text, is_required=True)


def _is_line(value: Any) -> bool:
    """Does it come back as it is from a field with one entry a line?"""
    return isinstance(value, str) and bool(value) and value == value.strip() and not set("\n\r") & set(value)


def _rank(item: tuple[str, Any]) -> int:
    """What is read at a glance comes first: lines, then texts and lists, then what is nested."""
    kind = _field(0, *item).kind
    return 2 if kind == "json" and item[1] is not None else 1 if kind in {"text", "lines"} else 0


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
