"""A skeleton for a text, a talk or an agenda around the topic that the task names. The points are left to the person."""

import re
from datetime import datetime

from agents.rules.workflows.wording import capitalised, is_german
from agents.strategist import Immediate, TaskContext

TOPIC = re.compile(
    r"\b(?:outline|skeleton|structure|agenda|checklist|list|gliederung|tagesordnung|checkliste)\b\s*(?:for|of|on|about|für|zu[mr]?|über)?\s*(?P<topic>.+)$",
    re.IGNORECASE,
)
BEFORE = re.compile(
    r"^\s*(?:please\s+|bitte\s+)?(?:draft|write|create|make|prepare|outline|sketch|schreib\w*|erstell\w*|entw[ie]rf\w*|gliedere|skizzier\w*)\s+"
    r"(?:an?|the|eine?n?|die|der|das|den)?\s*(?P<topic>.+?)\s*(?:\b(?:outline|skeleton|agenda)\b)?\s*$",
    re.IGNORECASE,
)
GENRES: list[tuple[re.Pattern[str], list[tuple[str, str]], list[tuple[str, str]]]] = [
    (
        re.compile(r"agenda|tagesordnung|meeting|besprechung|review", re.IGNORECASE),
        [("Welcome and goal", "what should be decided at the end"), ("Where things stand", "what happened since last time"),
         ("Topics", "one line each, with who leads it and how long"), ("Decisions", "what needs a yes or no"),
         ("Next steps", "who does what until when")],
        [("Begrüßung und Ziel", "was am Ende entschieden sein soll"), ("Stand der Dinge", "was seit dem letzten Mal geschah"),
         ("Themen", "je eine Zeile, mit Leitung und Dauer"), ("Entscheidungen", "was ein Ja oder Nein braucht"),
         ("Nächste Schritte", "wer was bis wann tut")],
    ),
    (
        re.compile(r"campaign|kampagne|marketing", re.IGNORECASE),
        [("Goal", "what should be different afterwards, and how it is measured"), ("Audience", "whom it is for, and what they care about"),
         ("Message", "the one sentence to remember"), ("Channels", "where it is said, and why there"), ("Content", "which pieces are needed"),
         ("Timeline", "from preparation to review"), ("Budget", "what each part may cost"), ("Measures", "how success is seen"),
         ("Risks", "what could go wrong, and what then")],
        [("Ziel", "was danach anders ist und woran man es misst"), ("Zielgruppe", "für wen, und was ihr wichtig ist"),
         ("Botschaft", "der eine Satz, der bleibt"), ("Kanäle", "wo es gesagt wird, und warum dort"), ("Inhalte", "welche Stücke nötig sind"),
         ("Zeitplan", "von der Vorbereitung bis zum Rückblick"), ("Budget", "was jeder Teil kosten darf"), ("Messung", "woran man Erfolg sieht"),
         ("Risiken", "was schiefgehen kann und was dann")],
    ),
    (
        re.compile(r"presentation|talk|slides|deck|pitch|präsentation|vortrag|folien", re.IGNORECASE),
        [("Opening", "a question or a scene that shows why it matters"), ("The point", "the one thing to take home"),
         ("Three arguments", "one slide each, with an example"), ("Objections", "the hardest question and its answer"),
         ("Close", "what the audience should do next")],
        [("Einstieg", "eine Frage oder Szene, die zeigt, warum es wichtig ist"), ("Kern", "das eine, das bleiben soll"),
         ("Drei Argumente", "je eine Folie mit Beispiel"), ("Einwände", "die schwerste Frage und ihre Antwort"),
         ("Schluss", "was das Publikum als Nächstes tun soll")],
    ),
]  # fmt: skip
TEXT = (
    [("Opening", "why this matters, and to whom"), ("Background", "what a reader must know first"), ("The problem", "what goes wrong without it"),
     ("The idea", "how it works, step by step"), ("An example", "one case followed through"), ("Limits", "where it does not help"),
     ("Close", "what the reader can do next")],
    [("Einstieg", "warum das wichtig ist, und für wen"), ("Hintergrund", "was man vorher wissen muss"), ("Das Problem", "was ohne es schiefgeht"),
     ("Die Idee", "wie es geht, Schritt für Schritt"), ("Ein Beispiel", "ein Fall von Anfang bis Ende"), ("Grenzen", "wo es nicht hilft"),
     ("Schluss", "was man als Nächstes tun kann")],
)  # fmt: skip


def decide(context: TaskContext, now: datetime) -> Immediate:
    """A skeleton in Markdown, marked as one. `now` is not needed."""
    title = context.task.title.strip(" .")
    german = is_german(f"{title} {context.parent_title}")
    topic = _topic(title)
    if context.parent_title and len(topic.split()) < 3:
        topic = f"{topic} ({context.parent_title})"
    english, deutsch = next(((e, d) for pattern, e, d in GENRES if pattern.search(title)), TEXT)
    sections = deutsch if german else english
    mark = (
        "*Ein Gerüst: die Punkte sind zu füllen, nichts darin stammt aus einer Quelle.*"
        if german
        else "*A skeleton: the points are yours to fill in; nothing in it comes from a source.*"
    )
    lines = [f"{n}. **{name}**: {what}" for n, (name, what) in enumerate(sections, 1)]
    given = [f"\n{context.task.description.strip()}"] if context.task.description.strip() else []
    output = "\n".join([f"# {capitalised(topic)}", "", mark, *given, "", *lines, ""])
    return Immediate(
        output=output, format="markdown", confidence=0.5, message="A skeleton around the topic of the task"
    )


def _topic(title: str) -> str:
    for pattern in (TOPIC, BEFORE):
        if (match := pattern.search(title)) and len(match["topic"].strip()) > 2:
            return re.sub(
                r"^(?:the|an?|my|our|der|die|das|den|dem|eine?[nmr]?)\s+",
                "",
                match["topic"].strip(),
                flags=re.IGNORECASE,
            )
    return title
