"""Which tasks bind somebody: a signature, a purchase, a hiring, a filing. They are a person's, whatever a document says. Pure.

A commitment is found by what a title, or a part of it after "and", begins with: "Draft the lease" binds nobody.
"""

import re

from agents.rules.meaning import meaning_of
from agents.rules.sentences import verb_of

PARTS = re.compile(r"\s*(?:[,;:/]|\band\b|\bthen\b|\bund\b|\bdann\b|&)\s*", re.IGNORECASE)
PAPERS = r"(?:\w+\s+){0,4}?(?:statutes|articles|applications?|registrations?|tax\w*|returns?|claims?|bids?|tenders?|offers?|permits?|notices?|patents?|lawsuit)\b"
BINDING = re.compile(
    r"^(?:(?:counter)?sign(?:ing)?(?!\s+(?:up|in|out|on|off)\b)|(?:sub)?leas(?:e|ing)|rent(?:ing)?|hir(?:e|ing)|employ(?:ing)?|appoint(?:ing)?|recruit(?:ing)?"
    r"|buy(?:ing)?|purchas(?:e|ing)|procur(?:e|ing)|acquir(?:e|ing)|pay(?:ing)?|invest(?:ing)?|borrow(?:ing)?|sell(?:ing)?|donat(?:e|ing)"
    r"|order(?:ing)?(?!\s+(?:the\s+)?(?:list|entries|steps|tasks|priorities|sections|options)\b)"
    r"|book(?:ing)?(?!\s+(?:an?\s+)?(?:call|meeting|appointment|time)\b)|transfer(?:ring)?\s+(?:the\s+)?(?:money|funds|deposit|amount|title|ownership)"
    r"|terminat(?:e|ing)|dismiss(?:ing)?|incorporat(?:e|ing)|found(?:ing)?\s+(?:an?|the|our)\b|commission(?:ing)?|award(?:ing)?|engag(?:e|ing)\s+(?:an?|the|our)\b"
    r"|approv(?:e|ing)|authori[sz](?:e|ing)|delet(?:e|ing)|destroy(?:ing)?|conclud(?:e|ing)\s+(?:an?|the)\s+(?:\w+\s+)?(?:contract|agreement|lease|deal)"
    r"|enter(?:ing)?\s+into|(?:take|taking)\s+out\s+(?:an?|the)\s+(?:\w+\s+)?(?:loan|insurance|mortgage|policy)|contract(?:ing)?\s+(?:an?|the|with)\b"
    rf"|accept(?:ing)?\s+{PAPERS}|(?:file|filing|submit|submitting|lodge)\s+{PAPERS}|register(?:ing)?\s+(?:an?|the|our)\s+(?:\w+\s+)?(?:association|company|business|trademark|charity|non-profit|foundation)"
    r"|unterschreib\w*|unterzeichn\w*|kauf\w*|miet\w*|pacht\w*|bestell\w*|beauftrag\w*|einstell\w*|kündig\w*|bezahl\w*|überweis\w*|genehmig\w*|gründ\w*)\b",
    re.IGNORECASE,
)  # fmt: skip
# German puts its verb last: "Den Mietvertrag unterschreiben".
BINDING_LAST = re.compile(
    r"\b(?:unterschreiben|unterzeichnen|abschließen|kaufen|anmieten|mieten|pachten|bestellen|beauftragen|einstellen|kündigen|bezahlen|überweisen"
    r"|genehmigen|gründen)\W*$",
    re.IGNORECASE,
)
NOTE = "This binds: a person decides on it and does it. Nothing here signs, buys, hires, pays or files by itself."


def is_binding(title: str) -> bool:
    """Does a task with this title look like a commitment that cannot be taken back, or costs money?"""
    verb = verb_of(title)
    if verb is not None and verb.is_known and meaning_of(verb).kind in {"purchase", "payment"}:
        return True
    return any(BINDING.search(part) or BINDING_LAST.search(part) for part in PARTS.split(title.strip()))
