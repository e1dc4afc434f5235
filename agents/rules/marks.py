"""What a text says about a task beside what is to be done: priority, labels, whom it goes to, how long it takes.

Each finder says where its words stand, so that they can be cut from a title or shown as a chip.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast

from agents.rules import vocabulary
from tasks.models import Priority, TaskKind

MarkKind = Literal["due", "recurrence", "priority", "label", "recipient"]


@dataclass(frozen=True)
class Mark:
    """Words at [start, end) of a text that say something about its task; `value` is what they say."""

    kind: MarkKind
    start: int
    end: int
    value: str


ANY_CASE = re.IGNORECASE
# A word like "important" says how urgent the task is at its edges; amid the text it describes something else.
EDGE_BEFORE = r"(?:^|(?<=[.!?:;,(\-–—]\s)|(?<=[(])|(?<=\bis\s)|(?<=['’]s\s)|(?<=\bvery\s)|(?<=\bist\s)|(?<=\bsehr\s))"
EDGE_AFTER = r"(?=\s*(?:$|[!,.;:)\-–—]))"
PRIORITIES: list[tuple[str, Priority]] = [
    (r"not\s+(?:very\s+|that\s+)?urgent|nicht\s+(?:so\s+)?dringend|(?:das\s+|es\s+)?eilt\s+nicht|hat\s+(?:noch\s+)?zeit", "low"),
    (r"!?p1|prio(?:rity|rität)?\s*:?\s*1|asap|as\s+soon\s+as\s+possible|(?:(?:it['’]s|this\s+is|that['’]s|it\s+is)\s+(?:very\s+|really\s+)?)?(?<!the )(?<!most )urgent(?:ly)?(?!\s+(?:care|ones|matters?)\b)|immediately|right\s+away|straight\s+away", "critical"),
    (r"(?:top|highest|critical)\s+priority|(?:priority|prio|priorität)\s*[:=]?\s*(?:critical|urgent|highest|kritisch)", "critical"),
    (r"(?:(?:es|das)\s+ist\s+)?(?:sehr\s+|äußerst\s+)?dringend(?!e)|eilt|eilig|sofort|umgehend|unverzüglich|so\s+schnell\s+wie\s+möglich|schnellstmöglich|höchste\s+priorität|oberste\s+priorität", "critical"),
    (r"!?p2|prio(?:rity|rität)?\s*:?\s*2|(?:with\s+)?high(?:er)?\s+(?:priority|prio|importance)|(?:priority|prio|priorität)\s*[:=]?\s*(?:high|hoch)|(?:mit\s+)?hohe[rn]?\s+priorität", "high"),
    (r"!?p4|prio(?:rity|rität)?\s*:?\s*4|(?:with\s+)?low(?:er|est)?\s+(?:priority|prio)|(?:priority|prio|priorität)\s*[:=]?\s*(?:low|niedrig)|(?:mit\s+)?niedrige[rn]?\s+priorität|geringe\s+priorität", "low"),
    (r"no\s+(?:rush|hurry)|when(?:ever)?\s+(?:you|i|we)\s+(?:have|get|find|['’]ve\s+got)\s+(?:a\s+|some\s+|the\s+)?(?:free\s+|spare\s+)?(?:time|moment|minute|chance)|when(?:ever)?\s+(?:it\s+is\s+|it['’]s\s+)?convenient|someday|some\s+day|at\s+some\s+point|eventually|(?:if|when)\s+there(?:['’]s|\s+is)\s+time", "low"),
    (r"irgendwann(?:\s+mal)?|keine\s+eile|hat\s+zeit|eilt\s+nicht|wenn\s+(?:du|ich|wir)\s+(?:mal\s+)?(?:etwas\s+)?(?:zeit|luft|gelegenheit)\s+(?:hast|habe|haben|findest|finde)|bei\s+gelegenheit", "low"),
    (r"!?p3|prio(?:rity|rität)?\s*:?\s*3|(?:medium|normal)\s+(?:priority|prio)|mittlere\s+priorität", "medium"),
]  # fmt: skip
EDGE_PRIORITIES: list[tuple[str, Priority]] = [
    (r"critical|emergency|kritisch|notfall", "critical"),
    (
        r"(?:(?:it['’]s|this\s+is|that['’]s|it\s+is|(?:es|das)\s+ist)\s+)?(?:really\s+|very\s+|sehr\s+)?(?:important|wichtig)",
        "high",
    ),
    (r"whenever", "low"),
]
PRIORITY: list[tuple[re.Pattern[str], Priority]] = [
    (re.compile(r"!!!+"), "critical"),
    (re.compile(r"(?<!!)!!(?!!)(?=\s*$)"), "high"),
    *((re.compile(rf"(?<![\w#@/-])(?:{words})(?![\w/-])", ANY_CASE), priority) for words, priority in PRIORITIES),
    *(
        (re.compile(rf"{EDGE_BEFORE}(?:{words}){EDGE_AFTER}", ANY_CASE), priority)
        for words, priority in EDGE_PRIORITIES
    ),
]
LABEL = re.compile(r"(?<![\w/&#.])#([^\W\d_][\w-]{0,49})")
CHANNEL_BEFORE = re.compile(
    r"\b(?:in|to|into|on|at|auf|im|nach|an|channel|kanal)\s+(?:the\s+|den\s+|dem\s+)?$", ANY_CASE
)
CHANNEL_AFTER = re.compile(r"\s+(?:(?:on|in|auf|bei)\s+(?:slack|teams|discord|mattermost)|channel|kanal)\b", ANY_CASE)
ADDRESS = re.compile(r"(?<![\w.+%-])[\w+%-](?:[\w.+%-]{0,62}[\w+%-])?@[\w-]+(?:\.[\w-]+)+")
HANDLE = re.compile(r"(?<![\w.@+-])@([^\W\d_][\w.-]{0,60}\w|[^\W\d_])")
TITLE = r"(?:(?:[Dd]r|[Mm]r|[Mm]rs|[Mm]s|[Pp]rof|[Hh]errn?|[Ff]rau)\.?\s+)"
PERSON = rf"{TITLE}?[A-ZÄÖÜ][\w'’-]*[\w](?:\s+(?:(?:von|van|de|der)\s+)?[A-ZÄÖÜ][\w'’-]*\w){{0,2}}"
NAMED_BY = (
    "to|with|from|for|tell|ask|call|ping|dm|email|e-mail|mail|message|text|invite|remind|phone|ring|answer|notify|inform|contact|"
    "slack|thank|whatsapp|nudge|an|mit|bei|von|für|frage?|rufe?|informiere?|antworte|schreibe?|sage?|erinnere?|benachrichtige?|"
    "kontaktiere?|grüße?|lade|lad|call up|follow up with"
)
NAME = re.compile(rf"(?<!\w)(?i:{NAMED_BY})\s+({PERSON})")
GIVEN_TO = re.compile(
    rf"(?<!\w)(?i:send|forward|show|give|schicke?|sende|maile?|gib|zeige?)\s+({PERSON})(?=\s+(?:the|an?|my|our|his|her|their|this|that|these|all|die|der|das|den|eine?n?|meine?n?|unsere?n?|diese?n?|alle)\b)"
)
NOT_NAMES = frozenset(vocabulary.NOT_NAMES.split())
WITH_PEOPLE: frozenset[TaskKind] = frozenset({"email", "reply", "message", "schedule", "call"})
MINUTES = re.compile(
    r"(?<![\w.])(?:(?P<n>\d{1,3})(?:[.,](?P<part>5))?[ -]?(?P<unit>minutes?|mins?|minütige[nrsm]?|minuten|hours?|hrs?|h|stunden?|stündige[nrsm]?)"
    r"|(?P<half>half[- ](?:an[- ])?hour|halbstündige[nrsm]?|halbe\s+stunde)|(?P<one>(?:an|one)[- ]hour|einstündige[nrsm]?|eine\s+stunde))(?!\w)",
    ANY_CASE,
)  # fmt: skip


def find_priority(text: str) -> Mark | None:
    """The words that say how urgent it is; an explicit p1 to p4 wins."""
    found: list[Mark] = []
    for pattern, priority in PRIORITY:
        if match := pattern.search(text):
            found.append(Mark("priority", match.start(), match.end(), priority))
    explicit = next((mark for mark in found if re.fullmatch(r"!?p[1-4]", text[mark.start : mark.end], ANY_CASE)), None)
    return explicit or (found[0] if found else None)


def priority_of(mark: Mark | None) -> Priority:
    return cast(Priority, mark.value) if mark else "medium"


def find_labels(text: str) -> list[Mark]:
    """Each "#home"; "#product" behind "in" or before "on Slack" is a channel and none."""
    return [
        Mark("label", match.start(), match.end(), match[1].casefold())
        for match in LABEL.finditer(text)
        if not CHANNEL_BEFORE.search(text[max(0, match.start() - 24) : match.start()])
        and not CHANNEL_AFTER.match(text, match.end())
    ]


def find_recipient(text: str, kind: TaskKind) -> Mark | None:
    """An address or handle; where the kind of task has to do with somebody, else a name behind "to", "call", ..."""
    if address := ADDRESS.search(text):
        return Mark("recipient", address.start(), address.end(), address[0])
    if handle := HANDLE.search(text):
        return Mark("recipient", handle.start(), handle.end(), f"@{handle[1]}")
    if kind not in WITH_PEOPLE:
        return None
    for match in (*GIVEN_TO.finditer(text), *NAME.finditer(text)):
        words = match[1].split()
        while words and words[-1].casefold() in NOT_NAMES:
            words.pop()
        if words and words[0].casefold() not in NOT_NAMES:
            name = re.sub(r"['’]s$", "", " ".join(words))
            return Mark("recipient", match.start(1), match.start(1) + len(name), name)
    return None


def find_minutes(text: str) -> int | None:
    """How long it takes, where the text says so ("a 30 minute call"); at most a day."""
    match = MINUTES.search(text)
    if not match:
        return None
    if match["half"] or match["one"]:
        return 30 if match["half"] else 60
    hours = match["unit"][0].casefold() in {"h", "s"}
    number = int(match["n"]) * (60 if hours else 1) + (30 if match["part"] and hours else 0)
    return number if 0 < number <= 1440 else None


def without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with these spans taken out, one space left for each."""
    kept: list[str] = []
    at = 0
    for start, end in sorted(spans):
        if start >= at:
            kept.append(text[at:start])
            at = end
    return " ".join([*kept, text[at:]])
