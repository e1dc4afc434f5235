"""Meters of a process are its own, and come out in Prometheus's text format."""

from prometheus_client import REGISTRY
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from core.meters import Meters


def test_each_process_counts_for_itself_in_a_registry_of_its_own() -> None:
    one, other = Meters.new(), Meters.new()
    one.requests.labels("GET", "/", "200").inc()
    assert b'steward_http_requests_total{method="GET",route="/",status="200"} 1.0' in one.exposition()
    assert b"_created" not in one.exposition()
    assert b'route="/"' not in other.exposition()
    assert not [metric for metric in REGISTRY.collect() if metric.name.startswith("steward")]


def test_the_exposition_can_be_read_back_with_what_is_added() -> None:
    odd = GaugeMetricFamily("steward_odd", 'A "word"\nand \\ more', labels=["name"])
    odd.add_metric(['a "b"\n\\ 家'], 3)
    text = Meters.new().exposition([odd]).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["steward_odd"].samples[0].labels == {"name": 'a "b"\n\\ 家'}
    assert "process_resident_memory_bytes" in families
