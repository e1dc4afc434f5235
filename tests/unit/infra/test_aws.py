"""What would be made on AWS, read off the templates: nothing public, least rights, alarms, logs that end, names that exist."""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from cli.testing import node_program
from core.settings import Settings, variable_name
from tests.dockerfile import instructions

ROOT = Path(__file__).parents[3]
FLAGS = json.loads((ROOT / "infra" / "aws" / "cdk.json").read_text())["context"]
GIVEN = {
    "supabase_url": "https://abcdefgh.supabase.co",
    "account": "111122223333",
    "region": "eu-central-1",
    "domain": "steward.example.org",
    "certificate_arn": "arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012",
    "alarm_email": "ops@example.org",
    "log_days": "14",
}
PLACED = {
    "image_repository": "steward/web",
    "image_tag": "1.4.0",
    "worker_repository": "steward/worker",
    "worker_tag": "1.4.0",
}
# Names that only the doors of AWS read (app/aws_lambda*.py); all others are settings.
OWN_NAMES = {
    "STEWARD_AWS_EDGE_SECRET",
    "STEWARD_AWS_SECRET",
    "STEWARD_AWS_OUTPUT",
    "STEWARD_AWS_BASE_AGENT",
    "STEWARD_AWS_INSTALLATION",
}
# Where a right cannot name one thing: a token for the registry belongs to the account.
WIDE_RIGHTS = {"ecr:GetAuthorizationToken"}
Templates = Mapping[str, dict[str, Any]]


def assets_in(folder: Path) -> dict[str, set[str]]:
    """What goes up when it is deployed: Dockerfiles of images, and kinds of files."""
    found: dict[str, set[str]] = {"dockerImages": set(), "files": set()}
    for path in folder.glob("*.assets.json"):
        assets = json.loads(path.read_text())
        found["dockerImages"] |= {image["source"]["dockerFile"] for image in assets.get("dockerImages", {}).values()}
        found["files"] |= {file["source"]["path"].partition(".")[2] for file in assets.get("files", {}).values()}
    return found


def synthesized(given: Mapping[str, str], folder: Path) -> tuple[Templates, Path]:
    """Every stack's template by name, and the folder of all that was made."""
    from aws_cdk import App

    from infra.aws.app import build
    from infra.aws.config import Config

    app = App(outdir=str(folder), context=FLAGS)
    build(app, Config.checked(given))
    app.synth()
    found = {path.name.partition(".")[0]: json.loads(path.read_text()) for path in folder.glob("*.template.json")}
    return found, folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Templates, Path]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{node_program().parent}{os.pathsep}{os.environ['PATH']}")  # the CDK runs in Node
        yield synthesized(GIVEN, tmp_path_factory.mktemp("cdk") / "out")


@pytest.fixture(scope="module")
def templates(made: tuple[Templates, Path]) -> Templates:
    return made[0]


def of_kind(templates: Templates, kind: str) -> dict[str, dict[str, Any]]:
    """Resources of a kind in every stack, by stack and name."""
    return {
        f"{stack}/{name}": one.get("Properties", {})
        for stack, template in templates.items()
        for name, one in template.get("Resources", {}).items()
        if one["Type"] == kind
    }


