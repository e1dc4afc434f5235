"""A summary without a model: the sentences of the text that carry most, word for word."""

import re
from datetime import datetime

from agents.rules.workflows.wording import is_german, material, no_text, sentences
from agents.strategist import Blocked, Immediate, TaskContext

MOST_SENTENCES = 5
WEIGHTY = re.compile(
    r"\b(?:decid\w*|agreed|result\w*|conclu\w*|recommend\w*|important|must|deadline|total|increase\w*|decrease\w*|risk\w*|therefore|because|"
    r"beschlossen|entschieden|ergebnis\w*|empfehl\w*|wichtig|frist|insgesamt|gestiegen|gesunken|risik\w*|deshalb|weil)\b|\d",
    re.IGNORECASE,
)


def decide(context: TaskContext, now: datetime) -> Immediate | Blocked:
    """An extract in Markdown; Blocked when there is no text. `now` is not needed."""
    text = material(context)
    if not text:
        reason, remedy = no_text("summarise")
        return Blocked(reason=reason, unblocked_by=remedy)
    found = sentences(text)
    chosen = extract(found)
    german = is_german(text)
    mark = (
        f"*Auszug: {len(chosen)} von {len(found)} Sätzen, wörtlich.*"
        if german
        else f"*An extract: {len(chosen)} of {len(found)} sentences, word for word.*"
    )
    return Immediate(
        output="\n".join([mark, "", *(f"- {sentence}" for sentence in chosen), ""]),
        format="markdown",
        confidence=0.5,
        message="Without a language model a summary is an extract of the text's own sentences",
    )


def extract(found: list[str]) -> list[str]:
    """The first sentence and the weightiest others, in the order of the text."""
    if len(found) <= 3:
        return found
    keep = min(MOST_SENTENCES, max(2, len(found) // 3))
    weights = {n: len(WEIGHTY.findall(sentence)) - n / len(found) for n, sentence in enumerate(found)}
    best = sorted(range(1, len(found)), key=lambda n: -weights[n])[: keep - 1]
    return [found[n] for n in sorted([0, *best])]
