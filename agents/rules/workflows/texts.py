"""Results from text by rules: only sentences that stand in the material, in a new order; and skeletons that say so."""

import csv
import io
import re
from datetime import datetime

from agents.rules.dates import find_dates
from agents.strategist import Blocked, Decompose, Immediate, TaskContext
from agents.thinking import ADD_A_MODEL, NEEDS_MODEL

NO_TEXT = Blocked(
    reason="There is no text to work on",
    unblocked_by="Paste the text into the task's description, then execute it again",
    message="Nothing was invented",
)
LINES = re.compile(r"\n+|;\s+|(?<=[.!?])\s+(?=[A-ZÄÖÜ-])")
OWNER = re.compile(
    r"^(?:[-*•]\s*)?(?:(?P<colon>[A-ZÄÖÜ][\w'-]+(?:\s*(?:\+|&|and|und|,)\s*[A-ZÄÖÜ][\w'-]+)*)\s*:\s*(?P<rest>.+)"
    r"|(?P<name>[A-ZÄÖÜ][\w'-]+(?:\s+(?:and|und|&)\s+[A-ZÄÖÜ][\w'-]+)?)\s+(?P<will>will\s+|to\s+|should\s+|must\s+|is\s+going\s+to\s+|wird\s+|soll\s+|muss\s+)?(?P<verb>[a-zäöü]+)(?P<what>\s+.+))$"
)
NOT_A_PERSON = {"the", "we", "it", "this", "that", "there", "scope", "next", "notes", "agenda", "decision", "decisions", "meeting", "dark", "action", "todo", "budget", "question", "questions", "risk", "risks", "open", "das", "die", "der", "es", "wir", "nächste", "i", "they", "all", "everyone", "if", "when", "date", "attendees", "present"}  # fmt: skip
NOT_AN_ACTION = {"is", "are", "was", "were", "has", "had", "said", "thinks", "thought", "asked", "mentioned", "noted", "reported", "agreed", "liked", "likes", "felt", "ist", "war", "hat", "sagte", "meinte", "findet", "can", "moves", "moved", "joined", "left", "explained", "presented"}  # fmt: skip
DECISION = re.compile(
    r"\b(?:decided|decision|agreed|approved|frozen|we will|moves? to|chosen|signed off|go with|beschlossen|entschieden|vereinbart|einigten?)\b",
    re.I,
)
OPEN = re.compile(r"\?\s*$|\b(?:open question|unclear|to be decided|tbc|offen|unklar|still need to find out)\b", re.I)
NEXT = re.compile(
    r"\b(?:next (?:sync|meeting|call|session)|nächste[rs]? (?:termin|treffen|besprechung|meeting))\b", re.I
)


def _material(context: TaskContext) -> str:
    if context.task.description.strip():
        return context.task.description
    if context.thread:
        return context.thread[-1].text
    return "\n\n".join(output for _, output in context.outputs)


def _sentences(text: str) -> list[str]:
    return [line.strip(" -*•\t") for line in LINES.split(text) if line.strip(" -*•\t")]


def action_items(context: TaskContext, now: datetime) -> Immediate | Decompose | Blocked:
    """A checklist of who does what until when, in the words of the notes."""
    text = _material(context)
    if not text.strip():
        return NO_TEXT
    items = [item for sentence in _sentences(text) if (item := _action(sentence, now))]
    if not items:
        return Blocked(
            reason="No line of the notes names a person and an action",
            unblocked_by=f"Do it by hand, or: {ADD_A_MODEL}",
            message="Nothing was invented",
        )
    lines = [f"- [ ] **{who}**: {what}" + (f" (due {due})" if due else "") for who, what, due in items]
    return Immediate(
        output="\n".join(lines),
        format="markdown",
        confidence=0.75,
        message=f"{len(items)} action items, in the words of the notes",
    )