def statements(templates: Templates) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy: of roles, buckets, queues, topics."""
    for stack, template in templates.items():
        for name, one in template["Resources"].items():
            properties = one.get("Properties", {})
            documents = [
                properties.get("PolicyDocument"),
                *(p["PolicyDocument"] for p in properties.get("Policies", [])),
            ]
            for document in filter(None, documents):
                for statement in document.get("Statement", []):
                    yield f"{stack}/{name}", statement


def as_list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def test_every_stack_is_made_without_docker_and_without_asking_aws(made: tuple[Templates, Path]) -> None:
    templates, folder = made
    manifest = json.loads((folder / "manifest.json").read_text())
    parts = ("secrets", "storage", "api", "edge", "metrics", "worker", "agents", "observability")
    assert templates.keys() == {f"steward-{part}" for part in parts}
    assert not manifest.get("missing")
    assets = assets_in(folder)
    assert assets["dockerImages"] == {"infra/aws/Dockerfile", "Dockerfile"}
    assert assets["files"] == {"template.json"}  # nothing but images and the templates themselves goes up
    tags = [one["Tags"] for one in of_kind(templates, "AWS::S3::Bucket").values()]
    assert all({"Key": "installation", "Value": "steward"} in one for one in tags)


def test_no_bucket_is_public_and_all_want_tls(templates: Templates) -> None:
    buckets = of_kind(templates, "AWS::S3::Bucket")
    assert len(buckets) == 4
    for name, bucket in buckets.items():
        assert all(bucket["PublicAccessBlockConfiguration"].values()), name
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4, name
        assert bucket["BucketEncryption"], name
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}, name
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert any("NoncurrentVersionExpiration" in rule for rule in rules), (
            name
        )  # removed, it is an older version first
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}], name
    policies = of_kind(templates, "AWS::S3::BucketPolicy")
    assert len(policies) == len(buckets)
    for name, policy in policies.items():
        said = policy["PolicyDocument"]["Statement"]
        denied = [one for one in said if one["Effect"] == "Deny"]
        assert any(one.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}} for one in denied), name
        for one in said:
            assert one["Effect"] == "Deny" or set(one["Principal"]) == {"Service"}, name  # a service, never everybody
    topics = of_kind(templates, "AWS::SNS::TopicPolicy") | of_kind(templates, "AWS::SQS::QueuePolicy")
    for name, policy in topics.items():
        assert "aws:SecureTransport" in json.dumps(policy), name


def test_rights_name_what_they_are_for(templates: Templates) -> None:
    seen: set[str] = set()
    for name, statement in statements(templates):
        if statement["Effect"] != "Allow":
            continue
        for action in as_list(statement["Action"]):
            seen.add(action)
            assert "*" not in action, f"{name}: {action}"
            if action in WIDE_RIGHTS:
                continue
            for resource in as_list(statement.get("Resource", [])):
                assert resource != "*", f"{name}: {action}"
    assert not {one for one in seen if one.startswith(("iam:", "sts:")) and one != "sts:AssumeRole"}
    assert not [one for one in json.dumps(templates).split('"') if ":iam::aws:policy/" in one], (
        "no ready-made policy of AWS"
    )


def test_each_part_reads_its_own_secret_alone(templates: Templates) -> None:
    readers: dict[str, set[str]] = {}
    for name, statement in statements(templates):
        if "secretsmanager:GetSecretValue" in as_list(statement["Action"]):
            readers.setdefault(name.split("/")[0], set()).update(
                re.findall(r"ExportsOutputRef(Web|Worker|Agents)", json.dumps(statement["Resource"]))
            )
    assert readers == {
        "steward-api": {"Web"},
        "steward-metrics": {"Web"},
        "steward-worker": {"Worker"},
        "steward-agents": {"Agents"},
    }
    for name, secret in of_kind(templates, "AWS::SecretsManager::Secret").items():
        assert "SecretString" not in secret, name
    invokes = [name for name, one in statements(templates) if "lambda:InvokeFunction" in as_list(one["Action"])]
    assert all("Orchestrator" in one for one in invokes)
    assert len(invokes) == 1
    again = of_kind(templates, "AWS::Lambda::EventInvokeConfig")
    tries = {name.split("/")[1].partition("Function")[0]: one["MaximumRetryAttempts"] for name, one in again.items()}
    assert tries == {"BaseAgent": 2, "Orchestrator": 0}  # what an orchestration costs is not spent again unasked


def test_variables_are_settings_and_handlers_exist(templates: Templates) -> None:
    known = {variable_name(field) for field in Settings.model_fields} | OWN_NAMES
    functions = of_kind(templates, "AWS::Lambda::Function")
    handlers: set[str] = set()
    for name, function in functions.items():
        if "ImageConfig" not in function:
            assert "CustomS3" not in name, name
            continue
        assert function["Environment"]["Variables"].keys() <= known, name
        handlers.update(function["ImageConfig"]["Command"])
        assert function["Timeout"] <= 900, name
    assert handlers == {
        "app.aws_lambda.handler",
        "app.aws_lambda_metrics.handler",
        "app.aws_lambda_agents.base_agent",
        "app.aws_lambda_agents.orchestrator",
    }
    for handler in handlers:
        module, _, function = handler.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function)), handler
    doors = "".join(path.read_text() for path in (ROOT / "app").glob("aws_lambda*.py"))
    assert all(name in doors for name in OWN_NAMES)
    (task,) = of_kind(templates, "AWS::ECS::TaskDefinition").values()
    (container,) = task["ContainerDefinitions"]
    given = [*container["Environment"], *container["Secrets"]]
    assert {one["Name"] for one in given} <= known | {"TMPDIR"}
    assert {one["Name"] for one in container["Secrets"]} == {
        "STEWARD_DATABASE_URL",
        "SUPABASE_PUBLISHABLE_KEY",
        "SUPABASE_SECRET_KEY",
        "STEWARD_SECRET_KEY",
        "STEWARD_ENCRYPTION_KEYS",
        "STEWARD_OWNER_EMAIL",
    }
    assert {"SUPABASE_URL", "STEWARD_ARTIFACT_STORE"} <= {one["Name"] for one in container["Environment"]}


def test_a_worker_writes_where_its_image_lets_its_user_and_nowhere_else(templates: Templates) -> None:
    (task,) = of_kind(templates, "AWS::ECS::TaskDefinition").values()
    (container,) = task["ContainerDefinitions"]
    assert container["ReadonlyRootFilesystem"] is True
    mounted = {mount["ContainerPath"] for mount in container["MountPoints"]}
    declared = {word for one in instructions() if one.word == "VOLUME" for word in one.words}
    assert mounted == declared  # any other volume is root's
    environment = {one["Name"]: one["Value"] for one in container["Environment"]}
    assert {environment["STEWARD_HOME"], environment["TMPDIR"]} == mounted


def test_workers_are_replaced_with_care_and_reached_by_nobody(templates: Templates) -> None:
    (service,) = of_kind(templates, "AWS::ECS::Service").values()
    assert service["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    for name, group in of_kind(templates, "AWS::EC2::SecurityGroup").items():
        assert not group.get("SecurityGroupIngress"), name
    assert not of_kind(templates, "AWS::EC2::SecurityGroupIngress")
    policies = of_kind(templates, "AWS::ApplicationAutoScaling::ScalingPolicy").values()
    assert {one["PolicyType"] for one in policies} == {"TargetTrackingScaling", "StepScaling"}


def test_alarms_ring_somewhere_and_logs_end(templates: Templates) -> None:
    alarms = {
        name: one
        for name, one in of_kind(templates, "AWS::CloudWatch::Alarm").items()
        if name.startswith("steward-observability/")
    }
    watched = {(one.get("Namespace"), one["MetricName"]) for one in alarms.values()}
    assert watched >= {
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/Lambda", "Duration"),
        ("AWS/ApiGateway", "5xx"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("Steward", "OldestQueuedSeconds"),
        ("Steward", "WorkersAlive"),
    }
    assert all(one["AlarmActions"] and one["OKActions"] and one["AlarmDescription"] for one in alarms.values())
    silent = {one["MetricName"] for one in alarms.values() if one["TreatMissingData"] == "breaching"}
    assert silent == {"OldestQueuedSeconds", "WorkersAlive"}
    (subscription,) = of_kind(templates, "AWS::SNS::Subscription").values()
    assert subscription["Endpoint"] == "ops@example.org"
    assert len(of_kind(templates, "AWS::CloudWatch::Dashboard")) == 1
    groups = of_kind(templates, "AWS::Logs::LogGroup")
    assert len(groups) >= 7
    assert {one["RetentionInDays"] for one in groups.values()} == {14}
    for name, function in of_kind(templates, "AWS::Lambda::Function").items():
        assert function["LoggingConfig"]["LogGroup"], name


def test_the_api_is_throttled_and_logs_no_tokens(templates: Templates) -> None:
    (stage,) = of_kind(templates, "AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 50
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] == 100
    lines = stage["AccessLogSettings"]["Format"]
    assert "status" in lines
    assert not re.search(r"path|query|authorizer|header|identity", lines, re.IGNORECASE)
    (distribution,) = of_kind(templates, "AWS::CloudFront::Distribution").values()
    config = distribution["DistributionConfig"]
    assert config["Aliases"] == ["steward.example.org"]
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert [one["PathPattern"] for one in config["CacheBehaviors"]] == ["/static/*"]
    assert any("OriginAccessControlId" in one for one in config["Origins"])
    (shown,) = [header for one in config["Origins"] for header in one.get("OriginCustomHeaders", [])]
    assert shown["HeaderName"] == "x-steward-edge"
    assert "resolve:secretsmanager" in json.dumps(shown["HeaderValue"])  # never the key itself


def test_images_out_of_a_registry_carry_a_tag_and_without_a_domain_there_is_no_edge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{node_program().parent}{os.pathsep}{os.environ['PATH']}")
    given = {
        "supabase_url": GIVEN["supabase_url"],
        "name": "trial",
        "nat_gateways": "0",
        "architecture": "arm64",
        **PLACED,
    }
    templates, _ = synthesized(given, tmp_path / "out")
    assert "trial-edge" not in templates
    images = [one["Code"]["ImageUri"] for one in of_kind(templates, "AWS::Lambda::Function").values() if "Code" in one]
    images = [one for one in images if one]
    (task,) = of_kind(templates, "AWS::ECS::TaskDefinition").values()
    images.append(task["ContainerDefinitions"][0]["Image"])
    assert all(json.dumps(one).endswith(':1.4.0"]]}') for one in images), images
    assert not of_kind(templates, "AWS::EC2::NatGateway")
    (service,) = of_kind(templates, "AWS::ECS::Service").values()
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "ENABLED"
    web = next(
        one for name, one in of_kind(templates, "AWS::Lambda::Function").items() if name.startswith("trial-api/")
    )
    assert web["Architectures"] == ["arm64"]
    assert "STEWARD_PUBLIC_URL" not in web["Environment"]["Variables"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"supabase_url": "abcdefgh.supabase.co"}, "supabase_url: 'abcdefgh.supabase.co' is not allowed"),
        ({"account": "1234"}, "account: '1234' is not allowed; it is an AWS account: 12 digits"),
        ({"region": "Frankfurt"}, "region: 'Frankfurt' is not allowed"),
        ({"certificate_arn": GIVEN["certificate_arn"].replace("us-east-1", "eu-central-1")}, "in us-east-1"),
        ({"domain": "https://x.example.org/"}, "domain: 'https://x.example.org/' is not allowed"),
        ({"image_repository": "steward", "image_tag": "latest"}, "never latest"),
        ({"image_repository": "steward"}, "image_repository and image_tag go together"),
        ({"log_days": "10"}, "log_days: '10' is not allowed; it is one of 1, 3, 5"),
        ({"workers_least": "9"}, "workers_least: 9 is more than workers_most, 4"),
        ({"worker_memory_mib": "8192"}, "does not go with 512 CPU units"),
        ({"worker_secrets": "SUPABASE_SECRET_KEY"}, "STEWARD_DATABASE_URL is missing"),
        ({"queue_age_seconds": "-1"}, "it is a whole number from 30 to 86400"),
        ({"nam": "x"}, "nam: there is no such value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_wrong_value_is_named(changes: dict[str, str], words: str) -> None:
    from infra.aws.config import Config, ConfigError

    with pytest.raises(ConfigError) as caught:
        Config.from_context({**FLAGS, "aws:cdk:bundling-stacks": ["**"], "cli-telemetry": False, **GIVEN, **changes})
    assert words in str(caught.value)


def test_without_a_project_the_program_says_what_is_missing() -> None:
    path = f"{node_program().parent}{os.pathsep}{os.environ['PATH']}"
    told = subprocess.run(
        [sys.executable, str(ROOT / "infra/aws/app.py")],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.startswith("error: supabase_url is missing")


def test_the_image_copies_what_the_functions_need() -> None:
    lines = (ROOT / "infra" / "aws" / "Dockerfile").read_text().splitlines()
    copied = {words[1].rstrip("/") for words in (line.split() for line in lines) if words[:1] == ["COPY"]}
    assert copied >= {"core", "tasks", "agents", "integrations", "jobs", "app", "supabase", "requirements"}
    assert all((ROOT / name).exists() for name in copied if not name.endswith("./"))
    assert any("--require-hashes" in line for line in lines)


def test_static_files_go_up_as_they_are_served(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from infra.aws.static_files import main

    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        client = cast("Any", boto3).client("s3")
        client.create_bucket(Bucket="steward-static")
        assert main(["s3://steward-static"]) == 0
        found = client.get_object(Bucket="steward-static", Key="static/live.js")
        assert found["ContentType"] == "text/javascript"
        assert found["Body"].read() == (ROOT / "app" / "static" / "live.js").read_bytes()
        assert client.get_object(Bucket="steward-static", Key="static/htmx.js")["ContentLength"] > 10_000
        client.close()
    assert main(["steward-static"]) == 2
    assert "name the bucket" in capsys.readouterr().err
