"""Pages: Jinja2 templates beside their page.py, and what every template may use."""

import hashlib
import re
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import nh3
from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.responses import HTMLResponse

from app._view.advice import advice, is_owner
from app._view.people import people_of
from app.dependencies import csrf_token
from app.review._interrupt import is_interrupt, shown_interrupt
from app.review._moved import what_moved
from app.seen import house_of
from core.hosts import SHOWN_SCHEMES, TURNING, host_of, name_links, shown_address
from tasks.accounts import ENDED_BY_HAND
from tasks.kinds import kind_words
from tasks.reasons import marks_of, may_be_permitted, reasons_of
from tasks.review import shown_facts, without_sending

APP = Path(__file__).parent
STATIC = APP / "static"
SHORT = 6_000  # characters
MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table").disable("image")
ARTIFACT = re.compile(r"/api/artifacts/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TAGS = {
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "ul",
    "ol",
    "li",
    "strong",
    "em",
    "code",
    "pre",
    "blockquote",
    "a",
    "br",
    "hr",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}


def render(request: Request, template: str, *, status_code: int = 200, **context: Any) -> HTMLResponse:
    """A page or a fragment. Templates also see `request`, `csrf_token`, `is_htmx`, `now`, `house`, `people`, `is_owner`."""
    house = house_of(request)
    text = (
        environment()
        .get_template(template)
        .render(
            request=request,
            csrf_token=csrf_token(request),
            is_htmx=request.headers.get("hx-request") == "true",
            house=house,
            people=people_of(request),
            is_owner=is_owner(request),
            now=house.clock.now(),
            theme=request.cookies.get("steward_theme", "auto"),
            **context,
        )
    )
    return HTMLResponse(text, status_code=status_code, headers={"Vary": "HX-Request"})


def render_error(request: Request, problem: dict[str, Any], headers: dict[str, str] | None = None) -> HTMLResponse:
    """The page of a problem."""
    template = "sign_in.html" if problem["status"] == 401 else "error.html"
    whole: dict[str, Any] = {"hint": None, "errors": [], **problem}  # templates may ask for each of them
    answer = render(request, template, status_code=problem["status"], problem=whole)
    answer.headers.update(headers or {})
    return answer


@cache
def environment() -> Environment:
    """The templates below app/, escaped by default; an unknown name is an error."""
    made = Environment(
        loader=FileSystemLoader(APP),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=in_order,
    )
    made.globals["asset"] = asset
    filters = {
        "local_time": local_time, "ago": ago, "markdown": markdown, "duration": duration, "date_words": date_words,
        "facts": shown_facts, "without_sending": without_sending, "host": host_of, "address": shown_address,
        "reasons": reasons_of, "marks": marks_of, "local_clock": local_clock, "moved": what_moved,
        "interrupt": shown_interrupt, "advice": advice, "not_ended": not_ended, "kind_words": kind_words,
    }  # fmt: skip
    tests = {"picture": is_picture, "permittable": may_be_permitted, "interrupt": is_interrupt}
    made.tests.update(cast("dict[str, Any]", tests))
    made.filters.update(cast("dict[str, Any]", filters))
    return made


def not_ended(services: str) -> list[tuple[str, str]]:
    """The services of a URL that could not be told of an end: [(name, page)]; what is unknown is left out."""
    return [ENDED_BY_HAND[one] for one in dict.fromkeys(services.split(",")) if one in ENDED_BY_HAND]


@cache
def asset(name: str) -> str:
    """The URL of a static file, with a hash of its content."""
    return f"/static/{name}?v={hashlib.sha256(asset_bytes(name)).hexdigest()[:12]}"


def asset_bytes(name: str) -> bytes:
    """A static file: ours, or htmx out of its package. Raises FileNotFoundError."""
    if name == "htmx.js":
        return (files("js_lib_htmx") / "static" / "htmx" / "htmx.min.js").read_bytes()
    path = (STATIC / name).resolve()
    if not path.is_relative_to(STATIC) or not path.is_file():
        raise FileNotFoundError(name)
    return path.read_bytes()


def date_words(moment: datetime | None, now: datetime, *, all_day: bool = False) -> str:
    """A moment as people say it: "today, 15:00", "Fri 6 Mar"."""
    if moment is None:
        return ""
    here = moment.astimezone(now.tzinfo)
    days = (here.date() - now.date()).days
    day = {0: "today", 1: "tomorrow", -1: "yesterday"}.get(days)
    if day is None:
        day = f"{here:%a} {here.day} {here:%b}" + (f" {here.year}" if here.year != now.year else "")
    return day if all_day else f"{day}, {here:%H:%M}"


def local_time(moment: datetime | None, now: datetime, all_day: bool = False) -> Markup:
    """The moment in the person's zone, as a <time> element."""
    if moment is None:
        return Markup("")
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), date_words(moment, now, all_day=all_day))


def local_clock(moment: datetime, now: datetime) -> str:
    """A moment of these hours to the second, in the person's zone: "15:04:05"."""
    return f"{moment.astimezone(now.tzinfo):%H:%M:%S}"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in one unit."""
    seconds = max(0, int((now - moment).total_seconds()))
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds // size
            return f"{number} {word}{'s' if number > 1 else ''} ago"
    return "just now"


def duration(minutes: int | None) -> str:
    """Minutes in words."""
    if not minutes:
        return ""
    hours, rest = divmod(minutes, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)


def markdown(text: str | None) -> Markup:
    """Markdown as safe HTML: no raw HTML, no images; each link says behind its words where it leads."""
    if not text:
        return Markup("")
    return _markdown_again(text) if len(text) <= SHORT else _markdown(text)


def _markdown(text: str) -> Markup:
    clean = nh3.clean(
        MARKDOWN.render(text),
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes=set(SHOWN_SCHEMES),
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(name_links(clean))  # noqa: S704 - cleaned on the line above  # nosec B704


_markdown_again = lru_cache(maxsize=200)(_markdown)  # live pages show the same texts again and again


def in_order(value: object) -> object:
    """Text without the invisible signs that turn a line around: what is read is what is written, from first to last."""
    return TURNING.sub("", value) if isinstance(value, str) and TURNING.search(value) else value


def is_picture(value: str) -> bool:
    """Is this the address of one file of ours, and nothing that leads elsewhere from there?"""
    return ARTIFACT.fullmatch(value) is not None
