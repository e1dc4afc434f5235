"""What a mail of the person asks of its reader, and whether an answer is wanted. Pure."""

import re

from agents.rules.mail_requests import find_requests
from agents.rules.mail_text import read_mail_text

LONGEST_QUOTE = 300
ASKS = re.compile(
    r"\b(?:please|pls|kindly|bitte|can\s+you|could\s+you|would\s+you|kannst\s+du|könntest\s+du|können\s+sie|könnten\s+sie|let\s+me\s+know|gib\w*\s+mir\s+bescheid)\b",
    re.IGNORECASE,
)
NONE_NEEDED = re.compile(
    r"\b(?:no\s+(?:need\s+to\s+(?:reply|respond|answer|get\s+back)|(?:answer|reply|response)\s+(?:is\s+)?(?:needed|necessary|required|expected)|rush)|(?:do\s+not|don['’]?t|needn['’]?t)\s+(?:need\s+to\s+|have\s+to\s+|bother\s+to\s+)?(?:reply|respond|answer)|"
    r"just\s+(?:fyi|for\s+your\s+information)|fyi\b|nntr|whenever\s+you\s+(?:have|get|find)|keine\s+(?:antwort|rückmeldung)\s+(?:nötig|erforderlich|notwendig)|(?:brauchst|müssen|musst|brauchen)\b.{0,20}\bnicht\b.{0,10}\b(?:antworten|reagieren|zurückschreiben)|nur\s+zur\s+info|zur\s+kenntnis)\b",
    re.IGNORECASE,
)


def question_in(text: str) -> str | None:
    """The last sentence that asks something in earnest; None where nothing is asked, or no answer is wanted."""
    sentences = [one.text for one in read_mail_text(text).sentences]
    if NONE_NEEDED.search(" ".join(sentences)):
        return None
    for words in reversed(sentences):
        is_question = words.rstrip("\"'”) ").endswith("?")
        if (is_question or ASKS.search(words)) and find_requests(words):
            return words[:LONGEST_QUOTE]
    return None
