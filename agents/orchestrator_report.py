"""The report of an orchestration in words: facts alone, out of what base agents handed back."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agents.base_agent_forms import Usage
    from agents.orchestrator_forms import Orchestration, PartOutcome

MEDIA_TYPE = "text/markdown; charset=utf-8"
STATUS = {
    "completed": "done",
    "blocked": "could not be done",
    "failed": "failed",
    "skipped": "not begun",
    "for_a_person": "for a person",
    "unfinished": "not finished",
    "waiting": "waiting",
}
WHOLE = {
    "completed": "Every part is done.",
    "partial": "Some parts are done.",
    "blocked": "No part is done.",
    "unfinished": "Not every part is done: time was up, or as much was spent as may be. The same again goes on from here.",
}


def in_words(told: "Orchestration") -> str:
    """The report as Markdown."""
    lines = [f"# {_cell(_line(told.objective)[:200])}", "", WHOLE[told.status]]
    if told.message:
        lines += ["", _cell(told.message)]
    lines += ["", "| part | | after | result |", "|---|---|---|---|"]
    lines += [_row(part) for part in told.parts]
    if any(part.tainted for part in told.parts):
        lines += ["", "Marked with *: words of others went into it. Read it as such."]
    lines += ["", f"Requests to models behind these results: {told.usage.calls}, cost {_cost(told.usage)}."]
    bound = "" if told.most_cost_usd is None else f" of {told.most_cost_usd:.2f} USD at most"
    lines += [f"In this run, failed tries too: {told.usage_now.calls}, cost {_cost(told.usage_now)}{bound}."]
    if told.unknown:
        lines += [f"What {told.unknown} calls cost that were cut off, nobody knows."]
    return "\n".join(lines) + "\n"


def _cost(usage: "Usage") -> str:
    return "unknown" if usage.cost_usd is None else f"{usage.cost_usd:.4f} USD"


def _row(part: "PartOutcome") -> str:
    mark = " *" if part.tainted else ""
    name = f"{_cell(part.title)} ({_cell(part.id)})" if part.title else _cell(part.id)
    result = "; ".join(text for text in (_cell(part.address), _cell(part.reason)) if text)
    return f"| {name}{mark} | {STATUS[part.status]} | {_cell(', '.join(part.depends_on))} | {result} |"


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    """One line that ends no cell of a table, and holds no HTML, image or link."""
    for sign, harmless in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("[", "\\["), ("!", "\\!"), ("`", "\\`")):
        text = text.replace(sign, harmless)
    return _line(text)