def _action(sentence: str, now: datetime) -> tuple[str, str, str | None] | None:
    match = OWNER.match(sentence.strip(" ."))
    if match is None:
        return None
    who = (match["colon"] or match["name"]).strip()
    if who.split()[0].casefold() in NOT_A_PERSON:
        return None
    if match["colon"]:
        what = match["rest"]
    else:
        verb = match["verb"]
        if verb in NOT_AN_ACTION or not (match["will"] or verb.endswith("s") or verb.endswith("t")):
            return None
        what = f"{verb}{match['what']}"
    dates = find_dates(what, now)
    due = None
    if dates:
        due = dates[0].due_at.strftime("%a %-d %b") + (
            "" if dates[0].is_all_day else dates[0].due_at.strftime(" %H:%M")
        )
    what = what.strip(" .")
    return who, f"{what[:1].lower()}{what[1:]}" if not what[:2].isupper() else what, due


def meeting_summary(context: TaskContext, now: datetime) -> Immediate | Decompose | Blocked:
    """Decisions, action items, questions and the next meeting: the notes' own lines, sorted."""
    text = _material(context)
    if not text.strip():
        return NO_TEXT
    groups: dict[str, list[str]] = {
        "Decisions": [],
        "Action items": [],
        "Open questions": [],
        "Next meeting": [],
        "Also said": [],
    }
    for sentence in _sentences(text)[:200]:
        if NEXT.search(sentence):
            groups["Next meeting"].append(sentence)
        elif OPEN.search(sentence):
            groups["Open questions"].append(sentence)
        elif item := _action(sentence, now):
            groups["Action items"].append(f"**{item[0]}**: {item[1]}" + (f" (due {item[2]})" if item[2] else ""))
        elif DECISION.search(sentence):
            groups["Decisions"].append(sentence)
        elif len(groups["Also said"]) < 8:
            groups["Also said"].append(sentence)
    output = "\n\n".join(
        f"## {title}\n" + "\n".join(f"- {line}" for line in lines) for title, lines in groups.items() if lines
    )
    return Immediate(
        output=output, format="markdown", confidence=0.65, message="The notes' own lines, sorted by what they are"
    )


