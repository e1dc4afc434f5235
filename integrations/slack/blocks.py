"""Messages, modals and the Home tab as Slack's blocks.

What others wrote stands in `plain_text` alone, in which nothing is markup; our own words are `mrkdwn` with everything
else escaped. A card has its Approve button only where all of what it stands for is shown.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.slack.text import escape

Block = dict[str, Any]
LONGEST_SECTION = 2900  # Slack takes 3000 characters in a section
LONGEST_SHOWN = 11_600  # of a text in one message; more is for the review page
LONGEST_INPUT = 3000
LONGEST_FACT = 1900
MOST_FACTS = 20
MOST_BLOCKS = 95  # of 100 in a view
APPROVE, EDIT, REJECT, OPEN = "steward_approve", "steward_edit", "steward_reject", "steward_open"
EDITED, REJECTED = "steward_edited", "steward_rejected"
USEFUL, USELESS, MUTE = "steward_useful", "steward_useless", "steward_mute"
MAKE_TASK = "steward_make_task"


@dataclass(frozen=True)
class Card:
    """Something that waits for a person's yes, or what became of it.

    `value` goes with its buttons (ids and the digest of what is shown). `facts` are (name, text); `decided` replaces
    the buttons by a sentence. `can_approve` and `can_reject`: whether each may be said at all. `link` opens it on the review page. `covers_all`: False where more belongs to it than
    the card says.
    """

    heading: str
    value: Mapping[str, str]
    facts: Sequence[tuple[str, str]] = ()
    text: str = ""
    why: str = ""
    link: str = ""
    approve_label: str = "Approve"
    can_approve: bool = True
    can_edit: bool = False
    can_reject: bool = True
    reject_label: str = "Reject"
    decided: str = ""
    covers_all: bool = True
    hints: Sequence[str] = field(default_factory=tuple[str, ...])

    @property
    def is_whole(self) -> bool:
        """Is everything that the yes would be for shown?"""
        fits = len(self.text) <= LONGEST_SHOWN and len(self.facts) <= MOST_FACTS
        return self.covers_all and fits and all(len(text) <= LONGEST_FACT for _, text in self.facts)

    @property
    def fallback(self) -> str:
        """One line for notifications."""
        return escape(f"{self.heading}: {self.decided}" if self.decided else self.heading)[:300]


def card_blocks(card: Card) -> list[Block]:
    """The card as blocks: what it is, its facts, its text, then buttons or what was decided."""
    blocks: list[Block] = [_section(f"*{escape(card.heading[:250])}*")]
    for name, text in card.facts[:MOST_FACTS]:
        shown = text if len(text) <= LONGEST_FACT else f"{text[:LONGEST_FACT]}…"
        blocks.append({"type": "section", "text": _plain(f"{name}: {shown}")})
    shown = card.text if len(card.text) <= LONGEST_SHOWN else f"{card.text[:LONGEST_SECTION]}…"
    blocks += [{"type": "section", "text": _plain(piece)} for piece in _pieces(shown)]
    notes = [card.why, *card.hints]
    if not card.is_whole and not card.decided:
        notes.append("This is more than a message shows: read all of it on the review page, and decide there.")
    blocks += [_context(escape(note[:LONGEST_SECTION])) for note in notes if note]
    if card.decided:
        return [*blocks, _context(escape(card.decided))]
    return [*blocks, {"type": "actions", "elements": _buttons(card)}]


def _buttons(card: Card) -> list[Block]:
    value = json.dumps(dict(card.value), separators=(",", ":"))
    buttons: list[Block] = []
    if card.is_whole:
        if card.can_approve:
            buttons.append(_button(APPROVE, card.approve_label, value) | {"style": "primary"})
        if card.can_edit and len(card.text) <= LONGEST_INPUT:
            buttons.append(_button(EDIT, "Edit", value))
    if card.can_reject:
        buttons.append(_button(REJECT, card.reject_label, value) | {"style": "danger"})
    if card.link:
        buttons.append(_button(OPEN, "Open", "open") | {"url": card.link})
    return buttons


@dataclass(frozen=True)
class BroughtUp:
    """Something that was noticed: its title and why, both of which may hold others' words; `ended` replaces the buttons."""

    nudge_id: str
    title: str
    why: str
    link: str
    can_mute: bool = True
    ended: str = ""


def brought_up_blocks(shown: BroughtUp) -> list[Block]:
    """What was noticed as blocks: title and reason, then its buttons or what became of it."""
    blocks: list[Block] = [
        {"type": "section", "text": _plain(shown.title[:LONGEST_SECTION])},
        {"type": "section", "text": _plain(shown.why[:LONGEST_SECTION])},
    ]
    if shown.ended:
        return [*blocks, _context(escape(shown.ended))]
    value = json.dumps({"nudge": shown.nudge_id}, separators=(",", ":"))
    buttons = [_button(USEFUL, "Useful", value), _button(USELESS, "Not useful", value)]
    if shown.can_mute:
        buttons.append(_button(MUTE, "Mute this kind", value))
    if shown.link:
        buttons.insert(0, _button(OPEN, "Open", "open") | {"url": shown.link})
    return [*blocks, {"type": "actions", "elements": buttons}]


