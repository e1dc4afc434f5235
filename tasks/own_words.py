"""Is a text made of the user's own words? What a person said may be passed on; what was only read may not.

A text is taken apart into words and numbers. Each has to stand in what the user said (in any order, inflected), or be one
of the words that carry no message of their own: greetings, articles, pronouns, auxiliaries. Words that turn a meaning
around (not, never, kein) are not among those. Numbers have to be the user's to the digit.
"""

import re
from collections.abc import Iterable, Sequence

WORD = re.compile(r"\d+(?:[.,:/-]\d+)*|[^\W\d_]+")
PASSAGES = re.compile(r"(?<=[.!?])\s+|\n+")
CANNOT = re.compile(r"\bcan(?:['’]?t|not)\b", re.IGNORECASE)
WILL_NOT = re.compile(r"\bwon['’]t\b", re.IGNORECASE)
CONTRACTED = re.compile(r"n['’]t\b", re.IGNORECASE)
ENDINGS = ("ings", "ing", "edly", "ed", "es", "ens", "en", "er", "em", "e", "s", "ly", "n")
SHORTEST_STEM = 4
LONGEST_QUOTE = 240
CARRIES_NOTHING = frozenset(  # greetings, articles, pronouns, auxiliaries, of English and German
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
    möchte bitte danke vielen dank hallo liebe lieber guten tag morgen abend mit freundlichen grüßen viele
    herzliche beste gruß schöne auch nur hier da wer was wann wo wie hoffe freue freuen gern gerne
    """.split()  # noqa: SIM905 - a table is easier to read
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
    """The sentences of a text that hold foreign words, in their order."""
    return [passage.strip()[:LONGEST_QUOTE] for passage in PASSAGES.split(text) if foreign_words(passage, known)]


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
