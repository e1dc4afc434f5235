"""Text on its way to and from Slack.

Slack's markup lives in `&`, `<` and `>` alone (docs.slack.dev, "Formatting message text"): what is escaped can mention
nobody. So everything is escaped, and only what a person approved as a mention is put back as markup.
"""

import re
from collections.abc import Callable, Mapping

NAMES = re.compile(r"(?<![\w@#.&<])([@#][\w][\w.\-]{0,79})", re.UNICODE)
MARKUP = re.compile(r"<([^<>\n]{1,3000})>")
BROADCASTS = frozenset({"@channel", "@here", "@everyone", "@group"})


def escape(text: str) -> str:
    """The text so that nothing in it is markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The reverse of `escape`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def names_in(text: str) -> list[str]:
    """The words `@name` and `#name` of a text, each once, in order; those that would call everybody are not names."""
    found = [match[1].rstrip(".-") for match in NAMES.finditer(text)]
    return [name for name in dict.fromkeys(found) if name.casefold() not in BROADCASTS and len(name) > 1]


def markup(text: str, mentions: Mapping[str, str]) -> str:
    """The text as Slack takes it: escaped, with the mentions `{"@ana": "U1", "#general": "C1"}` as markup."""
    escaped = escape(text)
    known = {escape(name): f"<{name[0]}{place}>" for name, place in mentions.items() if name[:1] in {"@", "#"}}
    if not known:
        return escaped

    def replaced(match: "re.Match[str]") -> str:
        word = match[1]
        name = word.rstrip(".-")
        return known[name] + word[len(name) :] if name in known else word

    return NAMES.sub(replaced, escaped)


def plain(text: str, name_of: Callable[[str], str | None]) -> str:
    """What a person reads in Slack's markup: names for ids (`name_of` knows them), addresses of links, no escapes."""

    def said(match: "re.Match[str]") -> str:
        inner, _, label = match[1].partition("|")
        if inner[:1] in {"@", "#"}:
            return inner[0] + (label or name_of(inner[1:]) or inner[1:])
        if inner.startswith("!"):
            word = label or inner[1:].partition("^")[0]
            return word if word.startswith("@") else f"@{word}"
        return f"{label} ({inner})" if label and label != inner else inner

    return unescape(MARKUP.sub(said, text))
