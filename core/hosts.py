"""Hosts as people read them: where a link really leads, with nothing that looks like somebody else."""

import re
import unicodedata
from html import escape, unescape
from urllib.parse import unquote, urlsplit

SHOWN_SCHEMES = frozenset({"http", "https", "mailto"})
# Letters of Cyrillic and Greek that are drawn like Latin ones: a label of these alone passes for a Latin name.
LIKE_LATIN = frozenset(
    "\u0430\u0432\u0433\u0435\u0437\u043a\u043c\u043d\u043e\u043f\u0440\u0441\u0442\u0443\u0445\u044a\u044c\u0455\u0456"
    "\u0458\u0461\u0475\u04af\u04bb\u04cf\u0501\u051b\u051d\u03b1\u03b2\u03b3\u03b5\u03b7\u03b9\u03ba\u03bd\u03bf\u03c1"
    "\u03c4\u03c5\u03c7\u03c9"
)
# Scripts that are written together in ordinary names.
TOGETHER = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "BOPOMOFO"}, {"CJK", "HANGUL"})
UNREADABLE = "an address that cannot be read"
# A tag as html5ever writes it: names in lower case, values in double quotes, in which < and > may stand as they are.
TAG = re.compile(r'<(/?)([a-z0-9]+)((?:\s[\w:-]+="[^"]*")*)\s*/?>')
TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")  # others of their kind belong to ordinary right-to-left text
HREF = re.compile(r'\shref="([^"]*)"')
MISLEADING = re.compile(r"[\u0131\u0138\u0149\u017f\u00b7\u0142\u0141]")  # Latin letters that pass for others


def host_of(url: str) -> str:
    """Where a link leads, to be shown: the host (and an unusual port), or the address of a mailto; empty where nowhere.

    "Nowhere" are relative addresses and every scheme but http, https and mailto. Never raises.
    """
    try:
        parts = urlsplit(url.strip())
        if parts.scheme == "mailto":
            return shown_address(unquote(parts.path))
        if parts.scheme not in SHOWN_SCHEMES or not parts.hostname:
            return ""
        host = shown_host(unquote(parts.hostname))
        host = f"[{host}]" if ":" in host else host
        return f"{host}:{parts.port}" if parts.port not in {None, 80, 443} else host
    except ValueError:
        return UNREADABLE if "://" in url else ""


def shown_address(address: str) -> str:
    """A mail address with its domain as `shown_host` has it; what is outside ASCII before the @ is escaped."""
    local, at, domain = address.strip().rpartition("@")
    return f"{_escaped(local)}@{shown_host(domain)}" if at else _escaped(address)


def shown_host(host: str) -> str:
    """A host for people: in its own letters where these cannot be taken for others, else in ASCII (xn--...).

    In its own letters is a host each of whose labels keeps to one script (or to those that Japanese, Chinese and Korean
    mix), and does not consist of letters that are drawn like Latin ones (Unicode TS 39; what browsers do).
    """
    import idna

    host = host.strip().casefold()
    if host.isascii() and "xn--" not in host:
        return _escaped(host)
    try:
        written = idna.encode(host, uts46=True).decode()
        letters = idna.decode(written)
    except (idna.IDNAError, UnicodeError):
        return _escaped(host) or UNREADABLE
    return letters if all(_is_plain(label) for label in letters.split(".")) else written


def _is_plain(label: str) -> bool:
    if label.isascii():
        return True
    marks = [sign for sign in unicodedata.normalize("NFC", label) if not sign.isascii()]
    if any(not sign.isalpha() or MISLEADING.search(sign) for sign in marks):
        return False
    scripts = {_script(sign) for sign in label if sign.isalpha()}
    if scripts == {"LATIN"}:
        return all(ord(sign) <= 0x17F for sign in marks)
    if len(scripts) > 1:
        return any(scripts <= mixed for mixed in TOGETHER)
    return not all(sign in LIKE_LATIN for sign in label if sign.isalpha())


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0].partition("-")[0]


def _escaped(text: str) -> str:
    r"""Without anything that is not seen or turns the line around: such signs as \u202e."""
    return "".join(sign if " " < sign <= "~" else sign.encode("unicode_escape").decode() for sign in text)


def name_links(clean: str) -> str:
    """Cleaned HTML (as nh3 writes it) with the host of each link behind its words: `<a ...>here</a> <bdi>(evil.example)</bdi>`.

    A link whose words are its host gets none; one that leads nowhere becomes its words. What a mailto carries besides
    its address is dropped: it would add recipients and words that nobody sees. Signs that turn a line around go, too.
    """
    clean = TURNING.sub("", clean)
    where, said = "", 0

    def ending(at: int) -> str:
        nonlocal where
        closed, where = where, ""
        words = unescape(clean[said:at]).strip()
        return "</a>" if words == closed else f"</a> <bdi>({escape(closed)})</bdi>"

    def seen(match: "re.Match[str]") -> str:
        nonlocal where, said
        if match[2] != "a":
            return match[0]
        ended = (
            ending(match.start()) if where else ""
        )  # also before the next one: a browser reads no link inside a link
        href = None if match[1] else HREF.search(match[3])
        where, said = host_of(unescape(href[1])) if href else "", match.end()
        if href is None or not where:
            return ended
        plain = href[1].partition("?")[0] if href[1].lower().startswith("mailto:") else href[1]
        return f"{ended}<a" + match[3].replace(href[0], f' href="{plain}"', 1) + ">"

    return TAG.sub(seen, clean)