def edit_modal(value: Mapping[str, str], fields: Sequence[tuple[str, str, str, bool]]) -> Block:
    """A form to edit a draft; `fields` are (name, label, text, has many lines)."""
    inputs = [
        _input(name, label, text, is_long=is_long, is_optional=name != "body") for name, label, text, is_long in fields
    ]
    return _modal(EDITED, "Edit the draft", "Save", value, inputs)


def reject_modal(value: Mapping[str, str], *, can_revise: bool) -> Block:
    """A form to say no, and what should change."""
    label = "What should change? (empty: drop it)" if can_revise else "Why not? (optional)"
    return _modal(REJECTED, "Reject", "Reject", value, [_input("feedback", label, "", is_long=True, is_optional=True)])


def answer_modal(value: Mapping[str, str], answers: Sequence[str]) -> Block:
    """A form for what an agent asks: words are the answer (response), none ignores it, where each is among `answers`."""
    if "response" not in answers:
        return _modal(
            REJECTED, "Ignore the question", "Ignore", value, [_context("The agent hears that you ignored it.")]
        )
    can_ignore = "ignore" in answers
    label = "Your answer (empty: ignore it)" if can_ignore else "Your answer"
    return _modal(
        REJECTED,
        "Answer the agent",
        "Answer",
        value,
        [_input("feedback", label, "", is_long=True, is_optional=can_ignore)],
    )


@dataclass(frozen=True)
class HomeTask:
    """A task on the Home tab."""

    title: str
    state: str
    link: str
    due: datetime | None = None


def home_view(waiting: Sequence[tuple[str, str]], tasks: Sequence[HomeTask], done: int, link: str) -> Block:
    """The Home tab: what waits for review (heading, link), today's tasks, and what is done."""
    blocks: list[Block] = [{"type": "header", "text": _plain("Waiting for your review")}]
    blocks += [_section(f"• {_linked(heading, address)}") for heading, address in waiting[:20]]
    if not waiting:
        blocks.append(_context("Nothing waits for you."))
    blocks += [{"type": "divider"}, {"type": "header", "text": _plain("Today")}]
    for task in tasks[:40]:
        due = f", due {task.due:%a %d %b %H:%M}" if task.due else ""
        blocks.append(_section(f"• {_linked(task.title, task.link)} ({escape(task.state)}{due})"))
    if not tasks:
        blocks.append(_context("No task is due today."))
    blocks.append(_context(f"{done} done today. <{link}|Open Steward> or write `/steward help`."))
    return {"type": "home", "blocks": blocks[:MOST_BLOCKS]}


def list_blocks(heading: str, lines: Sequence[tuple[str, str, str]]) -> list[Block]:
    """A short list: (title, address, what is said of it)."""
    blocks = [_section(f"*{escape(heading)}*")]
    blocks += [_section(f"• {_linked(title, link)} {escape(said)}".rstrip()) for title, link, said in lines[:40]]
    return blocks


def _linked(title: str, link: str) -> str:
    words = escape(" ".join(title.split())[:200]).replace("|", "¦") or "(no title)"
    return f"<{link}|{words}>" if link else words


def _modal(callback: str, title: str, submit: str, value: Mapping[str, str], blocks: Sequence[Block]) -> Block:
    return {
        "type": "modal",
        "callback_id": callback,
        "title": _plain(title),
        "submit": _plain(submit),
        "close": _plain("Cancel"),
        "private_metadata": json.dumps(dict(value), separators=(",", ":")),
        "blocks": list(blocks),
    }


def _input(name: str, label: str, text: str, *, is_long: bool, is_optional: bool) -> Block:
    element: Block = {
        "type": "plain_text_input",
        "action_id": name,
        "multiline": is_long,
        "max_length": LONGEST_INPUT,
    }
    if text:
        element["initial_value"] = text
    return {"type": "input", "block_id": name, "label": _plain(label), "element": element, "optional": is_optional}


def _button(action: str, label: str, value: str) -> Block:
    return {"type": "button", "action_id": action, "text": _plain(label), "value": value}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:LONGEST_SECTION], "verbatim": True}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text[:LONGEST_SECTION], "verbatim": True}]}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces that a section holds, whole lines where it can be; Slack takes no empty ones."""
    rest = text.strip("\n")
    while rest:
        cut = len(rest)
        if cut > LONGEST_SECTION:
            cut = rest.rfind("\n", LONGEST_SECTION // 2, LONGEST_SECTION) + 1 or LONGEST_SECTION
        piece, rest = rest[:cut], rest[cut:]
        if piece.strip():
            yield piece
