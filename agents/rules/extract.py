"""Tasks in what a person writes, found by rules: sentences, clauses, verbs, dates.

A clause is a task when it asks for something: it begins with a known verb in the imperative, or behind a marker of
duty or request ("I need to", "please", "vergiss nicht"), or says that something is due. What is over, denied, asked
about the world or merely pleasant is none. Nothing is invented: titles and recipients are words of the text.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from agents.rules.dates import DateMention, find_dates
from agents.rules.recurrence import Recurrence, find_recurrence
from agents.rules.verbs import Meaning, classify, verb_class
from tasks.models import ExtractedTask, Extraction, Priority

LONGEST_MESSAGE = 100_000
LONGEST_CLAUSE = 2_000
MOST_TASKS = 50

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u2028\u2029\ufeff]")
SENTENCE_END = re.compile(
    r"(?<=[.!?;])(?<!\b[A-Za-z]\.)(?<!\d\.)(?<!e\.g\.)(?<!z\.B\.)(?<!Dr\.)(?<!Mr\.)(?<!Ms\.)(?<!Nr\.)(?<!St\.)\s+"
)
BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)]|\[[ xX]?\]|- \[[ xX]?\])\s+")
MATERIAL_VERB = re.compile(
    r"\b(?:translate|summari[sz]e|extract|rewrite|rephrase|reword|shorten|proofread|polish|paraphrase|simplify|recap|correct|list|pull|condense|"
    r"übersetze?n?|fasse?|zusammenfassen|extrahiere?n?|kürze?n?|korrigiere?n?|formuliere?n?|überarbeite?n?|vereinfache?n?)\b", re.I
)  # fmt: skip
DUTY = (
    r"(?:(?:i|we)(?:['’]d)?\s+(?:really\s+|also\s+|still\s+)?(?:need|have|want|would\s+like|['’]d\s+like|must|should|ought|got|plan|intend|hope)(?:\s+to)?(?!\s+(?:a|an|the|been|had)\b)|"
    r"(?:i|we)(?:['’]ve|\s+have)\s+(?:got\s+)?to|(?:i['’]m|i\s+am|we['’]re|we\s+are)\s+(?:supposed|going|meant)\s+to|i['’]ll\s+have\s+to|i\s+gotta|gotta|need\s+to|have\s+to|must|"
    r"i['’]d\s+like\s+you\s+to|i\s+(?:need|want)\s+you\s+to|you\s+(?:should|need\s+to|have\s+to)|"
    r"(?:please\s+)?(?:can|could|would|will)\s+you(?:\s+please)?|(?:can|could|shall|should)\s+(?:i|we)|let['’]?s|would\s+you\s+mind|it\s+would\s+be\s+(?:great|nice)\s+(?:if\s+you\s+could|to)|"
    r"(?:please\s+)?remind\s+me(?:\s+(?:to|about|of|that(?:\s+i\s+(?:need|have)\s+to)?))?|(?:please\s+)?(?:do\s+not|don['’]?t)\s+(?:let\s+me\s+)?forget(?:\s+(?:to|about|that))?|"
    r"(?:please\s+)?make\s+sure(?:\s+(?:to|that\s+(?:i|we|you)|i|we|you))?|(?:please\s+)?remember(?:\s+to)?|note\s+to\s+self|to-?do|task|reminder|"
    r"ich\s+(?:muss|sollte|soll|möchte|will|darf\s+nicht\s+vergessen)|wir\s+(?:müssen|sollten|sollen|wollen)|"
    r"(?:kannst|könntest|würdest|magst)\s+du(?:\s+(?:bitte|mir|mal))*|(?:können|könnten|würden)\s+sie(?:\s+(?:bitte|mir))*|"
    r"erinner[ea]?\s+mich(?:\s+(?:bitte\s+)?(?:daran|an|dass\s+ich))?|(?:bitte\s+)?(?:vergiss|nicht\s+vergessen)(?:\s+nicht)?|nicht\s+vergessen|denk(?:e)?\s+(?:bitte\s+)?(?:daran|an)|"
    r"aufgabe|erinnerung|bitte|please|kindly|pls|just|also|then|and|und|auch|dann|außerdem|maybe|vielleicht|ok(?:ay)?|so|hey(?:\s+steward)?|hi|hello|hallo|steward|first|second(?:ly)?|third(?:ly)?|finally|afterwards|danach|zuerst|noch|mal|next)"
)  # fmt: skip
PREFIX = re.compile(rf"^[\s,:–—-]*(?:{DUTY})(?:\s*[:,–-]\s*|\s+|$)", re.IGNORECASE)
REQUEST = re.compile(
    r"\b(?:(?:can|could|would|will)\s+you|please|pls|kindly|remind\s+me|don['’]?t\s+(?:let\s+me\s+)?forget|need\s+to|have\s+to|must|should|gotta|to-?do|make\s+sure|let['’]?s|task|reminder|remember\s+to|"
    r"i['’]d\s+like\s+(?:you\s+)?to|want\s+(?:you\s+)?to|kannst\s+du|könntest\s+du|würdest\s+du|können\s+sie|könnten\s+sie|bitte|muss|müssen|sollte|vergiss|vergessen|erinner\w*\s+mich|denk\w*\s+(?:daran|an))\b", re.I
)  # fmt: skip
OVER = re.compile(
    r"\b(?:already|yesterday|last\s+(?:week|night|month|year)|gestern|bereits|schon\s+erledigt)\b|^\s*(?:i|we|he|she|they|it|you)\s+(?:just\s+)?"
    r"(?:had|was|were|did|went|called|paid|bought|sent|wrote|booked|finished|got|made|have\s+(?:already\s+)?(?:done|sent|paid|called|been|finished)|['’]ve\s+(?:done|sent|paid|called|been|finished))\b", re.I
)  # fmt: skip
DENIED = re.compile(
    r"\b(?:no\s+need\s+to|(?:do\s+not|don['’]?t|needn['’]?t|does\s+not|doesn['’]?t)\s+(?!let\s+me\s+forget|forget)(?:\w+\s+)?(?:need|have)?|never\s*mind|forget\s+(?:about\s+)?it|not\s+necessary|"
    r"(?:brauchst|musst|muss|müssen|brauche)\s+(?:\w+\s+){0,4}nicht|nicht\s+nötig|kein(?:e)?\s+\w+\s+nötig|(?:schon\s+)?gut|egal)\b", re.I
)  # fmt: skip
DONT_FORGET = re.compile(
    r"\b(?:do\s+not|don['’]?t)\s+(?:let\s+me\s+)?forget|nicht\s+vergessen|vergiss\b.*\bnicht\b", re.I
)
QUESTION = re.compile(
    r"^\W*(?:what|who|whom|whose|where|when|why|which|how|is|are|am|was|were|do|does|did|has|have|had|shall|may|might|was\s+ist|wie|warum|wieso|wo|wann|wer|welche[rs]?|ist|sind|hast|hat|war|gibt|"
    r"weißt|bist|was|what['’]s|who['’]s|how['’]s|where['’]s)\b", re.I
)  # fmt: skip
DUE = re.compile(r"^(?P<what>.{2,120}?)\s+(?:is|are|ist|sind)\s+(?:due|fällig|overdue)\b", re.I)
DUE_BARE = re.compile(r"^(?P<what>.{2,120}?)\s*[,:(–-]?\s*\b(?:due|fällig|deadline)\b", re.I)
NOUN_TASK = re.compile(
    r"\b(?:appointment|meeting|call|deadline|rent|invoice|payment|bill|dentist|doctor|interview|check-?up|inspection|Termin|Zahnarzt\w*|Arzttermin|Miete|Rechnung|Besprechung|Frist|Abgabe|Elternabend)\b", re.I
)  # fmt: skip
NOT_CONTENT = re.compile(r"\b(?:that|saying|to\s+say|telling|dass|mit\s+dem\s+hinweis|:\s)", re.I)
CUT = re.compile(
    r"(?:\s*[,;]\s*(?:and|und|then|dann|plus|as\s+well\s+as|but|aber)?\s*(?:also|then|auch|dann|außerdem)?\s+|\s+(?:and|und|then|dann|plus|&)\s+(?:also\s+|then\s+|auch\s+|dann\s+|please\s+|bitte\s+)?|\s*,\s*)"
)
ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
HANDLE = re.compile(r"(?<![\w.])@(\w[\w.-]*\w|\w)")
NAME = re.compile(
    r"\b(?:to|with|from|at|for|ask|tell|call|ping|email|mail|message|text|invite|remind|phone|reply to|answer|an|mit|bei|von|für|an die|frag|frage|ruf|rufe|informiere?|antworte|schreib|schreibe|sag)\s+"
    r"((?:(?:Dr|Mr|Mrs|Ms|Herrn?|Frau)\.?\s+)?[A-ZÄÖÜ][\w'’-]+(?:\s+[A-ZÄÖÜ][\w'’-]+)?)"
)  # fmt: skip
NOT_NAMES = {
    "slack", "teams", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "german", "english", "french", "spanish", "api", "q1", "q2",
    "q3", "q4", "i", "deutsch", "englisch", "montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag", "berlin", "eur", "usd", "it", "hr",
}  # fmt: skip
LABEL = re.compile(r"(?<![\w/&])#([A-Za-zÄÖÜäöüß][\w-]{0,49})")
CHANNEL = re.compile(r"\b(?:in|to|on|into|auf|im)\s+(?:the\s+)?#[\w-]+|#[\w-]+\s+(?:on|channel|in|auf|im)\b", re.I)
PRIORITIES: list[tuple[re.Pattern[str], Priority]] = [
    (re.compile(r"(?<!\w)(?:p1|!!!|urgent(?:ly)?|asap|as\s+soon\s+as\s+possible|critical|immediately|right\s+away|emergency|top\s+priority|highest\s+priority|dringend|sofort|eilt|eilig|so\s+schnell\s+wie\s+möglich|höchste\s+priorität)(?!\w)", re.I), "critical"),
    (re.compile(r"(?<!\w)(?:p2|!!|important|high\s+priority|high\s+prio|prio(?:rity)?\s+high|wichtig|hohe\s+priorität)(?!\w)", re.I), "high"),
    (re.compile(r"(?<!\w)(?:p4|low\s+priority|low\s+prio|no\s+rush|not\s+urgent|no\s+hurry|when\s+you\s+(?:have|get|find)\s+(?:a\s+)?(?:time|moment|minute|chance)|whenever|someday|at\s+some\s+point|irgendwann|nicht\s+dringend|keine\s+eile|hat\s+zeit|wenn\s+du\s+zeit\s+hast|niedrige\s+priorität)(?!\w)", re.I), "low"),
    (re.compile(r"(?<!\w)p3(?!\w)", re.I), "medium"),
]  # fmt: skip
STRAY = re.compile(r"^[\s,;:.!?–—*-]+|[\s,;:.!?–—-]+$")
MINUTES = re.compile(
    r"\b(?:(?P<n>\d{1,3})[ -]?(?P<unit>minutes?|mins?|minütige[nrs]?|minuten|hours?|hrs?|h|stunden?|stündige[nrs]?)|(?P<half>half[- ](?:an[- ])?hour|halbstündige[nrs]?))\b",
    re.I,
)


@dataclass(frozen=True)
class Clause:
    """A piece of a sentence that may be a task: its words, and the day that stood before the whole sentence."""

    text: str
    is_listed: bool = False
    shared: DateMention | Recurrence | None = None
    material: str = ""


def extract_tasks(message: str, now: datetime) -> Extraction:
    """The tasks in a message, in order of mention, and a reply that says what was understood. `now` is aware."""
    text = CONTROL.sub(" ", message[:LONGEST_MESSAGE]).replace("’", "'")
    tasks: list[ExtractedTask] = []
    for clause in _clauses(text, now):
        task = _task(clause, now)
        if task and task.title.casefold() not in {t.title.casefold() for t in tasks}:
            tasks.append(task)
        if len(tasks) == MOST_TASKS:
            break
    return Extraction(reply=_reply(tasks, text), tasks=tasks)


# From a message to clauses --------------------------------------------------------------------------------------------


def _clauses(text: str, now: datetime) -> list[Clause]:
    material = _with_material(text)
    if material:
        return material
    found: list[Clause] = []
    for line in text.splitlines():
        is_listed = BULLET.match(line) is not None
        for sentence in SENTENCE_END.split(BULLET.sub("", line)):
            if len(sentence) > LONGEST_CLAUSE:
                sentence = sentence[:LONGEST_CLAUSE]
            if sentence.strip():
                found.extend(_split_sentence(sentence.strip(), is_listed, now))
        if len(found) > 500:
            break
    return found


def _with_material(text: str) -> list[Clause]:
    """ "Translate this into German: ..." is one task, and what follows the colon is what it works on."""
    head, colon, rest = text.partition(":")
    if not colon or not rest.strip() or len(head) > 300 or "\n" in head.strip() or re.search(r"\d$", head):
        return []
    if not MATERIAL_VERB.search(head) or rest.startswith("//"):
        return []
    return [Clause(head.strip(), material=rest.strip())]


def _split_sentence(sentence: str, is_listed: bool, now: datetime) -> list[Clause]:
    """Cut where a new request begins; an enumeration of things is no cut."""
    starts = [0]
    for cut in CUT.finditer(sentence):
        if cut.start() > starts[-1] and _begins_request(sentence[cut.end() :], now):
            starts.append(cut.end())
    pieces = [sentence[a:b] for a, b in zip(starts, [*starts[1:], len(sentence)], strict=True)]
    shared = None
    if len(pieces) > 1:
        shared = _leading_date(pieces[0], now)
    return [Clause(CUT_END.sub("", piece).strip(), is_listed, shared if n else None) for n, piece in enumerate(pieces)]


CUT_END = re.compile(r"(?:\s*[,;]\s*|\s+(?:and|und|then|dann|plus|but|aber))+\s*(?:also|then|auch|dann)?\s*$", re.I)


def _leading_date(piece: str, now: datetime) -> DateMention | Recurrence | None:
    if (rule := find_recurrence(piece, now)) and rule.start <= 2:
        return rule
    dates = find_dates(piece, now)
    return dates[0] if dates and dates[0].start <= 2 and dates[0].end < len(piece) - 3 else None


def _begins_request(text: str, now: datetime) -> bool:
    words = _strip_prefixes(text[:200])
    had_prefix = REQUEST.match(text.strip()) is not None
    words = _without_leading_dates(words, now)
    first = re.match(r"[^\W\d_]+(?:-[^\W\d_]+)?", words)
    if not first:
        return False
    name = verb_class(first[0])
    if name is None:
        return (had_prefix and len(words.split()) > 1) or _german_infinitive(words) is not None
    following = words[first.end() :]
    if first[0][0].isupper() and not had_prefix and first[0].casefold() not in {"email", "e-mail"}:
        return False  # inside a sentence a capital makes it a name: "Anna and Mark", German nouns
    return bool(following.strip()) and not re.match(r"\s*(?:is|are|was|of|for\s+the\s+\w+\s*$)\b", following)


def _strip_prefixes(text: str) -> str:
    text = text.strip()
    for _ in range(8):
        stripped = PREFIX.sub("", text, count=1).strip()
        if stripped == text:
            break
        text = stripped
    return text


def _without_leading_dates(text: str, now: datetime) -> str:
    dates = find_dates(text[:120], now)
    if dates and dates[0].start <= 1 and dates[0].end < len(text):
        return text[dates[0].end :].lstrip(" ,:")
    return text


# From a clause to a task ----------------------------------------------------------------------------------------------


def _task(clause: Clause, now: datetime) -> ExtractedTask | None:
    text = clause.text
    asks = REQUEST.search(text) is not None or clause.is_listed
    if (OVER.search(text) and not asks) or (DENIED.search(text) and not DONT_FORGET.search(text)):
        return None
    if not asks and (QUESTION.match(text) or text.rstrip().endswith("?")):
        return None
    priority, words = _priority(text)
    recurrence = find_recurrence(words, now)
    if recurrence:
        words = words[: recurrence.start] + " " + words[recurrence.end :]
    dates = find_dates(words, now)
    labels = [] if CHANNEL.search(words) else list(dict.fromkeys(label.casefold() for label in LABEL.findall(words)))
    if labels:
        words = LABEL.sub(" ", words)
        dates = find_dates(words, now)
    due, words = _due(words, dates)
    bare = _strip_prefixes(STRAY.sub("", words))
    marked = len(bare) < len(STRAY.sub("", words)) and asks
    read = _meaning(bare, text, marked=marked or clause.is_listed, has_date=bool(due or recurrence))
    if read is None:
        return None
    meaning, title = read
    when = recurrence or due or clause.shared
    title = _title(title)
    if len(re.sub(r"\W", "", title)) < 2:
        return None
    return ExtractedTask(
        title=title[:300],
        description=clause.material[:100_000],
        execution_type=meaning.execution_type,
        kind=meaning.kind,
        confidence=meaning.confidence,
        why=meaning.why,
        due_at=when.due_at if when else None,
        due_is_all_day=when.is_all_day if when else True,
        recurrence=when.rule if isinstance(when, Recurrence) else None,
        priority=priority,
        labels=labels,
        recipient=_recipient(title, meaning),
        quote=(f"{clause.text}: {clause.material}" if clause.material else clause.text)[:500],
        estimated_duration_minutes=_minutes(title),
    )


def _meaning(bare: str, whole: str, *, marked: bool, has_date: bool) -> tuple[Meaning, str] | None:
    """What the clause asks for, and the words of its title; None when it asks for nothing."""
    first = re.match(r"[^\W\d_]+(?:-[^\W\d_]+)?", bare)
    if due := DUE.match(bare):
        return Meaning("errand", "manual", 0.8, "Something is due"), due["what"]
    if first:
        rest = bare[first.end() :]
        name = verb_class(first[0])
        is_statement = re.match(r"\s*(?:is|are|was|were|will|has|ist|war|sind|hat|wird)\b", rest) is not None
        if name and not is_statement and (rest.strip() or marked):
            if first[0].casefold() in {"ruf", "rufe"}:
                name = "call" if re.search(r"\ban\b|zurück", rest) else name
            return classify(name, first[0], rest), bare
        if re.match(r"(?:for|about|mit|an|die|den|das|der|the|my|our)$", first[0], re.I) is None and (
            verb := _german_infinitive(bare)
        ):
            return classify(verb[0], verb[1], bare), bare
        if verb := _german_infinitive(bare):
            return classify(verb[0], verb[1], bare), bare
    if has_date and (due := DUE_BARE.match(bare)):
        return Meaning("errand", "manual", 0.7, "Something is due"), due["what"]
    if marked and bare:
        return Meaning("errand", "manual", 0.7, "You asked to be reminded of it"), bare
    if (
        has_date
        and len(bare.split()) <= 7
        and NOUN_TASK.search(bare)
        and not re.search(r"\b(?:was|were|is|are|war|ist|i|we|you)\b", bare, re.I)
    ):
        return Meaning("errand", "manual", 0.6, "An appointment or something due"), bare
    return None


def _german_infinitive(words: str) -> tuple[str, str] | None:
    """The verb of "Miete bis Freitag überweisen": it stands last, uninflected."""
    pieces = re.findall(r"[^\W\d_]+", words)
    if len(pieces) < 2 or len(pieces) > 30:
        return None
    last = pieces[-1]
    if (
        last[0].isupper()
        or not last.endswith(("en", "eln", "ern"))
        or last in {"seen", "been", "then", "when", "children", "open", "seven", "ten", "given", "taken"}
    ):
        return None
    name = verb_class(last)
    return (name, last) if name and verb_class_is_german(last) else None


def verb_class_is_german(word: str) -> bool:
    """Is this an infinitive of German, not an English word that ends alike?"""
    return word not in {
        "listen",
        "happen",
        "open",
        "broken",
        "garden",
        "golden",
        "written",
        "eaten",
        "driven",
        "chosen",
    }


def _priority(text: str) -> tuple[Priority, str]:
    for pattern, priority in PRIORITIES:
        if match := pattern.search(text):
            if priority in {"critical", "low"} and re.search(r"\bnot\s+$|\bnicht\s+$", text[: match.start()], re.I):
                return "low", pattern.sub(" ", text)
            return priority, text[: match.start()] + " " + text[match.end() :]
    return "medium", text


def _due(words: str, dates: list[DateMention]) -> tuple[DateMention | None, str]:
    """The date the task is due, and the words without it. Dates inside what is to be said stay where they are."""
    content = NOT_CONTENT.search(words)
    own = [
        d
        for d in dates
        if content is None
        or d.start < content.start()
        or (d.relation in {"by", "before"} and d.end >= len(words.rstrip(" .!")) - 1)
    ]
    if not own:
        return None, words
    chosen = next((d for d in own if d.relation in {"by", "before"}), own[0])
    return chosen, words[: chosen.start] + " " + words[chosen.end :]


def _title(words: str) -> str:
    title = re.sub(r"\s+", " ", words)
    title = re.sub(r"\s+([,.;:!?)])", r"\1", title)
    title = re.sub(r"\(\s*\)", "", title)
    title = STRAY.sub("", title).strip()
    title = re.sub(r"[\s,]+(?:by|until|on|at|before|am|um|bis|für|for|and|und|the|,)$", "", title, flags=re.I).strip()
    return title[:1].upper() + title[1:]


def _recipient(title: str, meaning: Meaning) -> str | None:
    if address := ADDRESS.search(title):
        return address[0]
    if handle := HANDLE.search(title):
        return f"@{handle[1]}"
    if meaning.kind in {"email", "reply", "message", "schedule", "call"}:
        for name in NAME.findall(title):
            if name.split()[0].casefold() not in NOT_NAMES:
                return str(name)
    return None


def _minutes(title: str) -> int | None:
    match = MINUTES.search(title)
    if not match:
        return None
    if match["half"]:
        return 30
    number = int(match["n"]) * (60 if match["unit"][0].casefold() in {"h", "s"} else 1)
    return number if 0 < number <= 1440 else None


def _reply(tasks: list[ExtractedTask], text: str) -> str:
    if not tasks:
        if not text.strip():
            return "There was nothing to read. Tell me what needs doing."
        if re.search(r"\b(?:thanks|thank you|danke)\b", text, re.I):
            return "You're welcome. Tell me when something needs doing."
        return "I found no task in that. Tell me what needs doing, for example “Call Ana tomorrow at 3pm”."
    can = sum(task.execution_type != "manual" for task in tasks)
    if len(tasks) == 1:
        task = tasks[0]
        tail = {
            "fully_automated": "I can do this now; you review it afterwards.",
            "semi_automated": "I can prepare this; you decide.",
            "manual": "This one is yours; I keep track of it.",
        }[task.execution_type]
        return f"Noted: {task.title}. {tail}"
    yours = len(tasks) - can
    parts = [f"{can} I can work on" if can else "", f"{yours} {'is' if yours == 1 else 'are'} yours" if yours else ""]
    return f"I found {len(tasks)} tasks: {', '.join(part for part in parts if part)}."
