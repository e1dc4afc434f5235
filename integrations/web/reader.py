"""Pages of the web as text: HTML as Markdown without what a reader does not see, other text as it is."""

import asyncio
import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.outside.errors import Refused, Temporary
from core.outside.web import HttpAnswer, HttpRequest, Page
from integrations.mail.html import HIDING, LIGHT_ON_DARK, read_html
from integrations.web.client import WebClient, retry_after_seconds

LONGEST_HTML = 2_000_000
MOST_TAGS = 20_000
TEXTS = {"application/json", "application/xml", "application/javascript", "application/yaml", "application/rtf"}
DROPPED = [
    "script",
    "style",
    "noscript",
    "template",
    "svg",
    "math",
    "iframe",
    "object",
    "nav",
    "form",
    "button",
    "head",
    "title",
]
ACCEPT = "text/html, text/plain;q=0.9, application/json;q=0.8, */*;q=0.1"


@dataclass(frozen=True)
class WebReader:
    """Fulfils `agents.services.web.PageReader`."""

    client: WebClient

    async def read(self, url: str, most_characters: int) -> Page:
        """The page as text; what lies beyond the limit is cut off."""
        answer = await self.client.send(HttpRequest("GET", url, {"Accept": ACCEPT}))
        if answer.status >= 400:
            raise _refused(answer)
        media_type = answer.media_type or "text/plain"
        if not (media_type.startswith("text/") or media_type in TEXTS or media_type.endswith(("+json", "+xml"))):
            raise Refused(f"{answer.url[:300]} is {media_type[:100]}, which cannot be read as text")
        text = decoded(answer)
        title = ""
        if media_type in {"text/html", "application/xhtml+xml"}:
            title, text = await asyncio.to_thread(as_markdown, text)
        return Page(answer.url, title, text[:most_characters], media_type, len(text) > most_characters)


def _refused(answer: HttpAnswer) -> Exception:
    if answer.status in {408, 425, 429} or answer.status >= 500:
        wait = retry_after_seconds(dict(answer.headers))
        return Temporary(f"{answer.url[:300]} answers {answer.status}", retry_after_seconds=wait)
    return Refused(f"{answer.url[:300]} answers {answer.status}")


def decoded(answer: HttpAnswer) -> str:
    """The body as text: by the charset that the answer names, else by the page's own, else UTF-8. Never raises."""
    named = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", answer.headers.get("content-type", ""), re.IGNORECASE)
    own = re.search(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]+)", answer.body[:4096], re.IGNORECASE)
    charset = named[1] if named else own[1].decode("ascii", "replace") if own else "utf-8"
    try:
        codec = codecs.lookup(charset)
        text = codec.decode(answer.body, "replace")[0] if codec.name not in {"idna", "punycode"} else None
    except (LookupError, ValueError, TypeError, AssertionError):
        text = None
    if not isinstance(text, str):  # no such charset, or one that makes no text of bytes
        text = answer.body.decode("utf-8", "replace")
    return text.replace("\x00", "").removeprefix("\ufeff")


def as_markdown(html: str) -> tuple[str, str]:
    """(title, Markdown) of a page. What is hidden from sight is left out; images and scripts are, too."""
    from bs4 import BeautifulSoup  # heavy; pages are read seldom
    from markdownify import MarkdownConverter

    html = html[:LONGEST_HTML]
    found = re.search(r"<title[^>]{0,200}>(.{0,500}?)</title", html, re.IGNORECASE | re.DOTALL)
    title = read_html(found[1]).text if found else ""
    tags = [match.start() for match in re.finditer("<", html)]
    if len(tags) > MOST_TAGS:  # parsers take time by the square of the depth
        return title, read_html(html).text
    try:
        soup = BeautifulSoup(html, "html.parser")
        for tag in [*soup(DROPPED), *(t for t in soup(True) if _is_hidden(t.attrs))]:
            tag.decompose()
        text = MarkdownConverter(strip=["img", "input"], heading_style="ATX").convert_soup(soup)
    except RecursionError:  # nested deeper than anybody reads
        return title, read_html(html).text
    return title, re.sub(r"\n{3,}", "\n\n", str(text)).strip()


def _is_hidden(attributes: Mapping[str, object]) -> bool:
    style = str(attributes.get("style", ""))
    hides = HIDING.search(style) is not None and LIGHT_ON_DARK.search(style) is None
    return hides or "hidden" in attributes or attributes.get("aria-hidden") == "true"
