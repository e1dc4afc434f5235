"""One address for all: CloudFront before the API, and the static files out of a bucket that only it may read."""

# pyright: reportArgumentType=false
# The CDK's own classes do not fit its interfaces for a checker of types: their methods name parameters otherwise.

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cdn
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.aws.config import Config, ConfigError
from infra.aws.stacks.secrets_stack import EDGE_KEY
from infra.aws.stacks.storage_stack import private_bucket


class EdgeStack(Stack):
    """Made where a domain is named. What is not in `static` (yet) comes out of the function's package."""

    def __init__(
        self, scope: Construct, name: str, config: Config, *, api_host: str, key: secrets.ISecret, **stack: object
    ) -> None:
        super().__init__(scope, name, **stack)
        if config.domain is None or config.certificate_arn is None:
            raise ConfigError("domain and certificate_arn are needed for the edge")
        kept = s3.LifecycleRule(noncurrent_version_expiration=Duration.days(30))
        self.static = private_bucket(self, "Static", rules=[kept])
        shown = key.secret_value_from_json(EDGE_KEY).unsafe_unwrap()  # a reference, which CloudFormation follows
        api = origins.HttpOrigin(
            api_host,
            protocol_policy=cdn.OriginProtocolPolicy.HTTPS_ONLY,
            custom_headers={"x-steward-edge": shown},
        )
        files = origins.OriginGroup(
            primary_origin=origins.S3BucketOrigin.with_origin_access_control(self.static),
            fallback_origin=api,
            fallback_status_codes=[403, 404],
        )
        by_version = cdn.CachePolicy(
            self,
            "ByVersion",
            query_string_behavior=cdn.CacheQueryStringBehavior.allow_list("v"),
            min_ttl=Duration.seconds(0),
            default_ttl=Duration.minutes(5),
            max_ttl=Duration.days(365),
            enable_accept_encoding_brotli=True,
            enable_accept_encoding_gzip=True,
        )
        self.distribution = cdn.Distribution(
            self,
            "Distribution",
            comment=f"{config.name}: pages, API and static files",
            domain_names=[config.domain],
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", config.certificate_arn),
            minimum_protocol_version=cdn.SecurityPolicyProtocol.TLS_V1_2_2021,
            http_version=cdn.HttpVersion.HTTP2_AND_3,
            default_behavior=cdn.BehaviorOptions(
                origin=api,
                allowed_methods=cdn.AllowedMethods.ALLOW_ALL,
                cache_policy=cdn.CachePolicy.CACHING_DISABLED,
                # The API answers for its own host name alone; the function knows the public one from its settings.
                origin_request_policy=cdn.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
                viewer_protocol_policy=cdn.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            ),
            additional_behaviors={
                "/static/*": cdn.BehaviorOptions(
                    origin=files,
                    cache_policy=by_version,
                    viewer_protocol_policy=cdn.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                    response_headers_policy=cdn.ResponseHeadersPolicy.SECURITY_HEADERS,
                )
            },
        )
        CfnOutput(
            self,
            "Target",
            value=self.distribution.distribution_domain_name,
            description=f"{config.domain} is a CNAME of this",
        )
        CfnOutput(self, "StaticBucket", value=self.static.bucket_name, description="For infra/aws/static_files.py")
