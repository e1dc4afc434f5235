"""What a mail is to do, read from the words of the request: thank, ask, tell, invite and the like.

A request is cut where a purpose begins; what follows, to the next purpose, is what it is about. Both stay in the
words of the person, but for pronouns: "his offer" in a request is "your offer" in the mail.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Purpose:
    """One thing that a mail is to do: its class and what it is about."""

    kind: str
    about: str
    is_clause: bool = False


ENGLISH: dict[str, str] = {
    "thank": r"thank(?:ing|s)?(?:[- ]you)?(?:\s+note)?",
    "apologise": r"apologi[sz](?:e|ing)|apology|apologies|say(?:ing)?\s+sorry",
    "decline": r"declin(?:e|ing)|turn(?:ing)?\s+down|reject(?:ing|ion)?",
    "cancel": r"cancel(?:l?ing|lation)?",
    "wish": r"wish(?:ing)?",
    "accept": r"accept(?:ing)?|agree(?:ing)?\s+to",
    "confirm": r"confirm(?:ing|ation)?",
    "invite": r"invit(?:e|ing|ation)",
    "meet": r"(?:ask(?:ing)?|request(?:ing)?|propos(?:e|ing)|suggest(?:ing)?)(?:\s+\w+)?\s+(?:for\s+|to\s+(?:have\s+)?)?(?:a\s+)?(?:meet(?:ing)?|call|appointment)\b",
    "remind": r"remind(?:ing|er)?",
    "introduce": r"introduc(?:e|ing|tion)",
    "congratulate": r"congratulat(?:e|ing|ions?)",
    "follow_up": r"follow(?:ing)?[- ]up|check(?:ing)?\s+in",
    "ask": r"ask(?:ing)?|request(?:ing)?|enquir(?:e|ing)|inquir(?:e|ing)",
    "tell": r"(?:tell|inform|notify|updat|announc|explain|say|mention|advis)(?:e|ing)?|let(?:ting)?(?=\s+\S+(?:\s+\S+)?\s+know)",
    "about": r"about|regarding|concerning|on\s+the\s+subject\s+of|re:",
    "that": r"that",
}
GERMAN: dict[str, str] = {
    "thank": r"(?:und\s+)?(?:bedanke?\s+dich|danke?n?|zu\s+(?:be)?danken|dank(?:es)?(?:mail|schreiben)?)",
    "apologise": r"entschuldige?\s+dich|(?:um\s+mich\s+)?(?:zu\s+)?entschuldigen?|entschuldigung",
    "decline": r"sag(?:e|en)?(?=\s.*\bab\b)|absagen?|ab(?:zu)?lehnen|absage",
    "confirm": r"bestätige?n?|bestätigung",
    "invite": r"lade?n?(?=\s.*\bein\b)|einladung|ein(?:zu)?laden",
    "remind": r"erinner(?:e|n|ung)?",
    "congratulate": r"gratulier(?:e|en)|glückwunsch",
    "follow_up": r"nach(?:zu)?(?:fassen|haken)|hake?\s+nach",
    "ask": r"bitte(?:n)?(?=\s+(?:\w+\s+)?um\b)|frag(?:e|en)?|anfragen?",
    "tell": r"(?:informier|benachrichtig|teil|sag|schreib|erklär|meld)(?:e|en)?(?:\s+mit)?(?=[\s,]+.*\b(?:dass|über)\b)|(?=dass\b)",
    "about": r"wegen|bezüglich|zum\s+thema|über|zu(?:r|m)?(?=\s)",
    "that": r"dass",
}
OBJECT = re.compile(
    r"^\s*(?:(?:(?:mr|mrs|ms|dr|prof)\.?\s+)?(?:him|her(?=\s+(?:know|for|about|that|to|of|on|if|whether|the|a|when)\b|$)|them|everyone|everybody|people|us)\b)\s*",
    re.IGNORECASE,
)
OBJECT_DE = re.compile(r"^\s*(?:dich|mich|ihn|ihm|ihr|sie|ihnen|uns|alle)\b\s*", re.IGNORECASE)
LINK = re.compile(
    r"^\s*(?:(?:emails?|e-mails?|mails?|messages?|notes?|letters?)\s+)?(?:to\s+\S+@\S+\s+|know\s+)?(?:for|of|about|on|regarding|with|to\s+know)\b\s*",
    re.IGNORECASE,
)
LINK_DE = re.compile(r"^\s*(?:für|zu[mr]?|an|über|wegen|bei|um|nach)\b\s*", re.IGNORECASE)
ADDRESSED = re.compile(r"^\s*(?:(?:[A-ZÄÖÜ][\w'’.-]*\s+){0,3})?[(<]?[^\s()<>@]+@[^\s()<>,]+[)>]?(?=[\s,]|$)[\s,]*")
FINITE = re.compile(
    r"^(?:i|we|you|he|she|it|they|there|this|that|my|our|your|the|a|an)\b.{0,60}?\b(?:am|is|are|was|were|has|have|had|will|would|can|cannot|can't|could|must|"
    r"should|may|might|won't|ends?|needs?|starts?|moves?|changed|moved|received|approved|shipped)\b",
    re.IGNORECASE,
)
TO_VERB = re.compile(r"^\s*to\s+(?=[a-z])", re.IGNORECASE)
CLAUSE = re.compile(
    r"^\s*(?:know\s+)?(?P<word>that|if|whether|when|where|how|what|why|who|which|dass|ob|wann|wie|wo|was|warum|wer)\s+",
    re.I,
)


def read_purposes(words: str, *, german: bool) -> list[Purpose]:
    """The purposes in a request, in order; empty when it names none."""
    table = GERMAN if german else ENGLISH
    pattern = re.compile(
        "|".join(f"(?P<{kind}>(?<!\\w)(?:{form})(?!\\w))" for kind, form in table.items()), re.IGNORECASE
    )
    found = list(pattern.finditer(words))
    if not found:
        return []
    starts = [m for n, m in enumerate(found) if n == 0 or _begins(words, found[n - 1], m)]
    ends = [m.start() for m in starts[1:]] + [len(words)]
    purposes = [_purpose(m, words[m.end() : end], german) for m, end in zip(starts, ends, strict=True)]
    return [
        p
        for p in purposes
        if p.about or (p.kind in {"thank", "apologise", "congratulate", "follow_up", "meet"} and not p.is_clause)
    ]


def _begins(words: str, earlier: re.Match[str], match: re.Match[str]) -> bool:
    """A purpose begins anew behind "and", "to" or a comma; else the word is part of what the earlier one is about."""
    if match.lastgroup in {"about", "that"}:
        return False
    between = words[earlier.end() : match.start()]
    return re.search(r"(?:\b(?:and|und|to|then)|,)\s*$", between, re.IGNORECASE) is not None


def _purpose(match: re.Match[str], behind: str, german: bool) -> Purpose:
    kind = match.lastgroup or "about"
    if german and kind == "about":
        return Purpose(kind, f"{match[0].casefold()} {behind.strip(' ,.;:')}")  # the preposition governs the case
    text = re.sub(r"\s*(?:,|\band\b|\bund\b|\bto\b|\bthen\b)\s*$", "", behind.strip(" ,.;:"), flags=re.I).strip(" ,.;:")
    if kind == "that":
        return Purpose("tell", _turned(text, german), is_clause=True)
    text = (OBJECT_DE if german else OBJECT).sub("", ADDRESSED.sub("", text))
    text = _without_person(re.sub(r"^[\s,]+", "", text), kind, german)
    clause = CLAUSE.match(text)
    if clause and clause["word"].casefold() in {"that", "dass"}:
        return Purpose(kind, _turned(text[clause.end() :], german), is_clause=True)
    if clause:
        # "explaining why it is late": the reason itself is not there, so there is nothing to tell
        return Purpose(kind, "" if kind == "tell" else _turned(text, german), is_clause=True)
    if (
        kind == "tell"
        and not german
        and (bare := re.sub(r"^know\s+", "", text))
        and FINITE.match(_turned(bare, german))
    ):
        return Purpose(kind, _turned(bare, german), is_clause=True)
    if not german and (verb := TO_VERB.match(text)):
        return Purpose(f"{kind}_to", _turned(text[verb.end() :], german))
    return Purpose(kind, _turned((LINK_DE if german else LINK).sub("", text, count=1).strip(" ,.;:"), german))


def _without_person(text: str, kind: str, german: bool) -> str:
    """ "telling Ana that ...", "reminding the team to ...": what stands before is whom it is for."""
    if CLAUSE.match(text):
        return text
    link = (
        r"(?:^|[\s,])(?:dass|ob|wann)\s" if german else r"(?:^|\s)(?:that|if|whether|to(?=\s+[a-z]+)|about|of|for|on)\s"
    )
    takes_person = kind in {"tell", "ask", "confirm", "remind", "thank", "apologise", "invite", "congratulate"}
    if (german or takes_person) and (inner := re.search(link, text)) and _is_person(text[: inner.start()].strip(" ,")):
        return text[inner.start() :].strip(" ,")
    return text


def _is_person(words: str) -> bool:
    words = words.strip()
    return (
        not words
        or re.fullmatch(
            r"(?:(?:the|our|my|all|der|die|den|dem|das|unser\w*|mein\w*|alle)\s+)?(?:[\w'’.-]+)(?:\s+[A-ZÄÖÜ][\w'’-]+)?(?:\s*[(<]?\S+@\S+[)>]?)?",
            words,
        )
        is not None
    )


def _turned(text: str, german: bool) -> str:
    """The words as they stand in a mail to the person spoken of: "his offer" becomes "your offer"."""
    text = " ".join(text.split())
    if german:
        return text
    turns: list[tuple[str, str]] = [
        (r"\b(?:he|she|they)\s+(?:is|are)\b", "you are"),
        (r"\b(?:he|she|they)\s+(?:was|were)\b", "you were"),
        (r"\b(?:he|she|they)\s+(?:has|have)\b", "you have"),
        (r"\b(?:he|she)\s+(?!always\b|perhaps\b)(\w+(?:ss|x|ch|sh|zz|o))es\b", r"you \1"),
        (r"\b(?:he|she)\s+(?!always\b|perhaps\b)(\w+)ies\b", r"you \1y"),
        (r"\b(?:he|she)\s+(?!always\b|perhaps\b)(\w*[^s\W])s\b", r"you \1"),
        (r"\b(?:he|she)\b", "you"),
        (r"\bhis\b", "your"),
        (r"\bher\b(?=\s+[a-z])(?!\s+(?:for|about|that|to|on|at|in|by|and|or|when|if|tomorrow|today)\b)", "your"),
        (r"\btheir\b", "your"),
        (r"\b(?:him|her)\b", "you"),
    ]
    for pattern, word in turns:
        text = re.sub(pattern, word, text)
    return text


def speaks_of_them(purposes: list[Purpose]) -> bool:
    """Does a German purpose speak of the recipient as "er" or "sie"? Turning that into an address takes grammar."""
    return any(
        p.is_clause and re.search(r"\b(?:er|ihm|ihn|sie|ihnen|ihre?[nmrs]?|seine?[nmrs]?)\b", p.about) for p in purposes
    )
