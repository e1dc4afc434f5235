"""The door of AWS Lambda for the gauge: the numbers of queue and workers, once a minute, as CloudWatch's metrics.

They go out as one line of the log in the embedded metric format
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
A gauge that cannot read them fails: then the alarm on the queue's age hears nothing, and rings.
"""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from app.aws_lambda_agents import settings_on_aws
from core.database import Identity
from core.postgrest import open_postgrest
from tasks.metrics import get_installation_metrics

if TYPE_CHECKING:
    from tasks.metrics import InstallationMetrics

NAMESPACE = "Steward"
INSTALLATION = "STEWARD_AWS_INSTALLATION"


def handler(event: Mapping[str, Any], context: Any) -> dict[str, float]:
    """What EventBridge calls; the answer is what was written."""
    return asyncio.run(_gauge())


async def _gauge() -> dict[str, float]:
    settings = await settings_on_aws()
    async with open_postgrest(settings) as database:
        numbers = await get_installation_metrics(database.acting_as(Identity.service()))
    values = figures(numbers)
    line = metric_line(values, os.environ.get(INSTALLATION, "steward"), time.time())
    print(line.decode(), file=sys.stdout, flush=True)
    return values


def figures(numbers: "InstallationMetrics") -> dict[str, float]:
    """The numbers that alarms and graphs are made of."""
    queues = list(numbers.queues.values())
    return {
        "OldestQueuedSeconds": max((max(one.oldest_seconds or 0.0, 0.0) for one in queues), default=0.0),
        "JobsReady": float(sum(one.ready for one in queues)),
        "JobsRunning": float(sum(one.doing for one in queues)),
        "WorkersAlive": float(numbers.workers.alive),
    }


def metric_line(values: Mapping[str, float], installation: str, now: float) -> bytes:
    """The line that CloudWatch makes metrics of; `now` is in seconds since 1970."""
    units = {"OldestQueuedSeconds": "Seconds"}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["Installation"]],
        "Metrics": [{"Name": name, "Unit": units.get(name, "Count")} for name in values],
    }
    about = {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]}
    return orjson.dumps({"_aws": about, "Installation": installation, **values})
