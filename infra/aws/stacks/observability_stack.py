"""What tells a person that something is wrong: alarms to one topic, and a page of graphs."""

# pyright: reportArgumentType=false
# The CDK's own classes do not fit its interfaces for a checker of types: their methods name parameters otherwise.

from collections.abc import Mapping

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as functions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.aws.config import Config

FIVE_MINUTES = Duration.minutes(5)
ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
NOTHING_IS_FINE = cloudwatch.TreatMissingData.NOT_BREACHING
NOTHING_IS_WRONG = cloudwatch.TreatMissingData.BREACHING


class ObservabilityStack(Stack):
    """`topic` gets every alarm, when it begins and when it ends."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        config: Config,
        *,
        by_name: Mapping[str, functions.Function],
        slowest_ms: Mapping[str, int],
        api: gateway.IHttpApi,
        dead_letters: sqs.IQueue,
        service: ecs.FargateService,
        queue_age: cloudwatch.IMetric,
        workers_alive: cloudwatch.IMetric,
        **stack: object,
    ) -> None:
        super().__init__(scope, name, **stack)
        self._topic(config)
        self.rows: list[list[cloudwatch.IWidget]] = []
        for part, function in by_name.items():
            self._function(part, function, slowest_ms[part])
        self._api(api)
        self._queue(config, dead_letters, service, queue_age, workers_alive)
        cloudwatch.Dashboard(self, "Dashboard", dashboard_name=config.name, widgets=self.rows)
        CfnOutput(self, "AlarmTopic", value=self.topic.topic_arn)

    def _topic(self, config: Config) -> None:
        self.topic = sns.Topic(self, "Alarms", display_name=f"{config.name}: alarms", enforce_ssl=True)
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"AWS:SourceAccount": self.account}},
            )
        )
        if config.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(config.alarm_email))

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        words: str,
        *,
        periods: int = 1,
        operator: cloudwatch.ComparisonOperator = ABOVE,
        missing: cloudwatch.TreatMissingData = NOTHING_IS_FINE,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=operator,
            treat_missing_data=missing,
            alarm_description=words,
        )
        told = actions.SnsAction(self.topic)
        alarm.add_alarm_action(told)
        alarm.add_ok_action(told)

    def _function(self, part: str, function: functions.Function, slowest_ms: int) -> None:
        errors = function.metric_errors(period=FIVE_MINUTES)
        throttles = function.metric_throttles(period=FIVE_MINUTES)
        duration = function.metric_duration(period=FIVE_MINUTES, statistic="p95")
        self._alarm(f"{part}Errors", errors, 3, f"{part}: more than three calls failed in five minutes")
        self._alarm(f"{part}Throttles", throttles, 0, f"{part}: calls were turned away; raise its concurrency")
        self._alarm(
            f"{part}Slow", duration, slowest_ms * 0.8, f"{part}: near the time at which it is cut off", periods=2
        )
        self.rows.append(
            [
                cloudwatch.GraphWidget(title=f"{part}: calls", left=[function.metric_invocations(), errors, throttles]),
                cloudwatch.GraphWidget(title=f"{part}: how long", left=[duration]),
            ]
        )

    def _api(self, api: gateway.IHttpApi) -> None:
        broken = api.metric_server_error(period=FIVE_MINUTES, statistic="Sum")
        latency = api.metric_latency(period=FIVE_MINUTES, statistic="p95")
        self._alarm("ApiServerErrors", broken, 5, "The API answered with 5xx more than five times in five minutes")
        counts = [api.metric_count(statistic="Sum"), broken, api.metric_client_error(statistic="Sum")]
        self.rows.append(
            [
                cloudwatch.GraphWidget(title="API: answers", left=counts),
                cloudwatch.GraphWidget(title="API: how long", left=[latency]),
            ]
        )

    def _queue(
        self,
        config: Config,
        dead_letters: sqs.IQueue,
        service: ecs.FargateService,
        queue_age: cloudwatch.IMetric,
        workers_alive: cloudwatch.IMetric,
    ) -> None:
        # Where nothing is heard of the queue, nobody knows that work is done: that is an alarm, too.
        self._alarm(
            "QueueAge",
            queue_age,
            config.queue_age_seconds,
            f"A task has waited longer than {config.queue_age_seconds} s, or nothing is heard of the queue",
            periods=5,
            missing=NOTHING_IS_WRONG,
        )
        self._alarm(
            "NoWorkers", workers_alive, 1, "No worker is alive", periods=5, operator=BELOW, missing=NOTHING_IS_WRONG
        )
        waiting = dead_letters.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES, statistic="Maximum")
        self._alarm("DeadLetters", waiting, 0, "An order to an agent failed for good; it lies in the queue")
        self.rows.append(
            [
                cloudwatch.GraphWidget(title="Oldest queued task (s)", left=[queue_age]),
                cloudwatch.GraphWidget(title="Workers", left=[workers_alive], right=[service.metric_cpu_utilization()]),
            ]
        )
