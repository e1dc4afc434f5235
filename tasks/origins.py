"""Where a value first appeared: in the user's words, in their address book, in a trusted tool's answer, in text that
others wrote, or nowhere before.

Values are compared whole: `bob@x.example` does not appear in `notbob@x.example`, nor `x.example` in `x.example.org`.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from tasks.own_words import CARRIES_NOTHING, LONGEST_QUOTE, affirmed, tokens_of

ADDRESS = re.compile(r"[^\s@<>()\[\]{},;:\"'“”„«»|`*]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,10}", re.UNICODE)
URL = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://[^\s<>\"'“”„«»`|]+"
    r"|(?<![\w-])(?:https?:[/\\]|(?:javascript|vbscript|data|blob|file|intent|tel|sms|facetime|skype|magnet):)[^\s<>\"'“”„«»`|]+"
    r"|(?<=\]\()[^\s()<>]+"
    r"|(?<![\w@.-])(?:[\w-]{1,63}\.){1,20}(?:[a-z]{2,24}|xn--[\w-]{1,59})(?![\w@-])(?::\d{1,5})?(?:[/?#][^\s<>\"'“”„«»`|]*)?",
    re.IGNORECASE,
)
NUMBER = re.compile(r"(?<!\w)(?:[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{2,4}){3,8}|[+]?\d(?:[\d .,:/()-]{0,60}\d)?)(?!\w)")
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
TRAILING = ".,;:!?)]}>*_~'\"’”"
DOTS = str.maketrans("。｡．", "...")  # full stops that a host name may be written with (UTS 46)
TO_EVERYBODY = frozenset({"@channel", "@here", "@everyone", "@all", "@group"})
PRIVATE_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain")


class Origin(StrEnum):
    """Where a value first appeared, the most trusted first."""

    USER = "user"
    CONTACT = "contact"
    TRUSTED = "trusted"
    MODEL = "model"
    UNTRUSTED = "untrusted"


@dataclass(frozen=True)
class Source:
    """A text that others wrote or could have written: a mail, a page, a chat message, an invitation, a file, a search result.

    `kind` is one word for people ("mail", "page"), `title` says which one. `is_suspicious`: a scan found instructions in it
    that are aimed at an assistant, or hidden text; nothing that such a run wants rides on a permission. `is_closed`: whoever
    is shown what was found may not read it; no line of it is quoted.
    """

    kind: str
    text: str
    title: str = ""
    is_suspicious: bool = False
    is_closed: bool = False


@dataclass(frozen=True)
class Seen:
    """Where a value first appeared; for an untrusted one the source, and the line it stands in."""

    origin: Origin
    source: str = ""
    quote: str = ""


@dataclass(frozen=True)
class Provenance:
    """All that a run knew when it wanted to act, by where it came from.

    `user`: what the person themself said for this task: the request, answers to questions, edits, feedback. Not what they
    only forwarded or imported. `contacts`: address (or handle) -> name, from an address book that only the user fills.
    `trusted`: answers of tools whose content nobody else can write. `untrusted`: everything else that was read, by this run
    or by the runs whose results, notes and files it works on. `is_tainted`: such a run wrote something that this one works
    on, though the text itself is not at hand. `origins`: value -> origin, where the caller knows better than the texts do.
    """

    user: Sequence[str] = ()
    contacts: Mapping[str, str] = field(default_factory=dict[str, str])
    trusted: Sequence[str] = ()
    untrusted: Sequence[Source] = ()
    is_tainted: bool = False
    origins: Mapping[str, Origin | str] = field(default_factory=dict[str, "Origin | str"])

    def __post_init__(self) -> None:
        for name in ("user", "trusted"):
            object.__setattr__(self, name, texts(f"Provenance.{name}", getattr(self, name)))
        if isinstance(self.untrusted, str | Source):
            object.__setattr__(self, "untrusted", (self.untrusted,))
        if not all(isinstance(one, Source) for one in cast("Iterable[object]", self.untrusted)):
            raise TypeError("Provenance.untrusted holds Source(kind, text), one for each text that others wrote")

    @property
    def has_read_untrusted(self) -> bool:
        """Has anything come in that others wrote? It lowers what may happen by itself, until the end of the run."""
        return self.is_tainted or bool(self.untrusted)

    @property
    def affirmed(self) -> list[str]:
        """What the user said, without what they took back: "never share it with Sam" names nobody."""
        return [part for text in self.user for part in affirmed(text)]

    def first_seen(self, value: str) -> Seen:
        """Where an address, URL, number, name or handle first appeared. What appears nowhere was written by the model."""
        known = {_folded(key): origin for key, origin in self.origins.items()}
        if _folded(value) in known:
            return Seen(Origin(known[_folded(value)]))
        if any(appears(value, text) for text in self.user):
            return Seen(Origin.USER)
        if _folded(value) in {_folded(address) for address in self.contacts}:
            return Seen(Origin.CONTACT)
        if any(appears(value, text) for text in self.trusted):
            return Seen(Origin.TRUSTED)
        for source in self.untrusted:
            if appears(value, source.text):
                where = f"{source.kind}: {source.title}" if source.title else source.kind
                return Seen(Origin.UNTRUSTED, where, "" if source.is_closed else quote_of(value, source.text))
        return Seen(Origin.MODEL)

    def is_named(self, value: str) -> bool:
        """Do the user's own words name this value: as it stands, or a person by a name that can mean nobody else?

        Persons are the contacts, by name, and the addresses in trusted answers, by what stands before the @; these not after
        untrusted text was read: an answer may repeat what it was asked.
        """
        seen = self.first_seen(value)
        if seen.origin is Origin.USER:
            is_given = _folded(value) in {_folded(key) for key in self.origins}
            return is_given or any(_is_said(value, text) for text in self.affirmed)
        if seen.origin not in {Origin.CONTACT, Origin.TRUSTED} or (
            seen.origin is Origin.TRUSTED and self.has_read_untrusted
        ):
            return False
        said = {token for text in self.affirmed for token in tokens_of(text)}
        people = {_folded(one): one.partition("@")[0] for text in self.trusted for one in addresses_in(text)}
        people |= {_folded(address): name for address, name in self.contacts.items()}
        mine = said & _names(people.pop(_folded(value), ""))
        return bool(mine) and not any(said & _names(name) >= mine for name in people.values())


def texts(field_name: str, given: object) -> tuple[str, ...]:
    """What was given as a tuple of texts; one text alone is one entry. Raises TypeError that names the field."""
    if isinstance(given, str):
        return (given,)
    found = tuple(cast("Iterable[object]", given)) if isinstance(given, Iterable) else (given,)
    if not all(isinstance(one, str) for one in found):
        raise TypeError(f"{field_name} holds texts, and was given {given!r:.100}")
    return cast("tuple[str, ...]", found)


def appears(value: str, text: str) -> bool:
    """Does the value stand in the text as a whole: an address among its addresses, a URL among its URLs, else as words?"""
    if not value.strip():
        return False
    if ADDRESS.fullmatch(value):
        return _folded(value) in _addresses_of(text)
    if is_url(value):
        return same_url(value) in _urls_of(text)
    plain = re.escape(_folded(value).lstrip("#@"))
    spaced = plain.replace(r"\ ", r"\s*") if any(c.isdecimal() for c in value) else plain
    return re.search(rf"(?<![\w.@-])@?{spaced}(?![\w@-]|\.\w)", _folded(text)) is not None


@lru_cache(maxsize=512)
def _addresses_of(text: str) -> frozenset[str]:
    return frozenset(_folded(one) for one in addresses_in(text))


@lru_cache(maxsize=512)
def _urls_of(text: str) -> frozenset[str]:
    return frozenset(same_url(one) for one in urls_in(text))


def addresses_in(text: str) -> list[str]:
    """The mail addresses that a text holds, in their order."""
    return [one.strip(TRAILING) for one in ADDRESS.findall(text)]


def urls_in(text: str) -> list[str]:
    """The URLs and bare host names that a text holds, in their order."""
    return [one.rstrip(TRAILING) for one in URL.findall(text)]


def numbers_in(text: str) -> list[str]:
    """The numbers of a text that could be accounts, amounts, phones or codes: three digits or more, in their order."""
    found = [one.strip() for one in NUMBER.findall(text)]
    return [one for one in found if sum(c.isdecimal() for c in one) > 2]


def readable(text: str) -> str:
    """A text as it is read: letters in their usual form, no invisible characters but line breaks, dots of hosts as dots."""
    plain = unicodedata.normalize("NFKC", text).translate(DOTS)
    return UNSEEN.sub(lambda found: found.group() if found.group() in "\t\n\r" else "", plain)


def is_url(value: str) -> bool:
    """Is it a URL, or a host name with or without a path?"""
    return "://" in value or URL.fullmatch(value.strip()) is not None


def same_url(url: str) -> str:
    """A URL written one way: the host folded, no scheme of the web, no default port or last slash."""
    parts = _split(url)
    if parts is None:
        return url.casefold()
    scheme, host, port, rest = parts
    shown = "" if scheme in {"http", "https"} else f"{scheme}://"
    return f"{shown}{host}{port}{rest.rstrip('/')}"


def host_of(url: str) -> str:
    """The host of a URL, folded; empty where it has none that can be read."""
    parts = _split(url)
    return parts[1] if parts else ""


def problem_of_url(url: str) -> str | None:
    """Why a URL is never opened: not of the web, a name and password in it, a private address. None when it may be."""
    if UNSEEN.search(url) or "\\" in url or " " in url.strip():
        return "it holds characters that no URL has"
    parts = _split(url)
    if parts is None or not parts[1]:
        return "it cannot be read"
    scheme, host, _, _ = parts
    if scheme not in {"http", "https"}:
        return f"{scheme}: is not opened"
    if "@" in url.partition("://")[2].partition("/")[0].partition("?")[0].partition("#")[0]:
        return "it holds a user name"
    if not host.isascii():
        return "its host is not written in ASCII"
    name = host.rstrip(".")
    if any(name == one or name.endswith(f".{one}") for one in PRIVATE_NAMES):
        return "its host is a private one"
    if re.fullmatch(r"[0-9a-fx.:%\[\]]*", name) and (":" in name or re.search(r"(?:^|\.)(?:0x[0-9a-f]*|\d+)$", name)):
        try:
            address = ip_address(name.strip("[]"))
        except ValueError:
            return "its host is a number in an unusual form"
        if not address.is_global:
            return "its host is a private address"
    return None


def quote_of(value: str, text: str) -> str:
    """The line of a text that a value stands in, cut around it."""
    needle = value.casefold().lstrip("#@")
    for line in text.splitlines():
        place = line.casefold().find(needle)
        if place >= 0:
            start = max(0, place - LONGEST_QUOTE // 2)
            return UNSEEN.sub("", line[start : start + LONGEST_QUOTE]).strip()
    return ""


def looks_like(value: str, known: Iterable[str]) -> str | None:
    """The known address or host that this one could be taken for, though it is another; None where there is none."""
    folded = _folded(value)
    others = [one for one in known if _folded(one) != folded]
    if folded in {_folded(one) for one in known}:
        return None
    local, _, domain = _skeleton(folded).rpartition("@")
    for one in others:
        known_local, _, known_domain = _skeleton(_folded(one)).rpartition("@")
        near = domain == known_domain or (min(len(domain), len(known_domain)) > 4 and _is_near(domain, known_domain))
        same_name = local == known_local or (len(local) > 3 and _is_near(local, known_local))
        if near and same_name:
            return one
        registered = domain.startswith((f"{known_domain}.", f"{known_domain}-"))
        if local == known_local and known_domain and registered:
            return one
    return None


def _split(url: str) -> tuple[str, str, str, str] | None:
    """Scheme, host, :port unless it is the usual one, and the rest from the path on; None for what is no URL."""
    whole = url.strip() if "://" in url else f"https://{url.strip()}"
    try:
        parts = urlsplit(whole)
        port = parts.port
    except ValueError:
        return None
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    query = f"?{parts.query}" if parts.query else ""
    shown_port = f":{port}" if port is not None and port != usual else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""  # it can carry something to whoever reads the link
    return parts.scheme, (parts.hostname or "").casefold(), shown_port, f"{parts.path}{query}{fragment}"


def _names(name: str) -> set[str]:
    """The parts of a name that can mean somebody; "will" and "all" stand in any text."""
    return {token for token in tokens_of(name) if len(token) > 1 and token not in CARRIES_NOTHING}


def _is_said(value: str, text: str) -> bool:
    """Is a value that stands in the user's text said as a target there? Names of channels and groups are words as well.

    `#general` is written so, or in quotation marks, or beside "channel"; whom everybody is called by needs its @.
    """
    if ADDRESS.fullmatch(value) or is_url(value):
        return True
    folded, said = _folded(value), _folded(text)
    bare = re.escape(folded.lstrip("#@"))
    if folded in TO_EVERYBODY:
        return re.search(rf"(?<!\w)@{bare}(?!\w)", said) is not None
    if folded.startswith("#"):
        beside = rf"{bare}['\"”“’]?[ -](?:channel|kanal)|(?:channel|kanal)\w*\W+(?:[\w-]+\W+){{0,4}}{bare}"
        return re.search(rf"(?:#{bare}|['\"“„‘]{bare}['\"”“’]|\b{beside})(?![\w-])", said) is not None
    return bool(_names(value)) or not tokens_of(value)


def _folded(value: str) -> str:
    """Capitals made small; no more, since folding makes one of two domains that differ by an ß."""
    return value.strip().lower()


_TWINS = str.maketrans("01345асеорхуіԁѕј|", "oleasaceopxyidsjl")


def _skeleton(value: str) -> str:
    """A value as the eye takes it: twins among letters and digits made one."""
    return value.translate(_TWINS).replace("rn", "m").replace("vv", "w").replace("cl", "d")


def _is_near(one: str, other: str) -> bool:
    """Are two words the same but for one letter changed, added, left out, or two swapped?"""
    if one == other:
        return True
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    swapped = len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or swapped
