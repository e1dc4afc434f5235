"""Numbers: how the tasks of a tenant stand and stood, what the whole installation did, and the nightly clean-up.

As everywhere: one thin typed call per SQL function; what each counts stands in the function's comment in SQL.
"""

from datetime import datetime
from typing import Any, Literal, get_args

from pydantic import Field

from core.database import Caller
from tasks.models import Record

CleanUp = Literal[
    "completed_tasks",
    "failed_tasks",
    "task_events",
    "idempotency_keys",
    "queue_jobs",
    "metrics_snapshots",
    "agent_reports",
    "agent_leases",
]
CLEAN_UPS: tuple[CleanUp, ...] = get_args(CleanUp)
MOST_HOURS = 2160


class MetricsSnapshot(Record):
    """How a tenant's tasks stood at `taken_at`. `tasks` and `plans` (roots with subtasks): state to number."""

    taken_at: datetime
    tasks: dict[str, int]
    plans: dict[str, int]
    created_last_hour: int
    created_last_day: int
    completed_last_hour: int
    completed_last_day: int
    failed_last_day: int
    average_seconds: float | None = Field(
        None, description="From start to completion, over the last day; null where nothing was completed"
    )
    success_rate: float | None = Field(
        None, description="Completed, of what completed or failed in the last day; null where nothing did"
    )
    model_calls_last_day: int = 0
    tokens_last_day: int = 0
    cost_usd_last_day: float = 0


class Metrics(Record):
    """A tenant's tasks now (state to number), its latest snapshot, and the snapshots before, oldest first."""

    counted_at: datetime
    tasks: dict[str, int]
    drafts_to_review: int
    latest: MetricsSnapshot | None = None
    history: list[MetricsSnapshot] = Field(default_factory=list[MetricsSnapshot])


class QueueMetrics(Record):
    """A queue: jobs that could start, that wait for their time, that run; how long the first could have started."""

    ready: int
    scheduled: int
    doing: int
    oldest_seconds: float | None = None


class WorkerMetrics(Record):
    """Workers heard of in the last seconds, the tasks that they could run at once, and those that they run."""

    alive: int
    slots: int
    running: int


class Total(Record):
    """A number that only grows: `runs_ended` by outcome, `steps` by kind and state, `tokens`, `cost_usd`, ..."""

    name: str
    label: str = ""
    value: float


class InstallationMetrics(Record):
    """Numbers of all tenants together, with nobody's name in them."""

    tasks: dict[str, int]
    tasks_counted_at: datetime
    queues: dict[str, QueueMetrics]
    workers: WorkerMetrics
    totals: list[Total]


async def get_metrics(caller: Caller, hours: int = 24) -> Metrics:
    """The caller's own tasks now and over the last hours (1 to 2160; about 300 points at most)."""
    return Metrics.model_validate(await caller.call("get_metrics", hours=hours))


async def get_installation_metrics(caller: Caller) -> InstallationMetrics:
    """The whole installation (service only)."""
    return InstallationMetrics.model_validate(await caller.call("get_installation_metrics"))


async def take_metrics_snapshot(caller: Caller, taken_at: datetime | None = None) -> int:
    """A snapshot of every tenant that has tasks (service only); how many. Twice for one time is once."""
    params: dict[str, Any] = {} if taken_at is None else {"taken_at": taken_at}
    return await caller.call("take_metrics_snapshot", **params)


async def clean_up(
    caller: Caller, what: CleanUp, older_than_days: int, *, batch_size: int = 200, dry_run: bool = False
) -> int:
    """One batch in every tenant (service only); how many, 0 when nothing is left. Dry: how many there would be."""
    return await caller.call(
        "clean_up", what=what, older_than_days=older_than_days, batch_size=batch_size, dry_run=dry_run
    )
