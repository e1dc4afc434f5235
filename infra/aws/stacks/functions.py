"""A function of the product: one container image for all of them, a handler each, a log group that forgets in time."""

# pyright: reportArgumentType=false
# The CDK's own classes do not fit its interfaces for a checker of types: their methods name parameters otherwise.

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as functions
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.aws.config import RETENTION, Config

ROOT = Path(__file__).parents[3]
DOCKERFILE = "infra/aws/Dockerfile"
WEB = "app.aws_lambda.handler"
METRICS = "app.aws_lambda_metrics.handler"
BASE_AGENT = "app.aws_lambda_agents.base_agent"
ORCHESTRATOR = "app.aws_lambda_agents.orchestrator"
NAMESPACE = "Steward"
FOLDERS = ("agents", "app", "cli", "core", "integrations", "jobs", "supabase", "tasks", "requirements")


def without(*files: str) -> list[str]:
    """What an image is not made of: all but the packages and these files. It is not even hashed."""
    folders = {parent.as_posix() for file in files for parent in Path(file).parents if parent.name}
    kept = ("pyproject.toml", "README.md", *FOLDERS, *(f"{name}/**" for name in FOLDERS), *sorted(folders), *files)
    return ["**", *(f"!{name}" for name in kept), "**/__pycache__", "**/.env*"]


def log_group(scope: Construct, name: str, config: Config) -> logs.LogGroup:
    """A log group that keeps lines for `log_days`."""
    return logs.LogGroup(
        scope,
        name,
        retention=logs.RetentionDays[RETENTION[config.log_days]],
        removal_policy=RemovalPolicy.DESTROY,
    )


def function_image(scope: Construct, config: Config, handler: str) -> functions.DockerImageCode:
    """The image of the settings out of ECR, else one that is built when it is deployed (nothing is built to synthesize)."""
    if config.image_repository:
        repository = ecr.Repository.from_repository_name(scope, "Images", config.image_repository)
        return functions.DockerImageCode.from_ecr(repository, tag_or_digest=config.image_tag, cmd=[handler])
    platform = assets.Platform.LINUX_ARM64 if config.architecture == "arm64" else assets.Platform.LINUX_AMD64
    return functions.DockerImageCode.from_image_asset(
        str(ROOT), file=DOCKERFILE, cmd=[handler], exclude=without(DOCKERFILE), platform=platform
    )


class ProductFunction(Construct):
    """One function with its own role (least IAM: its log group, its secret) and log group."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        config: Config,
        *,
        handler: str,
        secret: secrets.ISecret,
        environment: Mapping[str, str],
        timeout: Duration,
        memory_mib: int,
        dead_letters: sqs.IQueue | None = None,
        tries_again: int = 0,
    ) -> None:
        super().__init__(scope, name)
        group = log_group(self, "Logs", config)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        group.grant_write(role)
        secret.grant_read(role)
        is_arm = config.architecture == "arm64"
        self.function = functions.DockerImageFunction(
            self,
            "Function",
            code=function_image(self, config, handler),
            architecture=functions.Architecture.ARM_64 if is_arm else functions.Architecture.X86_64,
            role=role,
            environment={
                "STEWARD_HOME": "/tmp/steward",  # noqa: S108  # nosec B108 # the one place that a function may write to
                "STEWARD_LOG_FORMAT": "json",
                "STEWARD_LOG_LEVEL": "info",
                "STEWARD_AWS_SECRET": secret.secret_arn,
                **environment,
            },
            timeout=timeout,
            memory_size=memory_mib,
            log_group=group,
            dead_letter_queue=dead_letters,
            retry_attempts=tries_again if dead_letters else None,
        )
