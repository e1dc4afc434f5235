"""Settings: one typed record out of environment variables, with a default for each that needs nothing else."""

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import platformdirs
from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from core.errors import Invalid
from core.settings_agents import AgentSettings
from core.settings_attention import AttentionSettings
from core.settings_file import fill_environment, settings_file
from core.settings_models import ModelSettings
from core.settings_outside import OutsideSettings
from core.settings_storage import StorageSettings
from core.settings_supabase import SupabaseSettings
from core.urls import is_url

QUEUES = ("thinking", "tools", "housekeeping")  # tasks to think about, tasks with a tool, what the clock does
EXAMPLE_TIME = "2026-03-04T09:30:00+01:00"
SCHEMES = {
    "smtp_url": ("smtp", "smtps"),
    "imap_url": ("imap", "imaps"),
    "resend_base_url": ("https", "http"),
    "openai_base_url": ("https", "http"),
    "supabase_url": ("https", "http"),
    "supabase_public_url": ("https", "http"),
}
LOCAL_ADDRESS = "owner@localhost"  # of an owner who named none


class Settings(ModelSettings, OutsideSettings, AgentSettings, AttentionSettings, SupabaseSettings, StorageSettings):
    """Every setting; the variable is STEWARD_ and the name in capitals where no other name stands here."""

    model_config = SettingsConfigDict(env_prefix="STEWARD_", env_ignore_empty=True, extra="ignore")

    home: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("steward", appauthor=False)),
        description="Folder of the database, the outbox and the keys",
    )
    host: str = Field(default="127.0.0.1", description="Address that the web server listens on")
    port: int = Field(default=8765, ge=1, le=65535, description="Port of the web server")
    database_url: SecretStr | None = Field(default=None, description="A Postgres to use instead of the embedded one")
    timezone: str | None = Field(
        default=None, description="Time zone of the person, like Europe/Berlin; else the machine's"
    )
    now: datetime | None = Field(
        default=None,
        description="Start the clock of rules and pages here, to try another morning: 2026-03-04T09:30:00+01:00, or without an offset "
        "by the clock of STEWARD_TIMEZONE; records, leases, expiries and logs carry the real time",
    )
    owner_email: str = Field(default=LOCAL_ADDRESS, description="Address of the local owner, also the sender of mail")
    owner_name: str = Field(default="", description="Name under drafts; else none")

    smtp_url: SecretStr | None = Field(
        default=None,
        description="smtp://user:password@host:587 or smtps://...: mail is sent there; else it goes to the local outbox",
    )
    mail_from: str | None = Field(default=None, description="Sender address, where it is not the owner's")
    imap_url: SecretStr | None = Field(
        default=None,
        description="imaps://user:password@host:993 or imap://...:143: the mailbox that is read, and where sent mail is filed",
    )
    mail_sync_seconds: int = Field(
        default=300, ge=10, le=86400, description="How often mailboxes are read, where nothing tells of new mail"
    )
    mail_signature: str = Field(default="", description="Text under mails from the mailbox of these settings")
    resend_api_key: SecretStr | None = Field(
        default=None,
        validation_alias="RESEND_API_KEY",
        description="Key of Resend: mail is sent through it, where no SMTP server is set",
    )
    resend_base_url: str = Field(
        default="https://api.resend.com", validation_alias="RESEND_BASE_URL", description="Base URL of Resend's API"
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(default="warning", description="What is logged")
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="auto: text on a terminal, JSON elsewhere"
    )
    max_body_bytes: int = Field(default=1_000_000, ge=1000, description="Largest request body that the API takes")
    requests_per_minute: int = Field(
        default=30_000,
        ge=0,
        le=10_000_000,
        description="Requests that one caller of the API may make; 0: as many as wanted",
    )
    streams_per_person: int = Field(
        default=100,
        ge=0,
        le=100_000,
        description="Live streams that one person, with all their programs, may have open at a web process; 0: as many as wanted",
    )
    sign_in_attempts_per_minute: int = Field(
        default=30,
        ge=1,
        le=100_000,
        description="Tries to sign in, wrong links and tokens too, that one network address has, and one mail address",
    )
    trusted_proxies: str | None = Field(
        default=None,
        description="Addresses of reverse proxies whose X-Forwarded-For is believed, with commas between; else nobody's is",
    )
    worker_concurrency: int = Field(default=4, ge=1, le=256, description="Tasks that one worker runs at the same time")
    worker_queues: str | None = Field(
        default=None, description="Queues that a worker takes from, like thinking,tools; else all of them"
    )
    task_timeout_seconds: int = Field(
        default=900, ge=1, le=86400, description="How long one run of a task may take, where the task says nothing else"
    )
    calendar_working_hours: str = Field(
        default="mon-fri 09:00-17:00",
        description='When you work, by your clock: "mon-fri 09:00-12:30 13:30-17:00; sat 10:00-12:00"',
    )

    @field_validator("worker_queues")
    @classmethod
    def _queues(cls, value: str | None) -> str | None:
        return None if value is None else read_queues(value)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError("there is no such time zone; it is one like Europe/Berlin") from error
        return value

    @field_validator("now", mode="before")
    @classmethod
    def _aware(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError as error:
            raise ValueError(f"allowed is a time like {EXAMPLE_TIME}") from error
        if moment.tzinfo is not None:
            return moment
        zone = info.data.get("timezone")
        if zone is None:
            raise ValueError(f"it needs an offset, like {EXAMPLE_TIME}, or STEWARD_TIMEZONE")
        return moment.replace(tzinfo=ZoneInfo(zone))

    @field_validator("calendar_working_hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        from core.outside.calendar import hours_from  # only where it is needed

        try:
            hours_from(value, "UTC")
        except Invalid as error:
            raise ValueError(error.detail or error.message) from error
        return value

    @field_validator("owner_email", "mail_from")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", value):
            raise ValueError("allowed is a mail address like ana@example.org")
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: SecretStr | None) -> SecretStr | None:
        import psycopg  # only where it is needed: it takes a tenth of a second
        from psycopg.conninfo import conninfo_to_dict

        try:
            if value is not None and not conninfo_to_dict(value.get_secret_value()):
                raise ValueError("allowed is postgresql://user:password@host:5432/database")
        except psycopg.ProgrammingError as error:
            raise ValueError("allowed is postgresql://user:password@host:5432/database") from error
        return value

    @field_validator(
        "smtp_url", "imap_url", "resend_base_url", "openai_base_url", "supabase_url", "supabase_public_url"
    )
    @classmethod
    def _url(cls, value: SecretStr | str | None, info: ValidationInfo) -> SecretStr | str | None:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        schemes = SCHEMES[str(info.field_name)]
        if text is not None and not is_url(text, schemes):
            raise ValueError(f"allowed is {' or '.join(f'{scheme}://host...' for scheme in schemes)}")
        return value

    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer token for /metrics from other machines; else only this machine reads it"
    )
    otlp_endpoint: str | None = Field(
        default=None,
        validation_alias=AliasChoices("STEWARD_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="Traces go to this OpenTelemetry collector, like http://127.0.0.1:4318; else there are none",
    )
    metrics_schedule: str = Field(
        default="*/5 * * * *", description="When a snapshot of the metrics is taken: five fields of cron, or off"
    )
    cleanup_schedule: str = Field(
        default="0 2 * * *", description="When is cleaned up, by the person's clock: five fields of cron, or off"
    )
    learning_schedule: str = Field(
        default="15 3 * * *",
        description="When is looked for what your edits have in common, by the person's clock: five fields of cron, or off",
    )
    learning_cases: int = Field(
        default=3, ge=2, le=20, description="How many like edits make a preference that is proposed"
    )
    calibration_schedule: str = Field(
        default="30 3 * * *",
        description="When confidence is compared with what came of it, by the person's clock: five fields of cron, or off",
    )
    archive_after_days: int = Field(default=7, ge=1, le=36500, description="Completed tasks are archived after this")
    remove_after_days: int = Field(
        default=30, ge=1, le=36500, description="Failed and cancelled tasks are removed after this"
    )
    keep_events_days: int = Field(default=30, ge=1, le=36500, description="How long fine events of tasks are kept")
    keep_metrics_days: int = Field(default=90, ge=1, le=36500, description="How long snapshots of metrics are kept")

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector(cls, value: str | None) -> str | None:
        if value is not None and not is_url(value, ("http", "https")):
            raise ValueError("allowed is http://host:port or https://host:port, where a collector takes OTLP over HTTP")
        return value

    @field_validator("metrics_schedule", "cleanup_schedule", "calibration_schedule", "learning_schedule")
    @classmethod
    def _schedule(cls, value: str) -> str:
        if value.strip().casefold() == "off":
            return "off"
        from croniter import CroniterError, croniter  # only where one is set: it comes with the queue

        allowed = 'allowed is "off" or five fields of cron (minute, hour, day, month, weekday), like "0 2 * * *"'
        if len(value.split()) != 5:
            raise ValueError(allowed)
        try:
            croniter(value).get_next(float)
        except (CroniterError, ValueError, TypeError) as error:
            raise ValueError(f"{allowed}, at a time that comes") from error
        return " ".join(value.split())

    @property
    def sender_address(self) -> str:
        """The address that drafts are from."""
        return self.mail_from or self.owner_email

    @property
    def is_over_http(self) -> bool:
        """Is the database reached by a Supabase project's URL and keys alone?"""
        return self.database_url is None and bool(self.supabase_url and self.supabase_publishable_key)

    @property
    def worker_queue_names(self) -> list[str] | None:
        """The queues of a worker; None means all."""
        names = [name.strip() for name in (self.worker_queues or "").split(",") if name.strip()]
        return names or None


def read_queues(text: str) -> str:
    """Names of queues with commas between, each once. Raises ValueError that says which there are."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or not set(names) <= set(QUEUES):
        raise ValueError(f"allowed are {', '.join(QUEUES)}, with commas between; leave it out for all of them")
    return ",".join(dict.fromkeys(names))


def variable_name(field: str) -> str:
    """The environment variable of a setting."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return str(alias) if alias else f"STEWARD_{field.upper()}"


def load_settings() -> Settings:
    """The settings of this process, and of the file of settings where there is one (`core.settings_file`).

    Raises `Invalid` that names the variable, its value and what is allowed.
    """
    home = os.environ.get("STEWARD_HOME") or platformdirs.user_data_dir("steward", appauthor=False)
    if (path := settings_file(Path(home).expanduser())) is not None:
        fill_environment(path, [variable_name(name) for name in Settings.model_fields])
    try:
        settings = Settings.model_validate({})
    except ValidationError as error:
        raise _explained(error) from None  # the cause would show values that are secret
    return settings.model_copy(update={"home": settings.home.expanduser().absolute()})


def _explained(error: ValidationError) -> Invalid:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    field = name if name in Settings.model_fields else name.lower()
    variable = variable_name(field) if field in Settings.model_fields else name
    is_secret = any(word in variable for word in ("KEY", "SECRET", "URL"))
    value = "(not shown)" if is_secret else repr(str(first["input"])[:80])
    allowed = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if allowed.startswith("should be"):
        allowed = f"it {allowed}"
    return Invalid(f"The setting {variable} has a wrong value {value}", detail=allowed)
