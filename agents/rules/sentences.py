"""From a message to clauses: lines, sentences, and the places where a new request begins.

What follows a colon behind "translate", "summarise", "write" and the like is material of that one request and is never
cut; neither is what stands in quotation marks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, pairwise

from agents.rules.dates import DateMention, find_dates
from agents.rules.marks import find_priority
from agents.rules.recurrence import Recurrence, find_recurrence
from agents.rules.requests import NEGATED, SUBORDINATE, is_question, is_small_talk, strip_request, without_end
from agents.rules.verbs import (
    GERMAN_INFINITIVES,
    NAMES_TOO,
    WORD,
    VerbFound,
    find_verb,
    german_at_tail,
    looks_german,
    verb_at_head,
)
from tasks.models import Priority

LONGEST_CLAUSE = 2_000
MOST_CLAUSES = 500
MOST_CUTS = 60
When = DateMention | Recurrence


@dataclass(frozen=True)
class Clause:
    """A piece of a message that may be a task.

    `shared`: a date that stood before a whole list of requests. `material`: text that the request works on.
    `antecedent`: what "it" of the clause stands for, where that is plain. `is_asked`: a duty before it reaches here.
    `follows`: it is not the first of its sentence.
    """

    text: str
    is_listed: bool = False
    shared: When | None = None
    priority: Priority | None = None
    material: str = ""
    antecedent: str = ""
    is_asked: bool = False
    follows: bool = False


SENTENCE_END = re.compile(
    r"(?:(?<=[.!?;])(?<!\b[A-Za-z]\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bz\.B\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bNr\.)(?<!\bSt\.)(?<!\bProf\.)(?<!\bca\.)(?<!\betc\.)(?<!\bvs\.)(?<!\bno\.)"
    r"(?<![\s(]\d\.)(?<![\s(]\d\d\.)(?<!^\d\.)(?<!\.\d\.)(?<!\.\d\d\.)|(?<=[.!?]['\"”“)]))\s+(?=\S)",
)
BULLET = re.compile(r"^\s*(?:[-*•–—+]\s*(?:\[[ xX]?\]\s*)?|\d{1,2}[.)]\s|\[[ xX]?\]\s*|[a-h]\)\s)\s*(?=\S)")
DONE_BULLET = re.compile(r"^\s*(?:[-*•+]\s*)?\[[xX]\]")
QUOTED = re.compile(r"“[^”\n]{1,2000}”|„[^“”\n]{1,2000}[“”]|«[^»\n]{1,2000}»|\"[^\"\n]{1,2000}\"")
CUT = re.compile(
    r"\s?[,;]\s(?:and\s|und\s|or\s|then\s|dann\s|plus\s|but\s|aber\s|as well as\s|sowie\s)?(?:also\s|then\s|auch\s|dann\s|außerdem\s|afterwards\s|danach\s)?"
    r"|\s(?:and|und|then|dann|plus|but|aber|sowie|&|\+)\s(?:also\s|then\s|auch\s|dann\s|afterwards\s|danach\s)?|\s[–—-]\s|\s\(?\d{1,2}\)\s|:\s|\.\s|,(?=[^\s\d])",
    re.IGNORECASE,
)
CUT_END = re.compile(
    r"(?:\s*[,;:–—-]|(?<!\d)\.|\s+(?:and|und|then|dann|plus|but|aber|sowie|also|auch|danach|afterwards|&|\+))+\s*$",
    re.IGNORECASE,
)
MATERIAL_CLASSES = frozenset(
    {"make", "ideas", "translate", "summarize", "rewrite", "extract", "write", "reply", "send", "message", "outline"}
)
NEEDS_MATERIAL = frozenset({"translate", "summarize", "rewrite", "extract"})
POINTS_DOWN = re.compile(
    r"\b(?:this|these|the following|following|below|diese[nrs]?|folgende[nrsm]?|unten)\b", re.IGNORECASE
)
SPEAKING = frozenset({"send", "message", "write", "reply", "call"})
SAID = re.compile(
    r"(?:ask|tell|thank|thanking|apologise|apologize|explain|mention|say|let|inform|confirm|congratulate|wish|invite|remind|include|attach|cc|add|offer|suggest|propose|"
    r"bedanke|entschuldige|frage?|sage?|bitte|erkläre?|erwähne?|teile?|informiere?|lade|gratuliere|wünsche?|schlage?|biete|erinnere?)\s+"
    r"(?:him|her|them|it|that|for|about|if|whether|when|how|what|why|where|dich|sich|ihn|ihr|ihm|ihnen|sie|dass|ob|wann|wie|warum|nach|um|mit|für)\b",
    re.IGNORECASE,
)
MOVING = re.compile(r"(?:go|come|try|stop|head|drive|walk|run|swing|pop|geh|gehe|fahre?|komm)\b", re.IGNORECASE)
PRONOUN_ONLY = re.compile(r"(?P<verb>\w+)\s+(?P<it>it|them|this|that|those)\b", re.IGNORECASE)
OBJECT = re.compile(
    r"\s+(?P<object>(?:the|a|an|my|our|your|this|that|these|those)\s+(?:(?!(?:to|for|on|at|by|with|from|in|about|into|of|before|until|and)\b)[\w#'’-]+\s?){1,4})",
    re.IGNORECASE,
)


def clauses_of(text: str, now: datetime) -> Iterator[Clause]:
    """The clauses of a message, in order, at most `MOST_CLAUSES`. Runs of blanks are already single."""
    heading: Clause | None = None
    lines = text.split("\n")
    count = 0
    for number, line in enumerate(lines):
        if DONE_BULLET.match(line) or not line.strip():
            heading = heading if line.strip() else None
            continue
        bullet = BULLET.match(line)
        words = line[bullet.end() :] if bullet else line
        if not bullet:
            heading = _heading(words, now)
            if heading:
                continue
        if (whole := _with_material(words, lines[number + 1 :] if not bullet else [], now)) is not None:
            found, is_rest = whole
            yield from found
            if is_rest:
                return
            continue
        for clause in _sentences(words, now):
            yield (
                replace(
                    clause,
                    is_listed=True,
                    shared=clause.shared or (heading.shared if heading else None),
                    priority=heading.priority if heading else None,
                )
                if bullet
                else clause
            )
            count += 1
            if count >= MOST_CLAUSES:
                return


def _heading(line: str, now: datetime) -> Clause | None:
    """A line like "Tomorrow:" or "Urgent:", whose date and priority hold for the bullets below."""
    words = line.strip()
    if not words.endswith(":") or len(words) > 80 or _begins_request(words.rstrip(":"), now):
        return None
    dates = find_dates(words, now)
    priority = find_priority(words)
    return Clause(words, shared=dates[0] if dates else None, priority=priority.value if priority else None)  # pyright: ignore[reportArgumentType]


def _sentences(line: str, now: datetime) -> Iterator[Clause]:
    masked = _masked(line)
    begin = 0
    for end in [*(match.start() for match in SENTENCE_END.finditer(masked)), len(line)]:
        sentence = line[begin:end]
        yield from _split(sentence.strip()[:LONGEST_CLAUSE], now)
        begin = end


def _masked(text: str) -> str:
    """The text with what is quoted made blank to the eye of the splitter, of the same length."""
    return QUOTED.sub(lambda match: "“" + "x" * (len(match[0]) - 2) + "”", text)


def _with_material(line: str, below: list[str], now: datetime) -> tuple[list[Clause], bool] | None:
    """ "Translate this into German: ..." is one request; what follows the colon, or the lines below, is its material."""
    masked = _masked(line[:LONGEST_CLAUSE])
    for colon in re.finditer(r":(?=\s|$)", masked):
        if colon.start() > 400:
            break
        starts = [0, *(m.end() for m in SENTENCE_END.finditer(masked[: colon.start()]))]
        head = line[starts[-1] : colon.start()].strip()
        pieces = list(_split(head, now))
        found = verb_of(pieces[-1].text) if pieces else None
        rest = line[colon.end() :].strip()
        text_below = "\n".join(below).strip()
        if found is None or found.name not in MATERIAL_CLASSES or not (rest or text_below):
            continue
        if found.name == "make" and len(found.rest.split()) < 2:
            continue
        if found.name not in NEEDS_MATERIAL and not rest and BULLET.match(text_below):
            continue
        takes_below = not rest or (found.name in NEEDS_MATERIAL and bool(text_below))
        material = "\n".join([rest, text_below] if takes_below else [rest]).strip()
        before = [c for start, end in pairwise(starts) for c in _split(line[start:end].strip(), now)]
        return [*before, *_handed(pieces, material)], takes_below
    return _pointing_down(line, below, now)


def _handed(pieces: list[Clause], material: str) -> list[Clause]:
    """The clauses with the material at the one that works on it: in "translate this and send it: ..." the first."""
    working = [n for n, piece in enumerate(pieces) if (found := verb_of(piece.text)) and found.name in NEEDS_MATERIAL]
    chosen = working[-1] if working else len(pieces) - 1
    return [replace(piece, material=material) if n == chosen else piece for n, piece in enumerate(pieces)]


def _pointing_down(line: str, below: list[str], now: datetime) -> tuple[list[Clause], bool] | None:
    """ "Summarise the following text" with the text in the lines below."""
    material = "\n".join(below).strip()
    if len(material) < 40 or len(line) > 300 or not POINTS_DOWN.search(line):
        return None
    pieces = list(_sentences(line, now))
    found = verb_of(pieces[-1].text) if pieces else None
    if found is None or found.name not in NEEDS_MATERIAL:
        return None
    return _handed(pieces, material), True


def _split(sentence: str, now: datetime) -> Iterator[Clause]:
    """Cut where a new request begins; an enumeration of things, or of what is to be said, is no cut."""
    if not sentence:
        return
    masked = _masked(sentence)
    starts, ends = [0], list[int]()
    for cut in islice(CUT.finditer(masked), MOST_CUTS):
        left, right = sentence[starts[-1] : cut.start()], sentence[cut.end() :]
        if left.strip() and _is_cut(left, right, masked[cut.start() : cut.end()], now):
            starts.append(cut.end())
            ends.append(cut.start())
    ends.append(len(sentence))
    pieces = [without_end(CUT_END, sentence[start:end]).strip() for start, end in zip(starts, ends, strict=True)]
    shared = _leading_date(pieces[0], now) if len(pieces) > 1 else None
    marked = find_priority(pieces[0]) if len(pieces) > 1 and not verb_of(pieces[0]) else None
    antecedent, asked = "", False
    for number, piece in enumerate(pieces):
        if number:
            asked = asked or strip_request(pieces[number - 1]).asked
        clause = Clause(
            piece, shared=shared if number else None, antecedent=antecedent, is_asked=asked, follows=number > 0
        )
        yield replace(clause, priority=marked.value) if marked and number else clause  # pyright: ignore[reportArgumentType]
        antecedent = _object_of(piece, now) or antecedent


IS_DUE = re.compile(r"\b(?:is|are|ist|sind)\s+(?:\w+\s+){0,3}(?:due|fällig)\b", re.IGNORECASE)
LET_KNOW = re.compile(
    r"(?:then\s+)?(?:let|tell|inform|notify|keep)\s+(?:him|her|them|everyone|me|us)(?:\s+(?:know|posted|informed))?[\s.!?]*",
    re.IGNORECASE,
)
ADDED = re.compile(r"(?:cc|bcc|copy\s+in|attach|include|mention|enclose|sign\s+it|füge|häng|erwähne?)\b", re.IGNORECASE)


def _is_cut(left: str, right: str, at: str, now: datetime) -> bool:
    right = right[:300]
    if IS_DUE.search(left) and IS_DUE.search(right):
        return True
    if LET_KNOW.fullmatch(right.strip()):
        return False
    if NEGATED.match(right) and not at.strip().startswith(":"):
        return True
    said = strip_request(right)
    begins = _begins_request(right, now)
    left_verb = verb_of(left)
    if at.strip() == ":" and (left_verb or find_priority(left) or strip_request(left).words == ""):
        return False
    if SUBORDINATE.match(left) and "," in at:
        return begins
    if begins:
        if left_verb is None:
            return not _is_only_date(left, now)
        if left_verb.name in SPEAKING and (
            SAID.match(said.words)
            or ADDED.match(said.words)
            or re.search(r"\b(?:that|dass|saying|ob|whether|if)\b", left)
        ):
            return said.asked
        if MOVING.match(strip_request(left).words) and "," not in at and len(left.split()) < 8:
            return False
        return len(strip_request(_dateless(left, now)).words.split()) > 1 or said.asked
    # German: "die Miete überweisen und den Müll rausbringen": both sides end in an infinitive.
    ending = WORD.findall(left)
    if not ending or ending[-1].lower() not in GERMAN_INFINITIVES or len(ending) < 2:
        return False
    following = re.split(r",|\s(?:und|sowie)\s", _dateless(right, now), maxsplit=1)[0]
    return (
        german_at_tail(_untrailed(following), asked=True) is not None
        or german_at_tail(_untrailed(_dateless(right, now)), asked=True) is not None
    )


def _untrailed(text: str) -> str:
    return text.rstrip(" .!?,")


def _begins_request(text: str, now: datetime) -> bool:
    """Does a request begin here, with more than its verb?"""
    if (is_question(text) and text.rstrip().endswith("?")) or is_small_talk(text):
        return True
    said = strip_request(text[:300])
    words = strip_request(_without_leading_date(said.words, now)).words
    asked = said.asked
    found = verb_at_head(words)
    if found is None:
        return asked and (len(words.split()) > 1 or german_at_tail(_untrailed(words), asked=True) is not None)
    first = WORD.match(words)
    if first and first[0][0].isupper() and not asked and (first[0].casefold() in NAMES_TOO or looks_german(text)):
        return found.is_german and not asked and _is_german_imperative(first[0], found)
    rest = found.rest.strip()
    return len(rest) > 1 and NOT_A_REQUEST.match(rest) is None


NOT_A_REQUEST = re.compile(
    r"(?:is|are|was|were|will|has|have|had|of|ist|war|sind|hat|['’]s)(?!\w)|[,.;:!?]", re.IGNORECASE
)


def _is_german_imperative(word: str, found: VerbFound) -> bool:
    """Inside a German sentence a capital makes a noun, unless the word cannot be one."""
    return word[0].islower() or (not word.casefold().endswith(("en", "ung", "er")) and found.verb != word.casefold())


def verb_of(text: str) -> VerbFound | None:
    """The verb of a request, behind its words of politeness and duty."""
    said = strip_request(text)
    return find_verb(said.words, asked=said.asked)


def _dateless(text: str, now: datetime) -> str:
    for mention in reversed(find_dates(text[:LONGEST_CLAUSE], now)):
        text = text[: mention.start] + " " + text[mention.end :]
    return " ".join(text.split())


def _without_leading_date(text: str, now: datetime) -> str:
    rule = find_recurrence(text[:120], now)
    if rule and rule.start <= 1:
        return text[rule.end :].lstrip(" ,:–-")
    dates = find_dates(text[:120], now)
    if dates and dates[0].start <= 1 and dates[0].end < len(text):
        return text[dates[0].end :].lstrip(" ,:–-")
    return text


def _is_only_date(text: str, now: datetime) -> bool:
    return strip_request(_dateless(text, now)).words == "" and bool(find_dates(text, now) or find_recurrence(text, now))


def _leading_date(piece: str, now: datetime) -> When | None:
    """A date before the first request of several holds for all of them."""
    offset = len(piece) - len(strip_request(piece).words)
    if (rule := find_recurrence(piece, now)) and rule.start <= offset + 2:
        return rule
    dates = find_dates(piece, now)
    return dates[0] if dates and dates[0].start <= min(offset, 12) + 2 else None


def _object_of(piece: str, now: datetime) -> str:
    found = verb_of(_without_leading_date(strip_request(piece).words, now))
    if found is None or found.is_german or found.name in {"summarize", "translate"}:
        return ""  # there "it" is what came out, not what went in
    match = OBJECT.match(found.rest)
    return match["object"].strip() if match else ""
