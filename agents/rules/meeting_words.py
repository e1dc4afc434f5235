"""The words by which a mail proposes a meeting, asks when, refuses, or says how long. English and German."""

import re

ANY = re.IGNORECASE
MEETING = re.compile(
    r"\b(?:(?:video|phone|zoom|teams|intro(?:ductory)?)?\s?calls?|meet(?:ing|up)?s?|chat|talk|speak|catch(?:ing)?[ -]?up|sync|intro|coffee|lunch|dinner|breakfast|"
    r"interview|demo|appointment|conversation|discuss\w*|connect|workshop|get together|termine?\w*|gespräch\w*|besprech\w*|telefon\w*|treffen|austausch\w*|"
    r"kaffee|mittagessen|sprechen|video(?:call|konferenz)\w*|reden|kennenlern\w*)\b",
    ANY,
)
YOU = r"(?:you|u|sie|du|dir|ihnen|ihr|euch)"
TALK = r"(?:meet|talk|speak|chat|call|catch\s+up|connect|discuss|sync|have|do|hop|jump|get\s+on|schedule|set\s+up|arrange|grab|move|reschedule|push|shift|postpone|say)"
ASKS = re.compile(
    r"\b(?:would|does|do|could|can|will|is|are|might)\b.{0,200}\b(?:works?|suits?|fits?|(?:be\s+)?(?:ok(?:ay)?|good|fine|possible|convenient|better|free|available|around|open))\b"
    r"|\b(?:have|had)\b.{0,40}\btime\b"
    r"|\bhow(?:['’]s|\s+is|\s+about|\s+does)\b|\bwhat\s+about\b"
    rf"|\b(?:could|can|shall|should|may|might)\s+(?:we|i)\s+(?:\w+\s+){{0,3}}{TALK}\b"
    r"|\b(?:i|we)(?:['’]?(?:m|re|d)|\s+(?:am|are|could|can|would|have))\s+(?:\w+\s+){0,3}(?:free|available|open|offer|suggest|propose|do|make)\b"
    r"|\b(?:works?|suits?|fits?)\s+(?:best\s+|well\s+|fine\s+)?for\s+(?:you|me|us)\b|\bif\s+(?:that|it)\s+(?:works|suits)\b"
    r"|\b(?:i|we)(?:['’]?d|\s+would)?\s+(?:suggest|propose)\b|\blet\s+me\s+know\s+(?:if|whether|which)\b|\bfree\s+(?:on|at|for)\b"
    r"|\b(?:any\s?time|sometime)\s+(?:on|next|this|between|in)\b"
    r"|\b(?:passt|passen|passte|ginge|geht|klappt|klappen|klappte|recht|möglich)\b"
    r"|\b(?:hast|hättest|haben|hätten|habt|hättet)\s+(?:du|sie|ihr)\b.{0,80}\b(?:zeit|luft|frei)\b"
    r"|\b(?:können|könnten|wollen|sollen|sollten)\s+wir\b"
    r"|\bwie\s+(?:wäre|ist|sieht)\b|\b(?:schlage|biete|schlagen|bieten)\b.{0,120}\b(?:vor|an)\b|\b(?:ich|wir)\s+(?:könnte|könnten|kann|können)\b"
    r"|\b(?:irgendwann|jederzeit)\b",
    ANY | re.DOTALL,
)
ASKS_WHEN = re.compile(
    rf"\b(?:when|what\s+(?:day|time)s?|which\s+(?:day|time|date|slot)s?)\b.{{0,40}}\b(?:suits?|works?|free|available|convenient|we\s+(?:meet|talk|speak)|time\s+for)\b.*\?"
    rf"|\b(?:when|what\s+times?)\s+(?:are|would|could|can|is|do)\s+{YOU}\b.{{0,60}}\b(?:free|available|meet|talk|speak|time)\b"
    r"|\bwann\b.{0,60}\b(?:zeit|passt|passen|sprechen|telefonieren|treffen|verfügbar)\b|\b(?:what|how)\s+does\s+your\s+(?:calendar|week|schedule)\s+look\b",
    ANY,
)
REFUSES = re.compile(
    r"\b(?:can(?:no|['’]?)t|cannot|can\s+not|won['’]?t|doesn['’]?t|does\s+not|don['’]?t|isn['’]?t|not\s+(?:free|available|possible|able)|unavailable|busy|booked|out\s+of\s+office)\b(?!.*\bif\b)"
    r"|\b(?:leider|nicht|kein\w*|verhindert|belegt)\b",
    ANY,
)
SETTLED = re.compile(
    r"\b(?:still\s+(?:on|work\w*|good|happening|ok(?:ay)?|fine|planned)|as\s+(?:agreed|planned|discussed|usual)|is\s+(?:confirmed|booked|scheduled)|see\s+you|looking\s+forward|"
    r"reminder|thanks\s+for|thank\s+you\s+for|bleibt\s+es\s+bei|wie\s+(?:vereinbart|besprochen|geplant)|bis\s+(?:dann|morgen|montag)\b|steht\s+(?:noch|fest)|immer\s+noch)\b",
    ANY,
)
OTHER_MATTER = re.compile(
    r"\b(?:deliver\w*|ship(?:ment|ping|ped)?|deadline|due\s+date|launch|release|go-?live|payment|invoice|order|send|submit|finish|sign|return|"
    r"liefer\w*|versand|frist|zahlung|rechnung|bestellung|schick\w*|send(?:e|en|est)|abgabe|unterschr\w*|fertig)\b",
    ANY,
)
LEAD_IN = re.compile(
    r"\b(?:these|following|one\s+of|any\s+of|options?|slots?|times?|availab\w+|folgende\w*|diese[rn]?|termine?|zeiten|vorschläge)\b",
    ANY,
)
NUMBER = r"(?P<n>\d{1,3}(?:[.,]\d)?|an?|one|two|three|half\s+an?|eine?r?|zwei|drei|einer?\s+halben?|eine?\s+halbe|anderthalb)"
LENGTHS = re.compile(
    rf"\b(?P<glued>\d{{1,3}})[ -]?(?:minutes?|mins?|minutig\w*|minütig\w*|minuten|min)\b|\b{NUMBER}[ -]?(?P<unit>hours?|hrs?|h|stunden?|stündig\w*)\b|\b(?P<word>einstündig\w*|zweistündig\w*|halbstündig\w*)\b",
    ANY,
)
WORDS = {
    "a": 60, "an": 60, "one": 60, "two": 120, "three": 180, "eine": 60, "ein": 60, "einer": 60, "zwei": 120, "drei": 180,
    "half a": 30, "half an": 30, "eine halbe": 30, "einer halben": 30, "einen halben": 30, "ein halbe": 30, "anderthalb": 90,
    "einstündig": 60, "zweistündig": 120, "halbstündig": 30,
}  # fmt: skip
IS_LEAD_OF = re.compile(r"\b(?:in|within|ago|before|nach|vor|after|every|notice)\s*$", ANY)


def lead_in(text: str) -> bool:
    """Does a sentence announce times that follow as a list ("Would one of these suit you?")?"""
    return LEAD_IN.search(text) is not None and (text.rstrip().endswith((":", "?")) or ASKS.search(text) is not None)


def minutes_said(text: str) -> int | None:
    """How long the meeting is to be, where a mail says it: 15 minutes to 8 hours. "In an hour" says no length."""
    for match in LENGTHS.finditer(text):
        if IS_LEAD_OF.search(text[max(0, match.start() - 12) : match.start()]):
            continue
        minutes = _minutes(match)
        if minutes and 10 <= minutes <= 8 * 60:
            return minutes
    return None


def _minutes(match: re.Match[str]) -> int | None:
    if match["glued"]:
        return int(match["glued"])
    if match["word"]:
        word = match["word"].casefold()
        return next((length for stem, length in WORDS.items() if word.startswith(stem) and len(stem) > 5), None)
    number = " ".join(match["n"].casefold().split())
    if number[0].isdigit():
        return int(float(number.replace(",", ".")) * 60)
    return WORDS.get(number)
