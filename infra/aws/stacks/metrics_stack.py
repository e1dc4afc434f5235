"""Where the numbers of the queue come from: a small function asks the database every minute and writes them as metrics.

It writes them as lines of its log in CloudWatch's embedded metric format, so it needs no leave to put metrics.
"""

# pyright: reportArgumentType=false
# The CDK's own classes do not fit its interfaces for a checker of types: their methods name parameters otherwise.

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.aws.config import Config
from infra.aws.stacks.functions import METRICS, NAMESPACE, ProductFunction


class MetricsStack(Stack):
    """`gauge` is the function; `queue_age` and `workers_alive` are metrics of what it writes."""

    def __init__(
        self, scope: Construct, name: str, config: Config, *, secret: secrets.ISecret, **stack: object
    ) -> None:
        super().__init__(scope, name, **stack)
        gauge = ProductFunction(
            self,
            "Gauge",
            config,
            handler=METRICS,
            secret=secret,
            environment={"SUPABASE_URL": config.supabase_url, "STEWARD_AWS_INSTALLATION": config.name},
            timeout=Duration.seconds(50),
            memory_mib=512,
        )
        self.gauge = gauge.function
        every_minute = events.Schedule.rate(Duration.minutes(1))
        target = targets.LambdaFunction(self.gauge, retry_attempts=0, max_event_age=Duration.minutes(1))
        events.Rule(self, "EveryMinute", schedule=every_minute, targets=[target])
        self.queue_age = metric(config, "OldestQueuedSeconds", "Maximum")
        self.workers_alive = metric(config, "WorkersAlive", "Minimum")


def metric(config: Config, name: str, statistic: str) -> cloudwatch.Metric:
    """A metric of this installation, by the minute."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"Installation": config.name},
        statistic=statistic,
        period=Duration.minutes(1),
    )
