"""The charts of a report, drawn from what is stored: those for which there are data."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.playbooks.document.charts import Point, Range, bars, matrix, ranges
from agents.playbooks.document.contents import TREE, Contents
from agents.playbooks.document.gantt import gantt_pages
from agents.playbooks.document.schedule import CreateSchedule, ScheduleEntry

M = TypeVar("M", bound=BaseModel)
MOST = 60  # rows of one chart


class Seen(BaseModel):
    """Base of what a chart reads of a section, whatever else is in it."""

    model_config = ConfigDict(extra="ignore")


class SeenRisk(Seen):
    """A risk on two scales of three."""

    risk_area: str
    likelihood: Literal["low", "medium", "high"]
    severity: Literal["low", "medium", "high"]


class SeenFailure(Seen):
    """A way to fail on two scales of five."""

    title: str
    likelihood_5: int = Field(ge=1, le=5)
    impact_5: int = Field(ge=1, le=5)


class SeenRole(Seen):
    """A role and how many fill it."""

    category: str
    count: float = Field(ge=0)


class SeenEstimate(Seen):
    """How long a task takes."""

    task_id: str
    days_min: float = Field(ge=0)
    days_realistic: float = Field(ge=0)
    days_max: float = Field(ge=0)


class Chart(BaseModel):
    """A chart: its title, its drawings (one, or one for each page), a list that explains its chips."""

    title: str
    drawings: list[str]
    is_wide: bool = False
    chips: list[tuple[str, str]] = Field(default_factory=list[tuple[str, str]])


def charts_of(contents: Contents) -> list[Chart]:
    """Schedule, risks, ways to fail, durations, team; each only where its section is there and can be read."""
    makers: Sequence[Callable[[Contents], Chart | None]] = (_schedule, _risks, _failures, _durations, _team)
    return [chart for make in makers if (chart := make(contents)) is not None]


def schedule_entries(contents: Contents) -> list[ScheduleEntry]:
    """The entries of the schedule, none where there is no schedule that can be read."""
    data = contents.data("create_schedule")
    try:
        return CreateSchedule.model_validate(data).entries if data else []
    except ValidationError:  # stored in another form than schedules have now
        return []


def _schedule(contents: Contents) -> Chart | None:
    """The Gantt chart; of a large one phases and tasks, without steps."""
    entries = schedule_entries(contents)
    if not entries:
        return None
    if len(entries) <= MOST:
        return Chart(title="Schedule", drawings=gantt_pages(entries, "Schedule"), is_wide=True)
    phases = {entry.id for entry in entries if entry.parent_id is None}
    tasks = [entry for entry in entries if entry.parent_id is None or entry.parent_id in phases]
    return Chart(title="Schedule, without steps", drawings=gantt_pages(tasks, "Schedule"), is_wide=True)


def _risks(contents: Contents) -> Chart | None:
    risks = _seen(contents.data("identify_risks"), "risks", SeenRisk)
    if not risks:
        return None
    steps = ("low", "medium", "high")
    points = [
        Point(steps.index(one.likelihood), steps.index(one.severity), f"R{place}", one.risk_area)
        for place, one in enumerate(risks, start=1)
    ]
    drawing = matrix("risks", "Risks by likelihood and severity", ("Likelihood", "Severity"), steps, steps, points)
    return Chart(title="Risks", drawings=[drawing], chips=[(point.chip, point.words) for point in points])


def _failures(contents: Contents) -> Chart | None:
    modes = _seen(contents.data("premortem"), "failure_modes", SeenFailure)
    if not modes:
        return None
    steps = [str(step) for step in range(1, 6)]
    points = [
        Point(one.likelihood_5 - 1, one.impact_5 - 1, f"F{place}", one.title)
        for place, one in enumerate(modes, start=1)
    ]
    drawing = matrix(
        "failures", "Ways to fail by likelihood and impact", ("Likelihood", "Impact"), steps, steps, points
    )
    return Chart(title="Ways to fail", drawings=[drawing], chips=[(point.chip, point.words) for point in points])


def _durations(contents: Contents) -> Chart | None:
    estimates = _seen(contents.data("estimate_task_durations"), "estimates", SeenEstimate)
    names = _names(contents.data(TREE) or contents.data("wbs_project_level1_and_level2"))
    rows = [
        Range(f"{e.task_id} {names.get(e.task_id, '')}", e.days_min, e.days_realistic, e.days_max) for e in estimates
    ]
    return _paged("Durations", "durations", "Days at least, likely and at most", rows, ranges)


def _team(contents: Contents) -> Chart | None:
    roles = _seen(contents.data("find_team_members"), "members", SeenRole)
    return _paged("Team", "team", "People in each role", [(one.category, one.count) for one in roles], bars)


T = TypeVar("T")


def _paged(
    title: str, name: str, words: str, rows: Sequence[T], draw: Callable[[str, str, Sequence[T]], str]
) -> Chart | None:
    pages = [rows[start : start + MOST] for start in range(0, len(rows), MOST)]
    drawings = [draw(f"{name}-{place}", words, page) for place, page in enumerate(pages, start=1)]
    return Chart(title=title, drawings=drawings) if drawings else None


def _names(tree: Mapping[str, Any] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    waiting = _listed(tree, "task_children")
    while waiting:
        node = waiting.pop()
        found[str(node.get("id"))] = str(node.get("description") or "")
        waiting += _listed(node, "task_children")
    return found


def _listed(data: Mapping[str, Any] | None, key: str) -> list[Mapping[str, Any]]:
    rows = (data or {}).get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []  # pyright: ignore[reportUnknownVariableType]


def _seen(data: Mapping[str, Any] | None, key: str, form: type[M]) -> list[M]:
    """What a chart can read of a section, row by row."""
    found: list[M] = []
    for row in _listed(data, key):
        try:
            found.append(form.model_validate(row))
        except ValidationError:  # a row without the numbers that a chart draws is not drawn; it is in the text
            continue
    return found
