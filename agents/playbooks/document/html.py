"""The report as one HTML file that needs nothing else: no script, no picture, no style from outside.

What models and people wrote is Markdown; it becomes HTML without raw HTML, without images, and each link says where it leads.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import cache
from html import escape
from typing import TYPE_CHECKING

from agents.playbooks.document.contents import WORKING, Contents, Piece, project_title, written_again
from agents.playbooks.document.drawing import plain
from agents.playbooks.document.report_charts import Chart, charts_of
from agents.playbooks.document.report_style import STYLE, page_style
from agents.tools.control import span_words
from core.hosts import SHOWN_SCHEMES, name_links
from tasks.plans import PlanMetrics, PlanSummary

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

TAGS = {
    "p", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "a", "br", "hr", "table", "thead", "tbody", "tr",
    "th", "td",
}  # fmt: skip
# To be sent with the report by whoever serves it, too: a page of its own origin, which may do nothing but look.
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
DAY = re.compile(r"<td>(\d{4}-\d\d-\d\d)</td>")


def report_html(
    plan: PlanSummary, contents: Contents, metrics: PlanMetrics | None = None, *, timezone: tzinfo = UTC
) -> str:
    """The whole report. `metrics` tell which model wrote what; times are shown in `timezone`."""
    title = project_title(contents, plan.title)
    charts = charts_of(contents)
    models = _models(contents, metrics)
    parts = [(f"part-{place}", part, pieces) for place, (part, pieces) in enumerate(contents.parts(), start=1)]
    body = [
        _cover(plan, title, contents, timezone),
        '<div class="frame">',
        _table_of_contents(parts, charts, contents),
        '<main id="report">',
        _glance(charts),
        *(_part(place, part, pieces, models, timezone) for place, part, pieces in parts),
        _missing(contents),
        "</main></div>",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(REPORT_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
        f"<title>{words(title)}</title><style>{STYLE}{page_style(title)}</style></head>"
        f'<body><a class="skip" href="#report">Skip to the report</a><div class="page">{"".join(body)}</div></body></html>\n'
    )


def _models(contents: Contents, metrics: PlanMetrics | None) -> dict[str, list[str]]:
    """Which models wrote a section: asked by its task, or for what is kept or out of date, by one before it."""
    found: dict[str, list[str]] = {}
    for piece in contents.pieces:
        tasks = [task for task in metrics.tasks if task.stage == piece.stage] if metrics else []
        own = [model for task in tasks if task.task_id == piece.task_id for model in task.models]
        others = [model for task in tasks for model in task.models] if piece.is_reused or piece.is_stale else []
        found[piece.stage] = list(dict.fromkeys(own or others))
    return found


def words(text: object) -> str:
    """A text as HTML, on one line, without signs that are not seen."""
    return escape(plain(str(text)))


def markdown_html(text: str) -> str:
    """Markdown as clean HTML below a heading of level 3: its headings begin at level 4."""
    import nh3

    reader = _reader()
    tokens = reader.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, max(4, int(token.tag[1]) + 1))}"
    clean = nh3.clean(
        reader.renderer.render(tokens, reader.options, {}),
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes=set(SHOWN_SCHEMES),
        link_rel="noopener noreferrer nofollow",
    )
    named = DAY.sub(r'<td class="day">\1</td>', name_links(clean))
    return named.replace("<table>", '<div class="scroll" role="group" aria-label="Table" tabindex="0"><table>').replace(
        "</table>", "</table></div>"
    )


@cache
def _reader() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table").disable("image")


# ---------------------------------------------------------------- before the sections


def _cover(plan: PlanSummary, title: str, contents: Contents, timezone: tzinfo) -> str:
    deliverable = (contents.data("wbs_level1") or {}).get("final_deliverable")
    facts = [
        f"Plan of {moment(plan.created_at, timezone)}",
        _stages(plan, contents),
        _level(plan),
        f"Finished {moment(plan.completed_at, timezone)}" if plan.completed_at else f"State: {plan.state}",
    ]
    again = written_again(plan.completed_at, ((piece.started_at, piece.written_at) for piece in contents.pieces))
    if again is not None:
        stages = f"{again.stages} stage{'' if again.stages == 1 else 's'}"
        facts.append(f"{stages} written again in {span_words(again.seconds)}, the last {moment(again.at, timezone)}")
    listed = "".join(f"<li>{words(fact)}</li>" for fact in facts if fact)
    lead = f'<p class="lead">{words(deliverable)}</p>' if isinstance(deliverable, str) and deliverable.strip() else ""
    return f'<header class="cover"><h1>{words(title)}</h1>{lead}<ul class="facts">{listed}</ul>{_problems(contents)}</header>'


def _stages(plan: PlanSummary, contents: Contents) -> str:
    """How many stages are done, counted as everywhere else: the report is one of them."""
    done, whole = plan.counts.get("completed", 0), sum(plan.counts.values())
    if not whole:
        done, whole = len(contents.pieces), len(contents.pieces) + len(contents.missing)
    return f"{done} of {whole} stage{'' if whole == 1 else 's'} written"


def _level(plan: PlanSummary) -> str:
    level = plan.request.get("speed_vs_detail")
    return f"Detail: {level.replace('_', ' ')}" if isinstance(level, str) else ""


def _problems(contents: Contents) -> str:
    """What a reader must know before trusting it: missing, out of date, written by a person."""
    stale = [piece.title for piece in contents.pieces if piece.is_stale]
    own = [piece.title for piece in contents.pieces if piece.by_person]
    lines = [
        f'<a href="#missing">{len(contents.missing)} missing</a>: {words(_some([m.title for m in contents.missing]))}'
        if contents.missing
        else "",
        f"{len(stale)} out of date, as something before has changed: {words(_some(stale))}" if stale else "",
        f"{len(own)} written by a person: {words(_some(own))}" if own else "",
    ]
    listed = "".join(f"<li>{line}</li>" for line in lines if line)
    heading = '<h2 id="state">What to know about this report</h2>'
    return f'<section class="problems" aria-labelledby="state">{heading}<ul>{listed}</ul></section>' if listed else ""


def _some(titles: Sequence[str], most: int = 12) -> str:
    more = f" and {len(titles) - most} more" if len(titles) > most else ""
    return f"{', '.join(titles[:most])}{more}"


def _table_of_contents(
    parts: Sequence[tuple[str, str, Sequence[Piece]]], charts: Sequence[Chart], contents: Contents
) -> str:
    lines: list[str] = []
    if charts:
        lines.append('<li><a href="#glance">At a glance</a></li>')
    for place, part, pieces in parts:
        inner = "".join(f'<li><a href="#{escape(piece.stage)}">{words(piece.title)}</a></li>' for piece in pieces)
        inner = f"<ol>{inner}</ol>" if part != WORKING else ""
        kind = ' class="unprinted"' if part == WORKING else ""
        lines.append(f'<li{kind}><a href="#{place}">{words(part)}</a>{inner}</li>')
    if contents.missing:
        lines.append('<li><a href="#missing">Not in this report</a></li>')
    return f'<nav class="contents" aria-labelledby="contents"><h2 id="contents">Contents</h2><ol>{"".join(lines)}</ol></nav>'


def _glance(charts: Sequence[Chart]) -> str:
    if not charts:
        return ""
    return f'<h2 class="part" id="glance">At a glance</h2>{"".join(_figure(chart) for chart in charts)}'


def _figure(chart: Chart) -> str:
    kind = "" if chart.is_wide else ' class="small"'
    name = words(chart.title)
    drawings = "".join(
        f'<div class="scroll" role="group" aria-label="{name}" tabindex="0">{drawing}</div>'
        for drawing in chart.drawings
    )
    chips = "".join(f"<li><b>{words(chip)}</b> {words(told)}</li>" for chip, told in chart.chips)
    listed = f'<ul class="chips">{chips}</ul>' if chips else ""
    return f"<figure{kind}><figcaption>{name}</figcaption>{drawings}{listed}</figure>"


# ---------------------------------------------------------------- the sections


def _part(place: str, part: str, pieces: Sequence[Piece], models: Mapping[str, Sequence[str]], timezone: tzinfo) -> str:
    shown = _working if part == WORKING else _piece
    inner = "".join(shown(piece, models.get(piece.stage, ()), timezone) for piece in pieces)
    if part != WORKING:
        return f'<section aria-labelledby="{place}"><h2 class="part" id="{place}">{words(part)}</h2>{inner}</section>'
    about = "<p>What later sections were made from. They are carried on by the sections above, and not printed.</p>"
    return f'<section class="unprinted" aria-labelledby="{place}"><h2 id="{place}">{words(part)}</h2>{about}{inner}</section>'


def _piece(piece: Piece, models: Sequence[str], timezone: tzinfo) -> str:
    return (
        f'<article class="piece" aria-labelledby="{escape(piece.stage)}"><header><h3 id="{escape(piece.stage)}">{words(piece.title)}</h3>'
        f'{_flags(piece)}</header>{_by(piece, models, timezone)}<div class="words">{markdown_html(piece.markdown)}</div></article>'
    )


def _working(piece: Piece, models: Sequence[str], timezone: tzinfo) -> str:
    return (
        f'<details id="{escape(piece.stage)}"><summary><h3>{words(piece.title)}</h3> {_flags(piece)}</summary>'
        f'{_by(piece, models, timezone)}<div class="words">{markdown_html(piece.markdown)}</div></details>'
    )


def _flags(piece: Piece) -> str:
    flags = ['<span class="flag stale">out of date</span>' if piece.is_stale else ""]
    flags.append('<span class="flag">written by a person</span>' if piece.by_person else "")
    return "".join(flags)


def _by(piece: Piece, models: Sequence[str], timezone: tzinfo) -> str:
    if piece.by_person:
        who = "Written by a person"
    elif models:
        who = f"Written by {', '.join(models)}"
    elif piece.is_reused:
        who = "Kept from an earlier run: nothing it reads has changed"
    else:
        who = "Written by a model" if piece.needs_model else "Made by rules from other sections"
    when = f", {moment(piece.written_at, timezone)}" if piece.written_at else ""
    stale = " Something it depends on has changed since." if piece.is_stale else ""
    return f'<p class="by">{words(f"{who}{when}.{stale}")}</p>'


def _missing(contents: Contents) -> str:
    if not contents.missing:
        return ""
    rows = "".join(f"<li><b>{words(one.title)}</b>: {words(one.why)}</li>" for one in contents.missing)
    return f'<section aria-labelledby="missing"><h2 class="part" id="missing">Not in this report</h2><ul>{rows}</ul></section>'


def moment(at: datetime, timezone: tzinfo) -> str:
    """A time as it is read: "4 Mar 2026, 09:30 CET"."""
    here = at.astimezone(timezone)
    return f"{here.day} {here:%b %Y, %H:%M} {here.tzname() or ''}".strip()
