"""Pages and API: a function behind an HTTP API, with the PostgREST adapter; it holds no connection to a database."""

# pyright: reportArgumentType=false
# The CDK's own classes do not fit its interfaces for a checker of types: their methods name parameters otherwise.

import json

from aws_cdk import CfnOutput, Duration, Fn, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.aws.config import Config
from infra.aws.stacks.functions import WEB, ProductFunction, log_group
from infra.aws.stacks.storage_stack import artifact_settings, let_use

SLOWEST = Duration.seconds(29)  # API Gateway gives up after 30 s


class ApiStack(Stack):
    """`api` is the HTTP API, `web` the function behind it, `host` the API's own host name."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        config: Config,
        *,
        secret: secrets.ISecret,
        edge: secrets.ISecret | None,
        artifacts: s3.IBucket,
        **stack: object,
    ) -> None:
        super().__init__(scope, name, **stack)
        environment = {"SUPABASE_URL": config.supabase_url} | artifact_settings(artifacts)
        if config.public_url:
            environment["STEWARD_PUBLIC_URL"] = config.public_url
        if edge:
            environment["STEWARD_AWS_EDGE_SECRET"] = edge.secret_arn
        web = ProductFunction(
            self,
            "Web",
            config,
            handler=WEB,
            secret=secret,
            environment=environment,
            timeout=SLOWEST,
            memory_mib=1024,
        )
        self.web = web.function
        if edge:
            edge.grant_read(self.web)
        let_use(self.web, artifacts, remove=True)
        self.api = gateway.HttpApi(self, "Api", create_default_stage=False, description=f"{config.name}: pages and API")
        self.api.add_routes(path="/{proxy+}", integration=HttpLambdaIntegration("Pages", self.web))
        self.api.add_routes(path="/", integration=HttpLambdaIntegration("Root", self.web))
        self._stage(config)
        self.host = Fn.select(2, Fn.split("/", self.api.api_endpoint))
        CfnOutput(self, "ApiUrl", value=self.api.api_endpoint, description="Where API Gateway answers")

    def _stage(self, config: Config) -> None:
        stage = gateway.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            detailed_metrics_enabled=True,
            throttle=gateway.ThrottleSettings(rate_limit=config.requests_per_second, burst_limit=config.burst),
        )
        # No query strings and no headers: sign-in links and tokens are in those.
        fields = (
            "requestId",
            "requestTime",
            "httpMethod",
            "routeKey",
            "status",
            "responseLength",
            "integrationLatency",
        )
        access_log = log_group(self, "AccessLog", config)
        lines = json.dumps({field: f"$context.{field}" for field in fields})
        plain = stage.node.default_child
        assert isinstance(plain, gateway.CfnStage)  # nosec B101 # what an HttpStage is made of
        plain.access_log_settings = gateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=access_log.log_group_arn, format=lines
        )
        access_log.grant_write(iam.ServicePrincipal("apigateway.amazonaws.com"))
