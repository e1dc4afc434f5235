"""Whom an answer goes to: whoever asks to be answered, everybody else only on request, a mailing list too, oneself never."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.errors import StewardError
from core.outside.addresses import wire_address

# "all" alone is only meant as "everybody" where nothing follows that it belongs to ("answer all of Dana's questions").
_ALONE = r"(?=\s*(?:$|[,.:;!?()–—-])|\s+(?:that|with|saying|and|by|in|to|dass|mit|und|bis|zu|auf)\b)"
_PEOPLE = r"(?:\s+(?:of\s+them|recipients|participants|beteiligten|empfängern?|teilnehmern?)\b)?"
ENGLISH = re.compile(
    rf"\b(?:reply|answer|respond)(?:\s+to|-to)?[\s-]+(?:all{_PEOPLE}{_ALONE}|(?:everyone|everybody)\b(?!['’]s))",
    re.IGNORECASE,
)
GERMAN = re.compile(
    rf"\b(?:antworte\w*\s+(?:bitte\s+)?(?:allen|an\s+alle){_PEOPLE}{_ALONE}"
    rf"|(?:allen|an\s+alle){_PEOPLE}\s+(?:bitte\s+)?(?:antworte\w*|zu\s+antworten))\b",
    re.IGNORECASE,
)
NOT = re.compile(r"(?:n['’]t|\bnot|\bnever|\bnicht|\bwithout|\bohne)\s+(?:to\s+|an\s+)?$", re.IGNORECASE)
INSTEAD = ((ENGLISH, "Reply"), (GERMAN, "Antworte"))


@dataclass(frozen=True)
class Answered:
    """The headers of a mail that go into whom to answer: bare addresses. `lists`: where its mailing list takes posts."""

    sender: str
    reply_to: Sequence[str] = ()
    to: Sequence[str] = ()
    cc: Sequence[str] = ()
    lists: Sequence[str] = ()


@dataclass(frozen=True)
class Recipients:
    """Whom an answer goes to; nobody stands in it twice."""

    to: list[str]
    cc: list[str]


def wants_all(words: str) -> bool:
    """Do these words of a person ask for an answer to everybody? "reply all", "answer everybody", "allen antworten"."""
    return any(_asked(pattern, words) is not None for pattern, _ in INSTEAD)


def without_all(words: str) -> str:
    """The words with "reply to everybody" as a plain "reply", so that what stands behind it is what is to be said."""
    for pattern, plain in INSTEAD:
        if (found := _asked(pattern, words)) is not None:
            return f"{words[: found.start()]}{plain}{words[found.end() :]}"
    return words


def _asked(pattern: re.Pattern[str], words: str) -> re.Match[str] | None:
    return next(
        (one for one in pattern.finditer(words) if not NOT.search(words[max(0, one.start() - 20) : one.start()])), None
    )


def whom_to_answer(mail: Answered, own: Iterable[str], *, reply_all: bool = False) -> Recipients:
    """Reply-To, else the sender; of one's own mail those it went to. With `reply_all` also the rest of To and Cc, as Cc.

    `own` are the person's addresses and aliases: none of them is answered, unless the mail went to nobody else. The
    address of a mailing list is answered only with `reply_all`; without it both may be empty.
    """
    ours = {_key(one) for one in own}
    left_out = set[str]() if reply_all else {_key(one) for one in mail.lists}

    def others(addresses: Iterable[str], but: Iterable[str] = ()) -> list[str]:
        seen, found = {_key(one) for one in but}, list[str]()
        for address in addresses:
            key = _key(address)
            if address.strip() and key not in seen | left_out and not _is_own(key, ours):
                seen.add(key)
                found.append(address)
        return found

    is_own = _is_own(_key(mail.sender), ours)
    first = others(mail.to) if is_own else []
    first = first or others(mail.reply_to) or others([mail.sender])
    rest = others([*mail.to, *mail.cc], but=first) if reply_all else []
    if not first and not rest and is_own:
        return Recipients([mail.sender], [])  # a note to oneself
    return Recipients(first or rest, rest if first else [])


def _is_own(key: str, ours: set[str]) -> bool:
    """An address of ours, a tag behind a plus included: robin+shop@vega.example reaches robin@vega.example."""
    local, _, domain = key.rpartition("@")
    return key in ours or f"{local.partition('+')[0]}@{domain}" in ours


def _key(address: str) -> str:
    """The same for each way to write an address."""
    try:
        return wire_address("address", address.strip()).casefold()
    except StewardError:
        return address.strip().casefold()
