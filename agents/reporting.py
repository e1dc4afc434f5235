"""The report of a plan as Markdown: what happened, in plain sentences, from facts alone."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from agents.tools.control import span_words

if TYPE_CHECKING:
    from agents.plan_facts import ReportFacts, TaskFact
    from agents.synthesizer import Narrative

LINK = re.compile(r"\[((?:\\.|[^\]\\])*)\]\((/(?:tasks|review)/[0-9a-f-]+)\)")
MARKS = re.compile(r"([\\`*_\[\]<>|#])")
OUTCOMES = {
    "completed": "The plan is completed.",
    "failed": "The plan failed.",
    "cancelled": "The plan was cancelled.",
    "running": "The plan is under way.",
    "waiting": "The plan waits.",
    "paused": "The plan is paused.",
    "ready": "The plan is ready and has not been started.",
    "planning": "The plan is being made.",
}
VERIFICATIONS = {
    "verified": "verified: it was looked up afterwards",
    "claimed": "claimed: whoever did it says so",
    "unverifiable": "unverifiable: there is nothing to look up",
}
DECISIONS = {
    "another_approach": "another way was taken",
    "other_subtasks": "it was broken into other parts",
    "skip": "the plan went on without it",
    "escalate": "it was left to a person",
}


def report_markdown(facts: "ReportFacts", narrative: "Narrative | None" = None) -> str:
    """The report. What others wrote (titles, reasons, notes) stands in it as text, not as Markdown."""
    parts = [f"# {plain(facts.title)}"]
    if narrative is not None:
        parts.append(plain(narrative.summary))
        if narrative.insights:
            parts += ["## What stands out", _bullets(narrative.insights)]
    parts += ["## Outcome", _outcome(facts)]
    for heading, tasks in (
        ("Done", facts.done),
        ("Failed", facts.failed),
        ("Failed and replaced", facts.replaced),
        ("Tried again later", facts.tried_again),
        ("Gone on without", facts.skipped),
        ("Cancelled", facts.cancelled),
        ("Still open", facts.waiting),
    ):
        if tasks:
            parts += [f"## {heading}", "\n".join(_task(one) for one in tasks)]
        if heading == "Done" and (meaning := _meaning(facts)):
            parts.append(meaning)
    if facts.decisions:
        parts += ["## Decisions", "\n".join(_decisions(facts))]
    if facts.changes:
        parts += ["## Changes of the plan", "\n".join(_changes(facts))]
    if facts.constraints:
        parts += ["## What had to hold", _bullets(facts.constraints)]
    advice = [*(narrative.recommendations if narrative else ()), *facts.recommendations]
    if advice:
        parts += ["## Recommendations", _bullets(list(dict.fromkeys(advice)))]
    return "\n\n".join(parts) + "\n"


def linked(markdown: str, site: str | None) -> str:
    """A report to be read elsewhere: its links lead to `site`, or are plain text where the address of this place is not known."""
    base = (site or "").rstrip("/")
    return LINK.sub(lambda found: f"[{found[1]}]({base}{found[2]})" if base else found[1], markdown)


def plain(text: str) -> str:
    """A text on one line in which nothing is Markdown."""
    return MARKS.sub(r"\\\1", " ".join(text.split()))


def _bullets(entries: Sequence[str]) -> str:
    return "\n".join(f"- {plain(one)}" for one in entries)


def _outcome(facts: "ReportFacts") -> str:
    said = [OUTCOMES.get(facts.outcome, f"The plan is {facts.outcome}.")]
    if facts.reason and facts.outcome != "completed":
        said.append(f"{plain(facts.reason).rstrip('.')}.")
    said.append(f"Objective: {plain(facts.objective)}")
    counts = ", ".join(f"{number} {state.replace('_', ' ')}" for state, number in sorted(facts.counts.items()))
    rows = [
        ("Tasks", counts or "none"),
        ("Started", _moment(facts.started_at)),
        ("Ended", _moment(facts.ended_at)),
        ("Took", span_words(facts.seconds) if facts.seconds is not None else "unknown"),
        ("Tries again", str(facts.retries)),
        ("Changes of the plan", str(facts.replans)),
        ("Requests to models", str(facts.model_calls)),
        ("Cost of models", f"{facts.cost_usd:.4f} US dollars" if facts.cost_usd else "none that is known"),
    ]
    if facts.playbook:
        rows.insert(0, ("Playbook", facts.playbook.replace("_", " ")))
    table = "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {plain(value)} |" for name, value in rows)])
    return f"{' '.join(said[:-1])}\n\n{said[-1]}\n\n{table}"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}".strip() if moment else "not yet"


def _task(one: "TaskFact") -> str:
    details = [
        plain(one.role),
        f"worked {span_words(one.seconds)}" if one.seconds is not None else "",
        f"waited {span_words(one.seconds_waiting)}" if one.seconds_waiting else "",
        f"{one.retries + 1} tries" if one.retries else "",
        f"ticked off by {plain(one.ticked_by)} on {_moment(one.ticked_at)}"
        if one.ticked_at
        else one.verification or "",
    ]
    said = ", ".join(detail for detail in details if detail)
    why = f": {plain(one.why)}" if one.why else ""
    return f"- [{plain(one.title)}]({one.page})" + (f" ({said})" if said else "") + why


def _meaning(facts: "ReportFacts") -> str:
    """What the words at the end of the lines mean, as far as they stand there."""
    used = {one.verification for one in facts.done if one.ticked_at is None}
    said = [meaning for word, meaning in VERIFICATIONS.items() if word in used]
    if any(one.ticked_at for one in facts.done):
        said.append("ticked off: a person said that it is done; how long they worked on it is not known")
    return f"{'; '.join(said)[:1].upper()}{'; '.join(said)[1:]}." if said else ""


def _decisions(facts: "ReportFacts") -> list[str]:
    lines: list[str] = []
    for one in facts.decisions:
        by = f" by {plain(one.by)}" if one.by else ""
        at = f" on {_moment(one.at)}" if one.at else ""
        notes = f": “{plain(one.notes)}”" if one.notes else ""
        lines.append(f"- [{plain(one.question)}]({one.page}): {one.decision}{by}{at}{notes}")
    return lines


def _changes(facts: "ReportFacts") -> list[str]:
    return [
        f"- {plain(one.task)}: {DECISIONS.get(one.decision, one.decision)} ({_moment(one.at)}). {plain(one.reason)}"
        for one in facts.changes
    ]
