"""What an installation on AWS is told: from the context of the CDK (`-c name=value`, or cdk.json), checked here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

REGION = r"[a-z]{2}(-[a-z]+)+-\d"
DOMAIN = r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
# What CloudWatch takes, and what the CDK calls it.
RETENTION = {
    1: "ONE_DAY", 3: "THREE_DAYS", 5: "FIVE_DAYS", 7: "ONE_WEEK", 14: "TWO_WEEKS", 30: "ONE_MONTH", 60: "TWO_MONTHS",
    90: "THREE_MONTHS", 120: "FOUR_MONTHS", 150: "FIVE_MONTHS", 180: "SIX_MONTHS", 365: "ONE_YEAR", 400: "THIRTEEN_MONTHS",
    545: "EIGHTEEN_MONTHS", 731: "TWO_YEARS", 1096: "THREE_YEARS", 1827: "FIVE_YEARS", 3653: "TEN_YEARS",
}  # fmt: skip
CPU_UNITS = (256, 512, 1024, 2048, 4096)
CDK_NAMES = {"cli-telemetry", "acknowledged-issue-numbers"}
WORKER_SECRETS = (
    "STEWARD_DATABASE_URL",
    "SUPABASE_PUBLISHABLE_KEY",
    "SUPABASE_SECRET_KEY",
    "STEWARD_SECRET_KEY",
    "STEWARD_ENCRYPTION_KEYS",
    "STEWARD_OWNER_EMAIL",
)  # what workers and pages share, and whom the workers' mail is from
ARCHITECTURES = ("x86_64", "arm64")


class ConfigError(ValueError):
    """A value of the context that cannot be: names the value and what is allowed."""


@dataclass(frozen=True)
class Config:
    """One installation. `name` begins the names of its stacks and of what it puts into them."""

    supabase_url: str
    name: str = "steward"
    account: str | None = None
    region: str | None = None
    domain: str | None = None
    certificate_arn: str | None = None
    image_repository: str | None = None
    image_tag: str = ""
    worker_repository: str | None = None
    worker_tag: str = ""
    architecture: str = "x86_64"
    alarm_email: str | None = None
    log_days: int = 30
    requests_per_second: int = 50
    burst: int = 100
    workers_least: int = 1
    workers_most: int = 4
    worker_cpu: int = 512
    worker_memory_mib: int = 1024
    worker_secrets: tuple[str, ...] = WORKER_SECRETS
    nat_gateways: int = 1
    queue_age_seconds: int = 300

    @property
    def public_url(self) -> str:
        """Where people find it; empty where only API Gateway's own address is there, which the function reads off requests."""
        return f"https://{self.domain}" if self.domain else ""

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> "Config":
        """Read and check the whole context, less what is the CDK's own. Raises ConfigError that names what is wrong."""
        given = {name: value for name, value in context.items() if not _is_of_the_cdk(name)}
        return cls.checked({name: value for name, value in given.items() if value not in (None, "")})

    @classmethod
    def checked(cls, given: Mapping[str, Any]) -> "Config":
        """The same out of a mapping. Raises ConfigError."""
        unknown = sorted(given.keys() - cls.__dataclass_fields__.keys())
        if unknown:
            raise ConfigError(f"{unknown[0]}: there is no such value; there are: {', '.join(cls.__dataclass_fields__)}")
        if "supabase_url" not in given:
            raise ConfigError(
                "supabase_url is missing: the URL of the Supabase project, as -c supabase_url=https://<ref>.supabase.co"
            )
        read = {name: _CHECKS[name](name, value) for name, value in given.items()}
        config = cls(**read)
        _check_together(config)
        return config


def _is_of_the_cdk(name: str) -> bool:
    """Flags (`@aws-cdk/...`), what it looked up (`availability-zones:account=...`), and what its command line keeps."""
    return bool(re.search(r"[:@/]", name)) or name in CDK_NAMES


