"""Simple changes to a draft by rules: what a person says word for word. Anything else is left to a model, and said so."""

import re

from agents.strategist import Blocked, DraftContent, EarlierDraft, Immediate, TaskContext
from agents.thinking import ADD_A_MODEL, NEEDS_MODEL

CLOSE = re.compile(
    r"^(?:best regards|kind regards|regards|best|thanks|cheers|viele grüße|mit freundlichen grüßen|liebe grüße)", re.I
)
SUBJECT = re.compile(
    r"^(?:(?:change|set)\s+the\s+)?(?:subject|betreff)(?:\s+to)?\s*[:=]?\s+[\"“„']?(?P<x>[^\n\"”“']+)[\"”“']?\.?$", re.I
)
CHANGE = re.compile(
    r"^(?:please\s+)?(?:change|replace|ersetze|ändere)\s+[\"“„']?(?P<a>.+?)[\"”“']?\s+(?:to|with|by|durch|in|zu)\s+[\"“„']?(?P<b>.+?)[\"”“']?\.?$",
    re.I,
)
ADD = re.compile(
    r"^(?:please\s+)?(?:add|mention|say|include|ergänze|erwähne|füge\s+hinzu)(?:\s+(?:also|auch))?(?:\s*:\s*|\s+(?:that|dass)\s+)(?P<x>.+)$",
    re.I | re.S,
)
REMOVE = re.compile(
    r"^(?:please\s+)?(?:remove|delete|drop|leave\s+out|don['’]t\s+mention|lass|streiche?)\s+(?:the\s+(?:sentence|line|part)\s+(?:about|with)\s+)?[\"“„']?(?P<x>.+?)[\"”“']?(?:\s+weg)?\.?$",
    re.I,
)
SIGN = re.compile(r"^(?:sign\s+(?:it\s+)?(?:as|with)|unterschreibe?\s+(?:mit|als))\s+(?P<x>[^\n]{1,80})$", re.I)
SHORTER = re.compile(r"\b(?:shorter|shorten|more concise|kürzer|too long|zu lang)\b", re.I)
INFORMAL = re.compile(r"\b(?:less formal|informal|more casual|friendlier|lockerer|persönlicher)\b", re.I)
FORMAL = re.compile(r"\b(?:more formal|formal|förmlicher)\b", re.I)
FILLER = re.compile(
    r"\s*(?:I appreciate it\.|Thank you for your help\.|Please let me know if you have any questions\.|If not, please suggest another time\.|Ich habe mich sehr darüber gefreut\.|"
    r"Vielen Dank für Ihre Hilfe\.|Melden Sie sich bitte, wenn Sie Fragen haben\.|very much|sehr herzlich)", re.I
)  # fmt: skip


def revise_by_rules(context: TaskContext, earlier: EarlierDraft, feedback: str) -> Immediate | Blocked:
    """The draft changed as the feedback says; Blocked where nothing would change."""
    said = feedback.strip()
    subject, body = earlier.subject, earlier.body
    if match := SUBJECT.match(said):
        subject = match["x"].strip().rstrip(".")
    elif match := SIGN.match(said):
        body = _sign(body, match["x"].strip(" ."))
    elif match := CHANGE.match(said):
        pattern = re.compile(re.escape(match["a"].strip()), re.I)
        subject, body = (pattern.sub(lambda _: match["b"].strip(), text) for text in (subject, body))
    elif match := ADD.match(said):
        body = _insert(body, match["x"].strip())
    elif match := REMOVE.match(said):
        body = _without(body, match["x"].strip())
    elif SHORTER.search(said):
        body = re.sub(r"[ ]{2,}", " ", re.sub(r"\n{3,}", "\n\n", FILLER.sub("", body)))
    elif INFORMAL.search(said):
        body = re.sub(r"^Hello\b", "Hi", body).replace("Best regards", "Best").replace("Guten Tag", "Hallo")
    elif FORMAL.search(said):
        body = (
            re.sub(r"^Hi\b", "Dear", body)
            .replace("\nBest\n", "\nKind regards\n")
            .replace("Best regards", "Kind regards")
        )
    if (subject, body) == (earlier.subject, earlier.body):
        return Blocked(
            reason=f"Working in “{said[:120]}” {NEEDS_MODEL}",
            unblocked_by=f"Edit the draft yourself. {ADD_A_MODEL}",
            message="Nothing was changed",
            needs_model=True,
        )
    draft = DraftContent(to=earlier.to, cc=earlier.cc, subject=subject, body=body)
    return Immediate(
        output=f"Subject: {subject}\n\n{body}",
        format="text",
        confidence=0.8,
        draft=draft,
        message=f"Changed as you said: {said[:200]}",
    )


def _paragraphs(body: str) -> tuple[list[str], list[str]]:
    parts = body.split("\n\n")
    at = next((n for n in range(len(parts) - 1, -1, -1) if CLOSE.match(parts[n])), len(parts))
    return parts[:at], parts[at:]


def _insert(body: str, words: str) -> str:
    before, close = _paragraphs(body)
    sentence = f"{words[:1].upper()}{words[1:]}"
    return "\n\n".join([*before, sentence if sentence.endswith((".", "!", "?")) else f"{sentence}.", *close])


def _without(body: str, words: str) -> str:
    kept = [
        " ".join(s for s in re.split(r"(?<=[.!?])\s+", part) if words.casefold() not in s.casefold())
        if "\n" not in part
        else part
        for part in body.split("\n\n")
    ]
    return "\n\n".join(part for part in kept if part.strip())


def _sign(body: str, name: str) -> str:
    before, close = _paragraphs(body)
    first = close[0].split("\n")[0] if close else "Best regards"
    return "\n\n".join([*before, f"{first}\n{name}"])
