"""HTML of mails: made harmless for showing, and turned into text for reading."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

import nh3

from core.hosts import SHOWN_SCHEMES, name_links

LONGEST_HTML = 2_000_000
MOST_TAGS = 20_000  # parsers take time by the square of the depth
DEEPEST = 200
TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "center", "cite", "code", "dd", "del", "div", "dl", "dt", "em"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "small"),
    *("span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"),
}
ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}, "ol": {"start"}}
DROPPED_WITH_CONTENT = {"script", "style", "head", "title", "noscript", "template", "object", "svg", "math", "iframe"}
BLOCKS = {
    *("address", "article", "blockquote", "center", "dd", "div", "dl", "dt", "footer", "form", "h1", "h2", "h3", "h4"),
    *("h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul"),
}
SEEN_FOR_READING = {
    *(
        "address",
        "article",
        "aside",
        "body",
        "font",
        "footer",
        "form",
        "header",
        "img",
        "input",
        "main",
        "section",
        "source",
        "video",
    ),
}
TIGHT = {"dd", "div", "dt", "li", "tr"}  # no empty line between two of them
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
REMOTE = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
CSS_URL = re.compile(r"url\(\s*['\"]?\s*(?:https?:)?//", re.IGNORECASE)
HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])|"
    r"max-height\s*:\s*0(?![.\d]*[1-9])|mso-hide\s*:\s*all|text-indent\s*:\s*-\d{3,}|"
    r"(?<!-)color\s*:\s*(?:#fff(?:fff)?\b|white\b|transparent\b|rgba\([^)]*,\s*0\s*\))",
    re.IGNORECASE,
)
LIGHT_ON_DARK = re.compile(r"background", re.IGNORECASE)


@dataclass(frozen=True)
class ReadHtml:
    """What a page of HTML says: text that a reader sees, text that is hidden from sight, how many remote images."""

    text: str
    hidden_text: str
    remote_images: int


def sanitize_html(html: str) -> str:
    """Harmless HTML: no scripts, styles, images or frames; links only to http, https and mailto, each with its real host behind it."""
    clean = nh3.clean(
        _bounded(html),
        tags=TAGS,
        clean_content_tags=DROPPED_WITH_CONTENT,
        attributes=ATTRIBUTES,
        url_schemes=set(SHOWN_SCHEMES),
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    return name_links(clean)


def read_html(html: str) -> ReadHtml:
    """The words of a page, line by line. What lies beyond 2,000,000 characters or 20,000 tags is not read."""
    well_formed = nh3.clean(  # the reader of the standard library takes time by the square for unclosed tags
        _bounded(html),
        tags=TAGS | SEEN_FOR_READING,
        clean_content_tags=DROPPED_WITH_CONTENT,
        attributes={"*": {"style", "hidden", "src", "srcset", "background", "poster"}},
        url_schemes={"http", "https", "cid", "data"},
        link_rel=None,
    )
    reader = _Reader()
    reader.feed(well_formed)
    reader.close()
    return ReadHtml(_tidy(reader.seen), _tidy(reader.hidden), reader.remote_images)


def _bounded(html: str) -> str:
    html = html[:LONGEST_HTML]
    for number, tag in enumerate(re.finditer("<", html)):
        if number == MOST_TAGS:
            return html[: tag.start()]
    return html


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[str] = []
        self.hidden: list[str] = []
        self.remote_images = 0
        self._open: list[tuple[str, bool, bool]] = []  # tag, hides, drops

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        style = values.get("style", "")
        sources = [values.get(name, "") for name in ("src", "srcset", "background", "poster")]
        if (
            (tag in {"img", "source", "input"} and any(REMOTE.match(s) for s in sources))
            or CSS_URL.search(style)
            or REMOTE.match(values.get("background", ""))
        ):
            self.remote_images += 1
        if tag in BLOCKS or tag == "br":
            self._break(tag)
        if tag == "li":
            self._write("- ")
        if tag in {"td", "th"}:
            self._write(" ")
        if tag not in VOID and len(self._open) < DEEPEST:
            is_light = LIGHT_ON_DARK.search(style) is not None and "none" not in style
            hides = "hidden" in values or (HIDING.search(style) is not None and not is_light)
            self._open.append((tag, hides, tag in DROPPED_WITH_CONTENT))

    def handle_endtag(self, tag: str) -> None:
        for position in range(len(self._open) - 1, -1, -1):
            if self._open[position][0] == tag:
                del self._open[position:]
                break
        if tag in BLOCKS:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if any(drops for _, _, drops in self._open):
            return
        is_pre = any(tag == "pre" for tag, _, _ in self._open)
        self._write(data if is_pre else re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> None:
        if tag not in TIGHT or not (self.seen and self.seen[-1].endswith("\n")):
            self._write("\n")

    def _write(self, text: str) -> None:
        if any(drops for _, _, drops in self._open):
            return
        (self.hidden if any(hides for _, hides, _ in self._open) else self.seen).append(text)


def _tidy(pieces: list[str]) -> str:
    lines = [re.sub(r"[ \t\xa0\u200b\u200c\u034f]+", " ", line).strip() for line in "".join(pieces).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
