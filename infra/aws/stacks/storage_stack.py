"""Buckets: artifacts of tasks, output of agents, and who asked for what of them. Private, sealed, TLS alone."""

# pyright: reportArgumentType=false
# The CDK's own classes do not fit its interfaces for a checker of types: their methods name parameters otherwise.

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.aws.config import Config


class StorageStack(Stack):
    """`artifacts` and `outputs` keep older versions for a month and stay when the stack goes; `access_logs` forgets."""

    def __init__(self, scope: Construct, name: str, config: Config, **stack: object) -> None:
        super().__init__(scope, name, **stack)
        # Expired, a line of a versioned bucket is an older version, which goes by itself only where that is said.
        forgotten = s3.LifecycleRule(
            expiration=Duration.days(config.log_days), noncurrent_version_expiration=Duration.days(1)
        )
        self.access_logs = private_bucket(self, "AccessLogs", rules=[forgotten])
        kept = [
            s3.LifecycleRule(
                noncurrent_version_expiration=Duration.days(30),
                abort_incomplete_multipart_upload_after=Duration.days(2),
            )
        ]
        self.artifacts = private_bucket(self, "Artifacts", rules=kept, logs=self.access_logs)
        self.outputs = private_bucket(self, "AgentOutputs", rules=kept, logs=self.access_logs)


def private_bucket(
    scope: Construct, name: str, *, rules: Sequence[s3.LifecycleRule], logs: s3.IBucket | None = None
) -> s3.Bucket:
    """A bucket that nobody reads without leave: no public access, no ACLs, encrypted, versioned, TLS 1.2 and newer."""
    return s3.Bucket(
        scope,
        name,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        encryption=s3.BucketEncryption.S3_MANAGED,
        versioned=True,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        lifecycle_rules=list(rules),
        server_access_logs_bucket=logs,
        server_access_logs_prefix=f"{name.lower()}/" if logs else None,
        removal_policy=RemovalPolicy.RETAIN,
    )


def let_use(role: iam.IGrantable, bucket: s3.IBucket, *, remove: bool) -> None:
    """Leave to read and write objects of a bucket (and, with `remove`, to remove them); never to change the bucket."""
    actions = ["s3:GetObject", "s3:PutObject", *(["s3:DeleteObject"] if remove else [])]
    principal = role.grant_principal
    principal.add_to_principal_policy(iam.PolicyStatement(actions=actions, resources=[bucket.arn_for_objects("*")]))
    principal.add_to_principal_policy(iam.PolicyStatement(actions=["s3:ListBucket"], resources=[bucket.bucket_arn]))


def artifact_settings(bucket: s3.IBucket) -> dict[str, str]:
    """The settings that put large files into this bucket."""
    return {"STEWARD_ARTIFACT_STORE": "s3", "STEWARD_ARTIFACT_BUCKET": bucket.bucket_name}
