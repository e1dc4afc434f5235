"""Secrets of the parts: a JSON object each, whose names are environment variables. Their values are put in by a person."""

# pyright: reportArgumentType=false
# The CDK's own classes do not fit its interfaces for a checker of types: their methods name parameters otherwise.

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.aws.config import Config

EDGE_KEY = "STEWARD_AWS_EDGE_KEY"  # nosec B105 # a name


class SecretsStack(Stack):
    """`web`, `worker` and `agents`: nobody reads what it does not need. They stay when the stack goes.

    `edge`, with a domain, is made up here: CloudFront shows it to the function, which then believes whose request it is.
    """

    def __init__(self, scope: Construct, name: str, config: Config, **stack: object) -> None:
        super().__init__(scope, name, **stack)
        self.web = self._secret("web", config, "Keys of the Supabase project, and STEWARD_SECRET_KEY")
        self.worker = self._secret("worker", config, f"For workers: {', '.join(config.worker_secrets)}")
        self.agents = self._secret("agents", config, "For base agent and orchestrator: OPENAI_API_KEY")
        self.edge = self._made_up(config) if config.domain else None

    def _made_up(self, config: Config) -> secrets.Secret:
        form = "{}"
        text = secrets.SecretStringGenerator(
            secret_string_template=form, generate_string_key=EDGE_KEY, exclude_punctuation=True, password_length=48
        )
        return secrets.Secret(
            self,
            "Edge",
            secret_name=f"{config.name}/edge",
            description="What CloudFront shows to the function. Made up; nobody has to know it",
            generate_secret_string=text,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _secret(self, part: str, config: Config, words: str) -> secrets.Secret:
        return secrets.Secret(
            self,
            part.capitalize(),
            secret_name=f"{config.name}/{part}",
            description=f"{words}. A JSON object: name of the variable -> value",
            removal_policy=RemovalPolicy.RETAIN,
        )
