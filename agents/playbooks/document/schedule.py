"""The schedule: dates for the task tree from day zero, dependencies and durations, without a model."""

from collections.abc import Sequence
from datetime import date, timedelta

from pydantic import BaseModel, ConfigDict, Field

from agents.playbooks.document.dates import Dates, Node, Timed, dates_of
from agents.playbooks.document.intake import StartTime
from agents.playbooks.document.stage import Earlier, Section, Stage, bullets, first_problem, repeated, table, too_few
from agents.playbooks.document.work_breakdown import WbsFull, WbsNode
from agents.playbooks.document.work_details import TaskDependencies, TaskDurations
from core.errors import Invalid
from core.spreadsheets import inert_cell, written_csv

TREE = "wbs_project_level1_and_level2_and_level3"
HEAD = ("Task ID", "Task", "Part of", "Starts on", "Ends on", "Days", "Critical", "Waits for")


class ScheduleEntry(BaseModel):
    """A phase, a task or a step with its first and its last day. `slack_days`: by how much it may be late at no cost."""

    model_config = ConfigDict(extra="forbid")

    id: str
    name: str
    parent_id: str | None = None
    starts_on: date
    ends_on: date
    days: int = Field(ge=1)
    slack_days: int = Field(default=0, ge=0)
    is_critical: bool = False
    depends_on: list[str] = Field(default_factory=list[str])


class LeftOut(BaseModel):
    """A dependency that the dates do not keep to."""

    model_config = ConfigDict(extra="forbid")

    task_id: str
    depends_on: str
    why: str


class CreateSchedule(Section):
    """When what happens. Each entry stands after the one it is part of; days are calendar days, the last one included."""

    starts_on: date
    ends_on: date
    days: int = Field(ge=1)
    entries: list[ScheduleEntry]
    critical_path: list[str]
    assumed_days: list[str] = Field(default_factory=list[str], description="Tasks without an estimate: a day each")
    left_out: list[LeftOut] = Field(default_factory=list[LeftOut])
    csv: str

    def shallow(self) -> str | None:
        known = {entry.id for entry in self.entries}
        wrong = next((entry for entry in self.entries if entry.ends_on < entry.starts_on), None)
        used = [need for entry in self.entries for need in (*entry.depends_on, entry.parent_id or entry.id)]
        strangers = [need for need in (*used, *self.critical_path) if need not in known]
        return first_problem(
            too_few(1, entries=self.entries),
            repeated(ids=[entry.id for entry in self.entries]),
            f"{strangers[0]} is no entry of the schedule" if strangers else None,
            f"{wrong.id} ends before it starts" if wrong else None,
        )

    def markdown(self) -> str:
        lines = [f"From {self.starts_on} to {self.ends_on}: {_days(self.days)}, counted as calendar days."]
        if self.critical_path:
            lines.append(
                f"**Critical path:** {' → '.join(self.critical_path)}. A day lost there is lost for the whole."
            )
        if self.assumed_days:
            lines.append(f"No estimate is there for {', '.join(self.assumed_days)}: one day each is assumed.")
        if self.left_out:
            lines.append("These dependencies could not be kept:")
            lines.append(bullets([f"{one.task_id} after {one.depends_on}: {one.why}" for one in self.left_out]))
        head = ["Task", "From", "To", "Days", "Critical", "Waits for"]
        return "\n\n".join([*lines, table(head, [self._row(entry) for entry in self.entries])])

    def _row(self, entry: ScheduleEntry) -> tuple[object, ...]:
        words = f"{entry.id} {entry.name}"
        task = f"**{words}**" if entry.parent_id is None else words
        critical = "yes" if entry.is_critical else f"{_days(entry.slack_days)} to spare"
        return task, entry.starts_on, entry.ends_on, entry.days, critical, ", ".join(entry.depends_on)


def fill_schedule(earlier: Earlier) -> CreateSchedule:
    """The dates of the tree. Raises StageMissing, and Invalid for a tree that has an id twice."""
    tree = earlier.of(TREE, WbsFull)
    details = earlier.of("identify_task_dependencies", TaskDependencies).task_dependency_details
    needs = {entry.dependent_task_id: entry.depends_on_task_id_list for entry in details}
    days: dict[str, float] = {}
    if earlier.has("estimate_task_durations"):
        estimates = earlier.of("estimate_task_durations", TaskDurations).estimates
        days = {entry.task_id: entry.days_realistic for entry in estimates}
    return schedule_of(dates_of(nodes_of(tree.task_children), needs, days), _day_zero(earlier))


def nodes_of(children: Sequence[WbsNode]) -> list[Node]:
    """The nodes of a work breakdown as the dates want them."""
    return [Node(one.id, one.description, tuple(nodes_of(one.task_children))) for one in children]


def schedule_of(dates: Dates, day_zero: date) -> CreateSchedule:
    """The section from dates counted in days. Raises Invalid where the calendar ends first."""
    try:
        entries = [_entry(timed, day_zero) for timed in dates.tasks]
        ends_on = day_zero + timedelta(days=max(dates.days, 1) - 1)
    except OverflowError:
        raise Invalid(
            "The schedule ends after the year 9999",
            detail=f"{dates.days} days from {day_zero}",
            hint="Shorten the tasks.",
        ) from None
    return CreateSchedule(
        starts_on=day_zero,
        ends_on=ends_on,
        days=max(dates.days, 1),
        entries=entries,
        critical_path=dates.critical_path,
        assumed_days=dates.assumed,
        left_out=[LeftOut(task_id=one.task_id, depends_on=one.depends_on, why=one.why) for one in dates.dropped],
        csv=csv_of(entries),
    )


def csv_of(entries: Sequence[ScheduleEntry]) -> str:
    """The entries as CSV; no cell is taken for a formula."""
    rows = [
        (e.id, e.name, e.parent_id or "", e.starts_on, e.ends_on, e.days, "yes" if e.is_critical else "no", " ".join(e.depends_on))
        for e in entries
    ]  # fmt: skip
    return written_csv([[inert_cell(cell) for cell in row] for row in [HEAD, *rows]])


def _entry(timed: Timed, day_zero: date) -> ScheduleEntry:
    starts_on = day_zero + timedelta(days=timed.start)
    return ScheduleEntry(
        id=timed.id,
        name=timed.name,
        parent_id=timed.parent_id,
        starts_on=starts_on,
        ends_on=starts_on + timedelta(days=timed.days - 1),
        days=timed.days,
        slack_days=timed.slack,
        is_critical=timed.slack == 0,
        depends_on=list(timed.depends_on),
    )


def _day_zero(earlier: Earlier) -> date:
    """The day on which the plan was asked for, where it was asked for."""
    local = earlier.of("start_time", StartTime).server_iso_local if earlier.has("start_time") else earlier.started_at
    try:
        return date.fromisoformat(local[:10])
    except ValueError:
        raise Invalid(f"server_iso_local is no date: {local[:40]!r}") from None


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


STAGES = (
    Stage(
        "create_schedule",
        "Schedule and Gantt",
        "schedule",
        "Works out the dates of all tasks from the start, what waits for what, and the durations.",
        CreateSchedule,
        depends_on=("start_time", "identify_task_dependencies", TREE),
        reads=("estimate_task_durations",),
        fill=fill_schedule,
        minutes=0.02,
    ),
)
