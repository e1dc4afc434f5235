"""Numbers of this one process, for Prometheus: requests, open streams, the pool. Numbers of the installation are SQL's.

The registry is the house's own; nothing that a library registers globally gets in.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATENCY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
POOL_GAUGES = {
    "pool_size": ("steward_database_pool_connections", "Connections that the pool has"),
    "pool_available": ("steward_database_pool_idle_connections", "Connections that nobody uses"),
    "requests_waiting": ("steward_database_pool_waiting", "Calls that wait for a connection"),
}


@dataclass(frozen=True)
class Meters:
    """What a web process counts of itself."""

    registry: CollectorRegistry
    requests: Counter
    seconds: Histogram
    streams: Gauge

    @classmethod
    def new(cls) -> "Meters":
        """Meters at nought, with a registry of their own."""
        disable_created_metrics()  # a second series for each, which nobody reads
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        return cls(
            registry,
            Counter(
                "steward_http_requests",
                "Requests answered, by route and status",
                ["method", "route", "status"],
                registry=registry,
            ),
            Histogram(
                "steward_http_request_seconds",
                "Time to the first byte of an answer, by route",
                ["method", "route"],
                buckets=LATENCY_SECONDS,
                registry=registry,
            ),
            Gauge(
                "steward_http_streams",
                "Clients that follow live events now",
                ["kind"],
                registry=registry,
            ),
        )

    def exposition(self, more: Iterable[Metric] = ()) -> bytes:
        """All of it and `more` in Prometheus's text format (version 0.0.4)."""
        extra = CollectorRegistry()
        extra.register(_Fixed(list(more)))
        return generate_latest(self.registry) + generate_latest(extra)


class _Fixed(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics
