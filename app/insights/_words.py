"""What the page of insights says: figures in words, series over time, and streams of confidence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.insights._charts import Column, columns, reliability
from tasks.calibration import LEAST_CASES, aim_of
from tasks.insights import CostOfDay, DraftsOfWeek, Insights, WorkOfWeek
from tasks.thresholds import CalibrationPoint, StoredCalibration

T = TypeVar("T")
MOST_WEEKS, MOST_DAYS, FEWEST = 27, 100, 6  # places in a chart
STREAMS = {
    "draft": ("Drafts and results", "It decides nothing: every draft is shown to you unless you permitted otherwise."),
    "rules": ("What the built-in rules made", "From there on no model is asked (STEWARD_MODEL_RULES_FROM)."),
    "extraction": ("Tasks found in chat, mail and Slack", "It decides nothing: every task found is shown."),
    "decomposition": ("Breakdowns into parts", "From there on the parts start without your agreement."),
    "plan": ("Plans", "From there on a plan starts by itself."),
}
KINDS = {
    "agenda": "Agendas",
    "agenda_reply": "Replies to agendas",
    "brief": "Briefs",
    "follow_up": "Follow-ups",
    "rsvp": "Invitations to answer",
    "conflict": "Conflicts",
    "travel": "When to leave",
    "time_proposal": "Proposed times",
    "promise": "Promises of yours",
    "unanswered": "Answers that others owe",
    "reminder": "Reminders",
    "preference": "Things to learn",
}
BASIS = {"learned": "what it took you before", "estimated": "its estimate", "assumed": "assumed, as nothing is known"}


@dataclass(frozen=True)
class Stream:
    """A stream of confidences as it is shown."""

    calibration: StoredCalibration
    name: str
    decides: str
    default: float
    chart: str
    says: str


def hours(minutes: float) -> str:
    """45 min, 3 h 20 min, 41 h."""
    whole = round(minutes)
    if whole < 60:
        return f"{whole} min"
    return f"{whole // 60} h" if whole >= 600 or whole % 60 == 0 else f"{whole // 60} h {whole % 60} min"


def money(usd: float) -> str:
    """$0.04, $12.30; under a cent in tenths of it."""
    return f"${usd:.2f}" if usd >= 0.01 or usd == 0 else f"${usd:.4f}"


def seconds(value: float | None) -> str:
    """4 s, 12 min, 3.5 h."""
    if value is None:
        return "–"
    if value < 90:
        return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"


def percent(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole else "–"


def kind_of_nudge(kind: str) -> str:
    return KINDS.get(kind, kind.replace("_", " "))


def streams(found: Insights) -> list[Stream]:
    """Those with a case, or pinned, with their diagrams."""
    return [_stream(one, place) for place, one in enumerate(found.calibration)]


def _stream(one: StoredCalibration, place: int) -> Stream:
    family, _, kind = one.stream.partition(":")
    name, decides = STREAMS.get(family, (kind_of_nudge(kind), "Below it, it is held for the digest."))
    chart = reliability(f"reliability-{place}", one, f"{name}: how sure it was, and how often it was right")
    return Stream(one, name, decides, aim_of(one.stream).default, chart if one.bins else "", _says(one))


def _says(one: StoredCalibration) -> str:
    """What the figures mean, in a sentence."""
    if one.share_right is None or one.brier is None or one.reference is None:
        return "No case was decided yet."
    if one.cases < LEAST_CASES:
        return f"{one.cases:g} of the {LEAST_CASES} cases that it takes to learn."
    sure = sum(b.count * b.confidence for b in one.bins) / one.cases
    gap = sure - one.share_right
    honest = "about as sure as it may be" if abs(gap) < 0.05 else "too sure of itself" if gap > 0 else "too modest"
    better = "better" if one.brier < one.reference else "no better"
    return f"It is {honest} (said {sure:.0%}, right {one.share_right:.0%}), and {better} than always saying the same."


def weekly_work(found: Insights) -> list[WorkOfWeek]:
    """Each week of the time shown, also those in which nothing was done."""

    def empty(week: date) -> WorkOfWeek:
        return WorkOfWeek(week=week, tasks=0, minutes_saved=0)

    return _filled(found, found.done.by_week, lambda one: one.week, empty, 7, MOST_WEEKS)


def weekly_drafts(found: Insights) -> list[DraftsOfWeek]:
    """Each week of the time shown, also those without a draft."""

    def empty(week: date) -> DraftsOfWeek:
        return DraftsOfWeek(week=week, drafts=0, unchanged=0, edited=0, rejected=0, edits=0)

    return _filled(found, found.accuracy.by_week, lambda one: one.week, empty, 7, MOST_WEEKS)


def daily_cost(found: Insights) -> list[CostOfDay]:
    """Each day of the time shown, also those that cost nothing."""

    def empty(day: date) -> CostOfDay:
        return CostOfDay(day=day, usd=0, calls=0, silent_usd=0)

    return _filled(found, found.cost.by_day, lambda one: one.day, empty, 1, MOST_DAYS)


def _filled(
    found: Insights, rows: Sequence[T], day_of: Callable[[T], date], empty: Callable[[date], T], step: int, most: int
) -> list[T]:
    known = {day_of(one): one for one in rows}
    first, last = _days(found, step)
    begun = max(first, min([*known, last - timedelta(days=step * FEWEST)]))
    count = min((last - begun).days // step + 1, most)
    days = [last - timedelta(days=step * back) for back in reversed(range(count))]
    return [known.get(day) or empty(day) for day in days]


def _days(found: Insights, step: int) -> tuple[date, date]:
    """The first and the last day, or the Mondays of their weeks."""

    def start(moment: datetime) -> date:
        day = moment.astimezone(ZoneInfo(found.timezone)).date()
        return day - timedelta(days=day.weekday() if step == 7 else 0)

    return start(found.since), start(found.until)


def short(day: date) -> str:
    return f"{day.day} {day:%b}"


def charts(found: Insights) -> dict[str, str]:
    """The charts over time by name; one without anything in it is empty."""
    work, drafts, cost = weekly_work(found), weekly_drafts(found), daily_cost(found)
    made = {
        "work": ("Tasks done, per week", [Column(short(one.week), (one.tasks,)) for one in work], ("tasks",), ""),
        "cost": (
            "Cost of models, per day",
            [Column(short(one.day), (one.usd - one.silent_usd, one.silent_usd)) for one in cost],
            ("that you asked for", "that nobody asked for"),
            "$",
        ),
        "accuracy": (
            "Drafts, per week",
            [Column(short(one.week), (one.unchanged, one.edited, one.rejected)) for one in drafts],
            ("unchanged", "edited", "rejected"),
            "",
        ),
        "edits": (
            "Edits per draft, per week",
            [Column(short(one.week), (one.edits / one.drafts if one.drafts else 0,)) for one in drafts],
            ("edits per draft",),
            "",
        ),
    }
    return {
        name: columns(f"chart-{name}", title, given, parts, unit) if any(one.height for one in given) else ""
        for name, (title, given, parts, unit) in made.items()
    }


def work_rows(found: Insights) -> list[tuple[object, ...]]:
    return [(short(one.week), one.tasks, round(one.minutes_saved)) for one in weekly_work(found)]


def cost_rows(found: Insights) -> list[tuple[object, ...]]:
    """Days that cost something, or on which a model was asked."""
    shown = [one for one in daily_cost(found) if one.calls or one.usd]
    return [(short(one.day), money(one.usd), money(one.silent_usd), one.calls) for one in shown]


def draft_rows(found: Insights) -> list[tuple[object, ...]]:
    return [(short(one.week), one.unchanged, one.edited, one.rejected, one.edits) for one in weekly_drafts(found)]


def edit_rows(found: Insights) -> list[tuple[object, ...]]:
    """Weeks with a draft."""
    shown = [one for one in weekly_drafts(found) if one.drafts]
    return [(short(one.week), one.drafts, one.edits, f"{one.edits / one.drafts:.2f}") for one in shown]


def bin_rows(known: StoredCalibration) -> list[tuple[object, ...]]:
    return [
        (f"{one.confidence:.0%}", f"{one.right:.0%}", f"{one.least:.0%}", f"{one.most:.0%}", f"{one.count:g}")
        for one in known.bins
    ]


def moves(known: StoredCalibration) -> list[CalibrationPoint]:
    """When the threshold moved, or was pinned or let go; the newest first."""
    before = [None, *known.history]
    moved = [
        now
        for now, then in zip(known.history, before, strict=False)
        if now.reason and (then is None or (now.threshold, now.is_pinned) != (then.threshold, then.is_pinned))
    ]
    return moved[::-1][:20]
