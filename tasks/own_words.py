"""Is a text made of the user's own words? What a person said may be passed on; what was only read may not.

A text is taken apart into words, numbers and signs. Each has to stand in what the user said (in any order, inflected), or be
one of the words that carry no message of their own: greetings, articles, pronouns, auxiliaries. Words that turn a meaning
around (not, never, kein) are not among those, and each clause has as many of them as the clause of the user's that it comes
closest to; nor does a question of the user's become a statement. Numbers have to be the user's to the digit.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

# A sign is what is neither letter, digit, space nor ordinary punctuation: emoji, Braille, arrows, invisible characters.
SIGN = r"[^\w\s!-/:-@\[-`{-~\u00a0-\u00ac\u00ae-\u00bf\u2010-\u2027\u2030-\u205e\u20ac]"
WORD = re.compile(rf"\d+(?:[.,:/-]\d+)*|[^\W\d_]+|{SIGN}")
SCRIBBLE = re.compile(r"(?:[^\w\s]|_)(?:\s*(?:[^\w\s]|_)){4,}")  # marks in a row, as in Morse code
PASSAGES = re.compile(r"(?<=[.!?])\s+|\n+")
CLAUSES = re.compile(r"[.!?;:,()\"“”„«»\n]+(?=\s|$)|\b(?:that|dass|daß|but|aber|because|weil)\b", re.IGNORECASE)
CANNOT = re.compile(r"\bcan(?:['’]?t|not)\b", re.IGNORECASE)
WILL_NOT = re.compile(r"\bwon['’]t\b", re.IGNORECASE)
CONTRACTED = re.compile(r"n['’]t\b", re.IGNORECASE)
ENDINGS = ("ings", "ing", "edly", "ed", "es", "ens", "en", "er", "em", "e", "s", "ly", "n")
SHORTEST_STEM = 4
LONGEST_QUOTE = 240
MOST_CLAUSES = 400
TURNS_AROUND = frozenset(
    """
    not no never none nobody nothing neither nor without unless except nicht kein keine keinen keinem keiner keines nie
    niemals niemand nichts ohne weder ausser refuse refuses refused decline declines declined deny denies denied reject
    rejects rejected hardly rarely instead statt anstatt weigere ablehne lehne
    """.split()  # noqa: SIM905 - a table is easier to read
)
LEAVES_OPEN = frozenset(
    {
        "if",
        "whether",
        "maybe",
        "perhaps",
        "once",
        "until",
        "unless",
        "wait",
        "ob",
        "falls",
        "vielleicht",
        "sobald",
        "bis",
        "wenn",
    }
)
REMINDER = re.compile(
    r"(?:\bdo not|\bdon['’]t|\bnever) (?:forget|hesitate|miss|fail)\b|\b(?:nicht vergessen|vergiss nicht|vergesst nicht)\b",
    re.IGNORECASE,
)
HIDDEN_FROM = re.compile(r"(?:\b(?:not|never|nicht|nie|niemals)\b|n['’]t\b).{0,60}\b(?:that|dass|daß)\b", re.IGNORECASE)
MARKS = re.compile(r"[.!?;:,()\"“”„«»\n]+(?=\s|$)")
WITHHELD = re.compile(
    r"(?:\b(?:not|cannot|never|no|without|except|unless|remove|revoke|unshare|withdraw|uninvite|instead|nicht|kein\w*|nie|niemals|ohne|ausser|außer"
    r"|statt|anstatt|entferne\w*|entzieh\w*|widerrufe\w*)\b|n['’]t\b)",
    re.IGNORECASE,
)
MAY_NOT = re.compile(
    r"(?<!\w)(?!(?:i|we|it|you|there|ich|wir|es|sie)\s)\w+\s+(?:must|may|should|shall|can|could|does|is|are|will|darf|soll|muss|wird)\s*$",
    re.IGNORECASE,
)
TO_WAIT = re.compile(
    r"\b(?:draft only|only (?:a )?draft|just (?:a )?draft|before i(?: have|['’]ve)? (?:read|seen|approved?|checked?|looked)"
    r"|(?:do not|don['’]t|never) send (?:it|this|that|anything)?\s*(?:yet|before|until|$|[.!,;])|nur (?:ein(?:en)? )?entwurf"
    r"|bevor ich|nicht (?:ab)?(?:senden|schicken)|(?:sende|schicke?) (?:es|sie|ihn|das) (?:noch )?nicht)",
    re.IGNORECASE,
)
MENTION = re.compile(r"(?<![\w.])[@!]\w+|<[!@#][^>]{0,80}>")
LONE_MARK = re.compile(r"(?<!\S)(?:[^\w\s]|_)+(?!\S)")
LONE_LETTER = re.compile(r"(?<![\w'’.])[b-hj-z](?![\w'’.])", re.IGNORECASE)
ODD_CAPITALS = re.compile(r"\b(?:\w*[a-zà-öø-ÿ][A-ZÀ-ÖØ-Þ]\w*|[A-ZÀ-ÖØ-Þ]{2,})\b")
PLAIN_MARKS = {"-", "–", "—", "--", "&", "+", "*", "•"}
CARRIES_NOTHING = (
    frozenset(  # greetings, articles, pronouns, auxiliaries, of English and German; ss as folding makes it
        """
    a an the this that these those it its i me my mine we us our ours you your yours he him his she her hers
    they them their and or as if so than then to of in on at by for from with about into over here there be am
    is are was were been being do does did has have had having will would shall should can could may might
    must let lets know please thanks thank hi hello dear hey good morning afternoon evening day best kind warm
    regards sincerely cheers greetings wishes many s re ll ve d m just also very much well hope hoping find
    finds wanted want like would glad happy looking forward write writing who which what when where how
    there's any some all both each regarding concerning der die das den dem des ein eine einen einem einer
    eines ich mich mir mein meine meinen wir uns unser unsere du dich dir dein deine sie ihr ihre ihren ihnen
    ihm ihn er es und oder als wenn dass so zu zum zur von vom in im an am auf bei für mit über aus ist sind
    war waren bin bist sein habe hast hat haben hatte wird werden würde würden kann können könnte soll sollen
    möchte bitte danke vielen dank hallo liebe lieber guten tag morgen abend mit freundlichen grüssen grüsse viele
    herzliche herzlichen beste besten gruss schöne liebe auch nur hier da wer was wann wo wie hoffe freue freuen gern gerne
    """.split()  # noqa: SIM905 - a table is easier to read
    )
)


def tokens_of(text: str) -> list[str]:
    """The words and numbers of a text, folded; a contracted negation as the word "not"."""
    written_out = CONTRACTED.sub(" not", WILL_NOT.sub("will not", CANNOT.sub("can not", text)))
    return [_folded(one) for one in WORD.findall(written_out)]


def vocabulary(texts: Iterable[str]) -> frozenset[str]:
    """All words of these texts, as they stand and as stems."""
    words = {token for text in texts for token in tokens_of(text)}
    return frozenset(words | {stem(word) for word in words})


def foreign_words(text: str, known: frozenset[str]) -> list[str]:
    """The words and numbers of a text that are neither known nor without a message of their own, in their order."""
    return [
        token
        for token in tokens_of(text)
        if token not in CARRIES_NOTHING and token not in known and (token[0].isdecimal() or stem(token) not in known)
    ]


def foreign_passages(text: str, known: frozenset[str]) -> list[str]:
    """The sentences of a text that hold foreign words, and rows of marks that could be a code, in their order."""
    passages = [passage.strip()[:LONGEST_QUOTE] for passage in PASSAGES.split(text) if foreign_words(passage, known)]
    rows = [
        row.group()[:LONGEST_QUOTE] for row in SCRIBBLE.finditer(text) if len(set("".join(row.group().split()))) > 1
    ]
    wordless = [] if tokens_of(text) or not text.strip() else [text.strip()[:LONGEST_QUOTE]]
    return [*passages, *rows, *wordless]


def says_nothing(text: str, said: Iterable[str], names: Iterable[str] = ()) -> bool:
    """Is it made of small words alone that the user did not say: "I would be glad to"? `names` do not count as words."""
    tokens, given = set(tokens_of(text)), {token for one in said for token in tokens_of(one)}
    addressed = {token for name in names for token in tokens_of(name)}
    return not (tokens - CARRIES_NOTHING - addressed) and not tokens <= given


def affirmed(text: str) -> list[str]:
    """The parts of what the user said that are not taken back: of each clause what stands before a word that turns it around.

    In "Share it with Dana. Never share it with Sam" and "Sam must not get it" only Dana is meant.
    """
    found: list[str] = []
    for clause in MARKS.split(REMINDER.sub("", text)):
        turn = WITHHELD.search(clause)
        kept = clause[: turn.start()] if turn else clause
        if kept.strip() and not (turn and MAY_NOT.search(kept)):
            found.append(kept)
    return found


def odd_writing(text: str, said: Iterable[str]) -> list[str]:
    """What could carry a message beside the words: marks and letters that stand alone, capitals inside words, repetition,
    strings of small words, mentions; where the user did not write it so."""
    said = list(said)
    theirs = "\n".join(said)
    found: list[str] = []
    for pattern in (MENTION, ODD_CAPITALS, LONE_LETTER):
        known = set(pattern.findall(theirs))
        found += [one for one in pattern.findall(text) if one not in known]
    lone = [mark for mark in LONE_MARK.findall(text) if mark not in theirs]
    found += [mark for mark in lone if mark not in PLAIN_MARKS]
    if len(lone) > len(text.splitlines()) + 1:
        found.append(" ".join(lone)[:LONGEST_QUOTE])
    tokens, own = Counter(tokens_of(text)), Counter(token for one in said for token in tokens_of(one))
    content = [token for token in tokens if token not in CARRIES_NOTHING]
    found += [token for token in content if tokens[token] > own[token] + 2]
    small = sum(tokens.values()) - sum(tokens[token] for token in content)
    if small > 15 + 3 * len(content) + sum(own[token] for token in own if token in CARRIES_NOTHING):
        found.append(text.strip()[:LONGEST_QUOTE])
    return found


def turned_around(text: str, said: Iterable[str], names: Iterable[str] = ()) -> list[str]:
    """The clauses of a text that say the opposite of what the user said, or state what they asked; in their order.

    A clause is held against those of the user's that share most words with it: all of them have as many words that turn a
    meaning around, and where one of them leaves something open, so does the clause. `names` of those who are spoken to do
    not count.
    """
    spoken_to = vocabulary(names)
    theirs = [(words, turns, is_open) for one in said for _, words, turns, is_open in _clauses(one, spoken_to)]
    written = _clauses(text, spoken_to)
    if not any(turns or is_open for _, turns, is_open in theirs) and not any(turns for _, _, turns, _ in written):
        return []
    if len(theirs) * len(written) > MOST_CLAUSES**2:
        return [text.strip()[:LONGEST_QUOTE]]
    found: list[str] = []
    for clause, words, turns, is_open in written:
        shared = [len(words & others) for others, _, _ in theirs]
        most = max(shared, default=0)
        closest = [one for one, count in zip(theirs, shared, strict=True) if count == most]
        if not words:
            is_turned = turns > 0 and all(turns != others for _, others, _ in closest)
        else:
            is_turned = any(turns != others or (asks and not is_open) for _, others, asks in closest)
        if is_turned:
            found.append(clause[:LONGEST_QUOTE])
    return found


def _clauses(text: str, spoken_to: frozenset[str]) -> list[tuple[str, frozenset[str], int, bool]]:
    """The clauses of a text: as written, the stems that carry a message, how many turn it around, is it left open?"""
    found: list[tuple[str, frozenset[str], int, bool]] = []
    for sentence in re.split(r"(?<=[.!?])\s+|\n+", text):
        is_question = sentence.rstrip("\"”“' )").endswith("?") or not LEAVES_OPEN.isdisjoint(tokens_of(sentence))
        is_hidden = HIDDEN_FROM.search(REMINDER.sub("", sentence)) is not None
        for clause in (MARKS if is_hidden else CLAUSES).split(sentence):
            tokens = tokens_of(clause)
            turning = [one for one in tokens if one in TURNS_AROUND]
            words = {stem(one) for one in tokens if one not in CARRIES_NOTHING and one not in TURNS_AROUND} - spoken_to
            if words or turning:
                is_open = is_question or not LEAVES_OPEN.isdisjoint(tokens)
                found.append((clause.strip(), frozenset(words), len(turning), is_open))
    return found


def closest_line(words: Sequence[str], text: str) -> tuple[int, str]:
    """The line of a text that shares most with these words, and how many it shares; cut to be quoted."""
    wanted = {stem(word) for word in words}
    best = (0, "")
    for line in text.splitlines():
        shared = len(wanted & {stem(token) for token in tokens_of(line)})
        if shared > best[0]:
            best = (shared, line.strip()[:LONGEST_QUOTE])
    return best


def stem(word: str) -> str:
    """A word without its ending, where enough of it is left. Numbers keep every digit."""
    if word[0].isdecimal():
        return word
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            return word[: -len(ending)]
    return word


def _folded(token: str) -> str:
    folded = token.casefold()
    return folded.removesuffix(":00") if folded[0].isdecimal() else folded
