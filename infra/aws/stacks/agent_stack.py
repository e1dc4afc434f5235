"""Base agent and orchestrator as functions: the one writes to a bucket, the other may call it, and nothing else."""

# pyright: reportArgumentType=false
# The CDK's own classes do not fit its interfaces for a checker of types: their methods name parameters otherwise.

from collections.abc import Mapping

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as functions
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.aws.config import Config
from infra.aws.stacks.functions import BASE_AGENT, ORCHESTRATOR, ProductFunction
from infra.aws.stacks.storage_stack import let_use


class AgentStack(Stack):
    """`base_agent`, `orchestrator`, and `dead_letters`: orders that were handed over to wait and failed for good."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        config: Config,
        *,
        secret: secrets.ISecret,
        outputs: s3.IBucket,
        **stack: object,
    ) -> None:
        super().__init__(scope, name, **stack)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        place = {"STEWARD_AWS_OUTPUT": f"s3://{outputs.bucket_name}/agents"}

        def agent(
            name: str, handler: str, minutes: int, environment: Mapping[str, str], tries_again: int
        ) -> functions.Function:
            return ProductFunction(
                self,
                name,
                config,
                handler=handler,
                secret=secret,
                environment=environment,
                timeout=Duration.minutes(minutes),
                memory_mib=1024,
                dead_letters=self.dead_letters,
                tries_again=tries_again,
            ).function

        self.base_agent = agent("BaseAgent", BASE_AGENT, 10, place, 2)
        calls = {"STEWARD_AWS_BASE_AGENT": self.base_agent.function_name}
        # What it does costs much: a person begins it again.
        self.orchestrator = agent("Orchestrator", ORCHESTRATOR, 15, place | calls, 0)
        for one in (self.base_agent, self.orchestrator):
            let_use(one, outputs, remove=False)
        self.orchestrator.add_to_role_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[self.base_agent.function_arn])
        )
        CfnOutput(self, "BaseAgentName", value=self.base_agent.function_name)
        CfnOutput(self, "OrchestratorName", value=self.orchestrator.function_name)
