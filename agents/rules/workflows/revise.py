"""Feedback on a draft that rules can follow to the letter. What they can't follow they leave, and say so."""

import re
from collections.abc import Callable

from agents.rules.workflows import needs_model
from agents.rules.workflows.phrases import courtesies
from agents.rules.workflows.wording import capitalised
from agents.strategist import Blocked, DraftContent, EarlierDraft, Immediate, TaskContext

QUOTES = "\"'“”„«»‘’"
CLOSE = re.compile(
    r"\n\n(?=(?:Best regards|Kind regards|Regards|Best|Cheers|Viele Grüße|Mit freundlichen Grüßen|Beste Grüße|Liebe Grüße)\b)"
)
INFORMAL = {
    "Hello": "Hi",
    "Dear": "Hi",
    "Best regards,": "Best,",
    "Best regards": "Best",
    "Guten Tag": "Hallo",
    "Mit freundlichen Grüßen": "Viele Grüße",
}
FORMAL = {
    "Hi": "Dear",
    "Hello": "Dear",
    "Best,": "Kind regards,",
    "Best regards": "Kind regards",
    "Cheers,": "Kind regards,",
    "Hallo": "Guten Tag",
    "Viele Grüße": "Mit freundlichen Grüßen",
}
FORMAL_NAMELESS = "Dear Sir or Madam,"
Change = Callable[[EarlierDraft, re.Match[str]], EarlierDraft | None]


def revise_by_rules(context: TaskContext, earlier: EarlierDraft, feedback: str) -> Immediate | Blocked:
    """The draft with each wish of the feedback fulfilled; Blocked when one of them is not understood or changes nothing."""
    wishes = [wish.strip(" .") for wish in re.split(r"\n+|;\s*", feedback) if wish.strip(" .")]
    draft = earlier
    for wish in wishes:
        changed = _fulfil(draft, wish)
        if changed is None or changed == draft:
            return needs_model.for_feedback(wish)
        draft = changed
    if not wishes:
        return Blocked(reason="The feedback is empty", unblocked_by="Say what should change in the draft")
    content = DraftContent(to=draft.to, cc=draft.cc, subject=draft.subject, body=draft.body)
    done = "; ".join(wishes)
    return Immediate(
        output=f"Subject: {content.subject}\n\n{content.body}",
        format="text",
        confidence=0.8,
        draft=content,
        message=f"Changed as asked: {done if len(done) <= 120 else done[:119] + '…'}",
    )


def _fulfil(draft: EarlierDraft, wish: str) -> EarlierDraft | None:
    for pattern, change in CHANGES:
        if match := pattern.fullmatch(wish):
            return change(draft, match)
    return None


def _with(draft: EarlierDraft, *, subject: str | None = None, body: str | None = None) -> EarlierDraft:
    return EarlierDraft(
        draft.to, draft.cc, draft.subject if subject is None else subject, draft.body if body is None else body
    )


def _bare(text: str) -> str:
    return text.strip().strip(QUOTES).strip()


def _subject(draft: EarlierDraft, match: re.Match[str]) -> EarlierDraft:
    return _with(draft, subject=" ".join(_bare(match["new"]).split()))


def _replace(draft: EarlierDraft, match: re.Match[str]) -> EarlierDraft | None:
    old, new = _bare(match["old"]), _bare(match["new"])
    pattern = re.compile(rf"(?<!\w){re.escape(old)}(?!\w)", re.IGNORECASE)
    if not old or not pattern.search(f"{draft.subject}\n{draft.body}"):
        return None
    return _with(draft, subject=pattern.sub(lambda _: new, draft.subject), body=pattern.sub(lambda _: new, draft.body))


def _add(draft: EarlierDraft, match: re.Match[str]) -> EarlierDraft | None:
    sentence = capitalised(_bare(match["new"]))
    if not sentence:
        return None
    if sentence[-1] not in ".!?":
        sentence += "."
    body = draft.body.rstrip()
    close = CLOSE.search(body)
    if close is None:
        return _with(draft, body=f"{body}\n\n{sentence}\n")
    return _with(draft, body=f"{body[: close.start()]}\n\n{sentence}{body[close.start() :]}\n")


def _remove(draft: EarlierDraft, match: re.Match[str]) -> EarlierDraft | None:
    words = re.sub(
        r"^(?:the\s+(?:sentence|part|bit|line)\s+(?:about|on|with)\s+|the\s+|den\s+satz\s+(?:über|zu)\s+|das\s+|die\s+|den\s+)",
        "",
        _bare(match["old"]),
        flags=re.I,
    )
    named = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)", re.IGNORECASE)
    if not words or not named.search(draft.body):
        return None
    paragraphs = [
        _without(paragraph, lambda s: named.search(s) is not None) for paragraph in draft.body.rstrip().split("\n\n")
    ]
    body = "\n\n".join(p for p in paragraphs if p) + "\n"
    return _with(draft, body=body) if _says_something(body) else None