def _check_together(config: Config) -> None:
    if bool(config.domain) != bool(config.certificate_arn):
        raise ConfigError(
            "domain and certificate_arn go together: the certificate (ACM, in us-east-1) is the one for that domain"
        )
    for name in ("image", "worker"):
        if bool(getattr(config, f"{name}_repository")) != bool(getattr(config, f"{name}_tag")):
            raise ConfigError(
                f"{name}_repository and {name}_tag go together: a repository in ECR, and a tag of it like 1.4.0"
            )
    if config.workers_least > config.workers_most:
        raise ConfigError(f"workers_least: {config.workers_least} is more than workers_most, {config.workers_most}")
    least, most = config.worker_cpu * 2, min(config.worker_cpu * 8, 30720)
    if not least <= config.worker_memory_mib <= most or config.worker_memory_mib % 512:
        raise ConfigError(
            f"worker_memory_mib: {config.worker_memory_mib} does not go with {config.worker_cpu} CPU units on Fargate; "
            f"allowed are {least} to {most}, in steps of 512"
        )
    if config.burst < config.requests_per_second:
        raise ConfigError(f"burst: {config.burst} is less than requests_per_second, {config.requests_per_second}")


def _matching(pattern: str, allowed: str) -> Callable[[str, object], str]:
    def check(name: str, value: object) -> str:
        text = str(value).strip()
        if not re.fullmatch(pattern, text):
            raise ConfigError(f"{name}: {text[:80]!r} is not allowed; it is {allowed}")
        return text

    return check


def _number(least: int, most: int) -> Callable[[str, object], int]:
    def check(name: str, value: object) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}", text) or not least <= int(text) <= most:
            raise ConfigError(f"{name}: {text[:80]!r} is not allowed; it is a whole number from {least} to {most}")
        return int(text)

    return check


def _one_of(*allowed: int | str) -> Callable[[str, object], Any]:
    def check(name: str, value: object) -> int | str:
        for one in allowed:
            if str(value).strip() == str(one):
                return one
        raise ConfigError(f"{name}: {str(value)[:80]!r} is not allowed; it is one of {', '.join(map(str, allowed))}")

    return check


def _variables(name: str, value: object) -> tuple[str, ...]:
    """Names of environment variables, with commas between or as a list of cdk.json."""
    named = cast("list[object]", value) if isinstance(value, list) else str(value).split(",")
    variables = tuple(dict.fromkeys(str(one).strip() for one in named if str(one).strip()))
    for one in variables:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,60}", one):
            raise ConfigError(f"{name}: {one[:80]!r} is not the name of an environment variable")
    if "STEWARD_DATABASE_URL" not in variables:
        raise ConfigError(f"{name}: STEWARD_DATABASE_URL is missing: a worker needs a session connection to Postgres")
    return variables


_repository = _matching(r"[a-z0-9]+([._/-][a-z0-9]+)*", "the name of a repository in ECR, like steward/web")
_tag = _matching(r"(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", "a tag that stays, like 1.4.0; never latest")
_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "supabase_url": _matching(
        r"https?://[^\s/?#@]+", "the project's URL without a path, like https://<ref>.supabase.co"
    ),
    "name": _matching(r"[a-z][a-z0-9-]{0,19}", "up to 20 small letters, digits and dashes, beginning with a letter"),
    "account": _matching(r"\d{12}", "an AWS account: 12 digits"),
    "region": _matching(REGION, "an AWS region, like eu-central-1"),
    "domain": _matching(DOMAIN, "a domain in small letters, like steward.example.org"),
    "certificate_arn": _matching(
        r"arn:aws:acm:us-east-1:\d{12}:certificate/[0-9a-f-]{36}", "the ARN of an ACM certificate in us-east-1"
    ),
    "image_repository": _repository,
    "image_tag": _tag,
    "worker_repository": _repository,
    "worker_tag": _tag,
    "architecture": _one_of(*ARCHITECTURES),
    "alarm_email": _matching(r"[^@\s<>,;]+@[^@\s<>,;]+", "a mail address like ops@example.org"),
    "log_days": _one_of(*RETENTION),
    "requests_per_second": _number(1, 10_000),
    "burst": _number(1, 5_000),
    "workers_least": _number(1, 100),
    "workers_most": _number(1, 100),
    "worker_cpu": _one_of(*CPU_UNITS),
    "worker_memory_mib": _number(512, 30_720),
    "worker_secrets": _variables,
    "nat_gateways": _number(0, 3),
    "queue_age_seconds": _number(30, 86_400),
}