def summary(context: TaskContext, now: datetime) -> Immediate | Decompose | Blocked:
    """The sentences that say most, in their order: an extract, not a retelling."""
    text = _material(context)
    if not text.strip():
        return NO_TEXT
    sentences = _sentences(text)
    if len(sentences) <= 3:
        return Immediate(
            output="\n".join(f"- {s}" for s in sentences),
            format="markdown",
            confidence=0.5,
            message="The text is short: these are its sentences",
        )
    words = [w for s in sentences for w in re.findall(r"[^\W\d_]{4,}", s.casefold())]
    weight = {word: words.count(word) for word in set(words[:5000])}
    scored = [
        (
            sum(weight.get(w, 0) for w in re.findall(r"[^\W\d_]{4,}", s.casefold())) / (len(s.split()) + 3)
            + (2 if n == 0 else 0),
            n,
        )
        for n, s in enumerate(sentences[:300])
    ]
    chosen = sorted(n for _, n in sorted(scored, reverse=True)[: max(3, min(7, len(sentences) // 4))])
    return Immediate(
        output="\n".join(f"- {sentences[n]}" for n in chosen),
        format="markdown",
        confidence=0.5,
        message=f"{len(chosen)} of {len(sentences)} sentences, word for word: an extract by rules",
    )


def outline(context: TaskContext, now: datetime) -> Immediate | Decompose | Blocked:
    """A skeleton around the topic that was named."""
    title = context.task.title
    match = re.search(
        r"\b(?:outline|gliederung|skeleton|structure|list|checklist|agenda)\b(?:\s+(?:for|of|on|about|für|zu[mr]?|über))?\s+(?P<x>.+)$",
        title,
        re.I,
    )
    topic = (match["x"] if match else re.sub(r"^\w+\s+", "", title)).strip(" .")
    subject = re.sub(r"^(?:the|a|an|my|our|der|die|das|den|einen?|eine)\s+", "", topic, flags=re.I)
    on = re.search(r"\b(?:on|about|über|zu)\s+(?P<x>.+)$", subject, re.I)
    core = on["x"] if on else subject
    if re.search(r"\bagenda\b", title, re.I):
        sections = [
            "Welcome and aim",
            f"Where we stand: {core}",
            "Decisions to take",
            "Next steps: who, what, until when",
        ]
    else:
        sections = [
            f"Why {core} matters now",
            f"What {core} is, in plain words",
            "How it is done today, and what is missing",
            f"The main points about {core}",
            "An example",
            "What to do next",
        ]
    lines = [
        f"# {subject[:1].upper()}{subject[1:]}",
        "",
        *(f"{n}. {section}" for n, section in enumerate(sections, 1)),
        "",
        "*A skeleton by the built-in rules: sections to fill, no facts.*",
    ]
    return Immediate(
        output="\n".join(lines), format="markdown", confidence=0.55, message="A skeleton around the topic you named"
    )


def report(context: TaskContext, now: datetime) -> Immediate | Decompose | Blocked:
    """Where the tasks stand: done, open, late. Other reports need facts that are not here."""
    if not re.search(
        r"\b(?:status|weekly|daily|progress|task|fortschritt\w*|wochen\w*|statusbericht)\b", context.task.title, re.I
    ):
        return Blocked(
            reason=f"This report {NEEDS_MODEL} and its facts",
            unblocked_by=f"Put the facts into the description. {ADD_A_MODEL}",
            message="Nothing was invented",
            needs_model=True,
        )
    if not context.recent_tasks:
        return Blocked(
            reason="There is nothing to report yet: no other task is known",
            unblocked_by="Execute it again when there are tasks",
            message="Nothing was invented",
        )
    done, open_, late = [], [], []
    for task in context.recent_tasks:
        due = datetime.fromisoformat(task["due_at"]) if task.get("due_at") else None
        line = f"- {task['title']}" + (f" (due {due.astimezone(now.tzinfo):%-d %b})" if due else "")
        if task["execution_status"] == "completed":
            done.append(line)
        elif task["execution_status"] not in {"cancelled"}:
            (late if due and due < now else open_).append(line)
    parts = [f"# Status report, {now:%-d %B %Y}"]
    for title, lines in (("Done", done), ("Late", late), ("Open", open_)):
        if lines:
            parts.append(f"## {title} ({len(lines)})\n" + "\n".join(lines))
    return Immediate(
        output="\n\n".join(parts), format="markdown", confidence=0.7, message="From the tasks that Steward knows"
    )


def spreadsheet(context: TaskContext, now: datetime) -> Immediate | Decompose | Blocked:
    """A table to fill in, as CSV: rows by the kind of budget, amounts empty."""
    text = f"{context.task.title} {context.parent_title}"
    if not re.search(r"\b(?:budget\w*|cost\w*|kosten\w*|haushaltsplan|kalkulation|forecast)\b", text, re.I):
        return Blocked(
            reason=f"What the table should hold {NEEDS_MODEL}",
            unblocked_by=ADD_A_MODEL,
            message="Nothing was invented",
            needs_model=True,
        )
    kinds = {
        r"campaign|marketing|kampagne": [
            "Advertising",
            "Content and design",
            "Events",
            "Tools and subscriptions",
            "Agencies and freelancers",
            "Reserve",
        ],
        r"event|party|wedding|conference|offsite|feier|konferenz": [
            "Venue",
            "Food and drinks",
            "Speakers and programme",
            "Travel and lodging",
            "Equipment",
            "Reserve",
        ],
        r"trip|travel|reise|holiday|urlaub": ["Transport", "Lodging", "Meals", "Activities", "Insurance", "Reserve"],
    }
    rows = next(
        (rows for pattern, rows in kinds.items() if re.search(pattern, text, re.I)),
        ["Staff", "Material", "Services", "Tools and subscriptions", "Travel", "Reserve"],
    )
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(["Category", "Planned", "Actual", "Notes"])
    writer.writerows([row, "", "", ""] for row in rows)
    return Immediate(
        output=output.getvalue(), format="csv", confidence=0.5, message="A table to fill in: usual rows, no figures"
    )