def _shorter(draft: EarlierDraft, _: re.Match[str]) -> EarlierDraft | None:
    polite = courtesies()
    paragraphs = [_without(paragraph, lambda s: s.strip() in polite) for paragraph in draft.body.rstrip().split("\n\n")]
    body = "\n\n".join(p for p in paragraphs if p) + "\n"
    return _with(draft, body=body) if _says_something(body) else None


def _without(paragraph: str, unwanted: Callable[[str], bool]) -> str:
    lines = [" ".join(s for s in re.split(r"(?<=[.!?])\s+", line) if not unwanted(s)) for line in paragraph.split("\n")]
    return "\n".join(line for line in lines if line)


def _says_something(body: str) -> bool:
    """Is there more than greeting, courtesies and close?"""
    polite = courtesies()
    middle = body.strip().split("\n\n")[1:-1]
    return any(s.strip() not in polite for p in middle for s in re.split(r"(?<=[.!?])\s+", p) if s.strip())


def _tone(words: dict[str, str]) -> Change:
    def change(draft: EarlierDraft, _: re.Match[str]) -> EarlierDraft:
        paragraphs = draft.body.rstrip().split("\n\n")
        for position in {0, len(paragraphs) - 1}:
            for old, new in words.items():
                if re.match(rf"{re.escape(old)}(?!\w)", paragraphs[position]):
                    paragraphs[position] = new + paragraphs[position][len(old) :]
                    break
        if paragraphs[0] == "Dear,":
            paragraphs[0] = FORMAL_NAMELESS
        return _with(draft, body="\n\n".join(paragraphs) + "\n")

    return change


def _sign(draft: EarlierDraft, match: re.Match[str]) -> EarlierDraft:
    name = _bare(match["new"])
    body = draft.body.rstrip()
    close = CLOSE.search(body)
    if close is None:
        return _with(draft, body=f"{body}\n\n{name}\n")
    first_line = body[close.end() :].split("\n")[0]
    comma = "" if first_line.endswith(",") or not first_line.isascii() or "Grüß" in first_line else ","
    return _with(draft, body=f"{body[: close.end()]}{first_line}{comma}\n{name}\n")


def _p(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


CHANGES: list[tuple[re.Pattern[str], Change]] = [
    (_p(r"(?:(?:please\s+|bitte\s+)?(?:make\s+it\s+|mach\w*\s+es\s+)?(?:a\s+bit\s+|a\s+little\s+|much\s+|etwas\s+)?(?:shorter|kürzer)(?:\s+please)?|shorten(?:\s+it)?|kürze?n?)"), _shorter),
    (_p(r"(?:please\s+)?(?:make\s+it\s+)?(?:a\s+bit\s+|a\s+little\s+)?(?:more\s+(?:casual|informal|relaxed)|less\s+formal|informal|casual|lockerer|informeller)"), _tone(INFORMAL)),
    (_p(r"(?:please\s+)?(?:make\s+it\s+)?(?:a\s+bit\s+|a\s+little\s+)?(?:more\s+formal|less\s+(?:casual|informal)|formal|förmlicher|formeller)"), _tone(FORMAL)),
    (_p(r"(?:change\s+(?:the\s+)?)?(?:subject|betreff)\s*(?::|to|should\s+be|soll\s+sein)\s*(?P<new>.+)"), _subject),
    (_p(r"(?:sign\s+(?:it\s+)?(?:as|with)|unterschreibe?\s+(?:als|mit))\s+(?P<new>.+)"), _sign),
    (_p(r"(?:please\s+)?(?:change|replace|ersetze?|ändere?)\s+(?P<old>.+?)\s+(?:to|with|by|into|durch|in|zu)\s+(?P<new>.+)"), _replace),
    (_p(r"(?:please\s+)?(?:write|say|use)\s+(?P<new>.+?)\s+instead\s+of\s+(?P<old>.+)"), _replace),
    (_p(r"(?:don['’]?t\s+mention|do\s+not\s+mention|remove|delete|leave\s+out|drop|without|entferne?|lösche?|streiche?|erwähne?\s+nicht)\s+(?P<old>.+)"), _remove),
    (_p(r"(?:please\s+)?(?:add|ergänze?|füge?\s+hinzu)\s*:\s*(?P<new>.+)"), _add),
    (_p(r"(?:please\s+)?(?:(?:also\s+)?(?:add|mention|say|write|tell\s+(?:him|her|them))\s+that|(?:erwähne?|ergänze?|schreibe?)(?:\s+auch)?,?\s+dass)\s+(?P<new>.+)"), _add),
]  # fmt: skip
