"""The installation's numbers as Prometheus knows them. Every web process tells the same ones: take the maximum."""

from collections.abc import Iterator, Sequence

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from core.meters import POOL_GAUGES
from tasks.metrics import InstallationMetrics, Total

RUN_SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)  # as private.fold_totals has them
STATES = ("pending", "queued", "in_progress", "paused", "blocked", "completed", "failed", "cancelled")


def installation_families(numbers: InstallationMetrics | None) -> Iterator[Metric]:
    """Tasks, queues, workers, runs, steps, models; of None only that the database does not answer."""
    yield GaugeMetricFamily("steward_database_up", "Does the database answer?", value=float(numbers is not None))
    if numbers is None:
        return
    tasks = GaugeMetricFamily("steward_tasks", "Tasks by status, archived ones included", labels=["status"])
    for status in STATES:
        tasks.add_metric([status], numbers.tasks.get(status, 0))
    yield tasks
    yield GaugeMetricFamily(
        "steward_tasks_counted_timestamp_seconds",
        "When tasks were counted that are neither queued nor in progress",
        value=numbers.tasks_counted_at.timestamp(),
    )
    yield from _queues(numbers)
    yield GaugeMetricFamily("steward_workers", "Workers heard of lately", value=numbers.workers.alive)
    yield GaugeMetricFamily(
        "steward_worker_slots", "Tasks that they can run at the same time", value=numbers.workers.slots
    )
    yield GaugeMetricFamily("steward_worker_running", "Tasks that they run now", value=numbers.workers.running)
    yield from _totals(numbers.totals)


def pool_families(stats: dict[str, int]) -> Iterator[Metric]:
    """The database pool of this process, out of psycopg_pool's own numbers."""
    for name, (metric, words) in POOL_GAUGES.items():
        yield GaugeMetricFamily(metric, words, value=stats.get(name, 0))
    yield CounterMetricFamily(
        "steward_database_pool_errors", "Calls that got no connection", value=stats.get("requests_errors", 0)
    )


def _queues(numbers: InstallationMetrics) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("steward_queue_jobs", "Jobs in the queue by state", labels=["queue", "state"])
    oldest = GaugeMetricFamily(
        "steward_queue_oldest_seconds", "How long the first job that could start has waited", labels=["queue"]
    )
    for name, queue in sorted(numbers.queues.items()):
        jobs.add_metric([name, "ready"], queue.ready)
        jobs.add_metric([name, "scheduled"], queue.scheduled)
        jobs.add_metric([name, "doing"], queue.doing)
        oldest.add_metric([name], max(queue.oldest_seconds or 0, 0))
    yield jobs
    yield oldest


def _totals(totals: Sequence[Total]) -> Iterator[Metric]:
    by_name: dict[str, dict[str, float]] = {}
    for total in totals:
        by_name.setdefault(total.name, {})[total.label] = total.value
    started = by_name.get("runs_started", {}).get("", 0)
    yield CounterMetricFamily("steward_runs_started", "Runs of tasks that began", value=started)
    yield _by_label(
        "steward_runs_ended", "Runs that ended, by the state they left", by_name.get("runs_ended"), "status"
    )
    yield _run_seconds(by_name.get("run_seconds", {}), by_name.get("run_seconds_sum", {}).get("", 0))
    steps = CounterMetricFamily("steward_steps", "Model and tool calls, by state", labels=["kind", "state"])
    for label, value in sorted(by_name.get("steps", {}).items()):
        steps.add_metric(label.split(":", 1), value)
    yield steps
    yield _by_label("steward_model_calls", "Requests to a model or the rules", by_name.get("model_calls"), "result")
    yield _by_label("steward_tokens", "Tokens of models", by_name.get("tokens"), "direction")
    cost = by_name.get("cost_usd", {}).get("", 0)
    yield CounterMetricFamily("steward_cost_usd", "What models cost, in dollars", value=cost)


def _by_label(name: str, words: str, values: dict[str, float] | None, label: str) -> Metric:
    family = CounterMetricFamily(name, words, labels=[label])
    for key, value in sorted((values or {}).items()):
        family.add_metric([key], value)
    return family


def _run_seconds(counts: dict[str, float], total_seconds: float) -> Metric:
    """`counts` by position of the first bound above; Prometheus wants them added up."""
    buckets: list[tuple[str, float]] = []
    so_far = 0.0
    for position, bound in enumerate([*RUN_SECONDS, None]):
        so_far += counts.get(str(position), 0)
        buckets.append(("+Inf" if bound is None else str(float(bound)), so_far))
    family = HistogramMetricFamily("steward_run_seconds", "How long runs took")
    family.add_metric([], buckets, total_seconds)  # pyright: ignore[reportArgumentType] - it takes lists of pairs
    return family
