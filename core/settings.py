"""Settings: one typed record out of environment variables, with a default for each that needs nothing else."""

import re
from datetime import datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import platformdirs
from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import Invalid

QUEUES = ("thinking", "tools", "housekeeping")  # tasks to think about, tasks with a tool, what the clock does
EXAMPLE_TIME = "2026-03-04T09:30:00+01:00"
SCHEMES = {
    "smtp_url": ("smtp", "smtps"),
    "imap_url": ("imap", "imaps"),
    "resend_base_url": ("https", "http"),
    "openai_base_url": ("https", "http"),
    "supabase_url": ("https", "http"),
}


class Settings(BaseSettings):
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
        default=None, description="Start the clock here (ISO 8601 with offset), for demonstrations"
    )
    owner_email: str = Field(
        default="owner@localhost", description="Address of the local owner, also the sender of mail"
    )
    owner_name: str = Field(default="", description="Name under drafts; else none")

    openai_api_key: SecretStr | None = Field(
        default=None,
        validation_alias="OPENAI_API_KEY",
        description="Key of an OpenAI-compatible server: a model thinks",
    )
    openai_base_url: str | None = Field(
        default=None,
        validation_alias="OPENAI_BASE_URL",
        description="Base URL of an OpenAI-compatible server, ending in /v1",
    )
    model: str = Field(default="gpt-5-mini", description="Name of the model")
    model_api: Literal["responses", "chat"] = Field(
        default="responses", description="Which of OpenAI's interfaces the server has"
    )

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
    worker_concurrency: int = Field(default=4, ge=1, le=256, description="Tasks that one worker runs at the same time")
    worker_queues: str | None = Field(
        default=None, description="Queues that a worker takes from, like thinking,tools; else all of them"
    )
    task_timeout_seconds: int = Field(
        default=900, ge=1, le=86400, description="How long one run of a task may take, where the task says nothing else"
    )
    supabase_url: str | None = Field(
        default=None, validation_alias="SUPABASE_URL", description="URL of a Supabase project"
    )
    supabase_jwt_secret: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("SUPABASE_JWT_SECRET"), description="The project's JWT secret"
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
    def _aware(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError as error:
            raise ValueError(f"allowed is a time like {EXAMPLE_TIME}") from error
        if moment.tzinfo is None:
            raise ValueError(f"it needs an offset, like {EXAMPLE_TIME}")
        return moment

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

    @field_validator("smtp_url", "imap_url", "resend_base_url", "openai_base_url", "supabase_url")
    @classmethod
    def _url(cls, value: SecretStr | str | None, info: ValidationInfo) -> SecretStr | str | None:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        schemes = SCHEMES[str(info.field_name)]
        if text is not None and not is_url(text, schemes):
            raise ValueError(f"allowed is {' or '.join(f'{scheme}://host...' for scheme in schemes)}")
        return value

    mcp_servers: SecretStr | None = Field(
        default=None,
        description='MCP servers whose tools are used, as {"mcpServers": {...}} or the path of a file with that',
    )

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

    @field_validator("metrics_schedule", "cleanup_schedule")
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

    encryption_keys: SecretStr | None = Field(
        default=None,
        description="Keys that secrets of accounts are sealed with, comma-separated, the newest first; else the installation's",
    )
    public_url: str | None = Field(
        default=None,
        description="Where this installation is reached from the internet, like https://steward.example.org",
    )
    google_client_id: str | None = Field(default=None, description="Client ID of an OAuth client in Google Cloud")
    google_client_secret: SecretStr | None = Field(default=None, description="The secret of that client")
    google_base_url: str | None = Field(default=None, description="Instead of Google's own servers, for tests")
    google_poll_minutes: int = Field(
        default=5, ge=1, le=1440, description="How often Google is asked for new mail, where it does not tell by itself"
    )
    google_push_topic: str | None = Field(
        default=None, description="Pub/Sub topic for new mail, like projects/mine/topics/steward; needs a public URL"
    )
    google_push_token: SecretStr | None = Field(
        default=None,
        description="Shared token in the address that Pub/Sub pushes to; else its signed identity is checked",
    )
    google_push_account: str | None = Field(
        default=None, description="Service account that Pub/Sub pushes as; only its identity is taken"
    )

    @field_validator("public_url", "google_base_url")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is not None and (not is_url(value, ("http", "https")) or urlsplit(value).query):
            raise ValueError("allowed is https://host or http://host:port")
        return value.rstrip("/") if value else None

    @field_validator("encryption_keys")
    @classmethod
    def _sealing_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            from core.vault import read_keys

            try:
                read_keys(value.get_secret_value())
            except Invalid as error:
                raise ValueError(f"{error.message}. {error.hint}") from None
        return value

    slack_bot_token: SecretStr | None = Field(
        default=None, description="Bot token (xoxb-...) of Steward's Slack app in the owner's workspace"
    )
    slack_signing_secret: SecretStr | None = Field(
        default=None, description="Signing secret of the Slack app: requests from Slack are checked with it"
    )
    slack_app_token: SecretStr | None = Field(
        default=None, description="App-level token (xapp-...) of the Slack app: Socket Mode, needs no public address"
    )
    slack_user: str | None = Field(
        default=None, description="Member id (U...) of the owner in that workspace; drafts are shown to this person"
    )
    slack_client_id: str | None = Field(
        default=None, description="Client id of the Slack app, for installing it by OAuth"
    )
    slack_client_secret: SecretStr | None = Field(default=None, description="Client secret of the Slack app")
    slack_api_url: str = Field(default="https://slack.com/api/", description="Where Slack's Web API is, for tests")

    @field_validator("slack_api_url")
    @classmethod
    def _slack_api(cls, value: str) -> str:
        if not is_url(value, ("http", "https")):
            raise ValueError("allowed is https://host/api/")
        return value if value.endswith("/") else f"{value}/"

    @field_validator("slack_user")
    @classmethod
    def _slack_member(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[UW][A-Z0-9]{7,20}", value):
            raise ValueError("allowed is a member id like U012AB3CD: in Slack, your profile, then Copy member ID")
        return value

    private_hosts: str = Field(
        default="",
        description="Hosts of your own network that tools may reach, like wiki.local,10.0.0.7:8080; else none",
    )
    tavily_api_key: SecretStr | None = Field(
        default=None, validation_alias="TAVILY_API_KEY", description="Key of Tavily: the web can be searched"
    )
    tavily_url: str = Field(default="https://api.tavily.com", description="Where Tavily's API is")
    jira_url: str | None = Field(default=None, description="Your Jira, like https://example.atlassian.net")
    jira_email: str | None = Field(default=None, description="Address of the Jira account whose token is used")
    jira_token: SecretStr | None = Field(default=None, description="API token of that account, for jira_ticket")
    github_token: SecretStr | None = Field(default=None, description="Token for github_check; reading is enough")
    github_url: str = Field(default="https://api.github.com", description="Where GitHub's API is")
    hubspot_token: SecretStr | None = Field(default=None, description="Private app token of HubSpot, for record_update")
    hubspot_url: str = Field(default="https://api.hubapi.com", description="Where HubSpot's API is")
    cicd_url: str | None = Field(default=None, description="Address of your pipeline that cicd_webhook posts to")
    cicd_secret: SecretStr | None = Field(
        default=None,
        description="whsec_...: signs what is posted to the pipeline, and its reports back to /api/hooks/cicd",
    )
    query_database_url: SecretStr | None = Field(
        default=None, description="A Postgres that database_query reads, as a user who may read what it should"
    )
    query_role: str | None = Field(default=None, description="Role that database_query takes on in that Postgres")
    query_supabase_url: str | None = Field(default=None, description="A Supabase project that database_query reads")
    query_supabase_key: SecretStr | None = Field(default=None, description="Key of that project: its rules decide what")
    query_timeout_seconds: float = Field(default=15, gt=0, le=300, description="Longest time of one query")
    query_most_rows: int = Field(default=500, ge=1, le=10_000, description="Most rows that one query brings")
    records_database_url: SecretStr | None = Field(
        default=None, description="A Postgres whose tables record_update may change, row by row, after your yes"
    )
    records_api_url: str | None = Field(
        default=None, description="A REST API whose records record_update may change (GET and PATCH), after your yes"
    )
    records_api_token: SecretStr | None = Field(default=None, description="Bearer token of that API")

    @field_validator(
        "tavily_url", "jira_url", "github_url", "hubspot_url", "cicd_url", "query_supabase_url", "records_api_url"
    )
    @classmethod
    def _service_url(cls, value: str | None) -> str | None:
        if value is not None and not is_url(value, ("http", "https")):
            raise ValueError("allowed is https://host...")
        return value.rstrip("/") if value else value

    @field_validator("query_database_url", "records_database_url")
    @classmethod
    def _other_database(cls, value: SecretStr | None) -> SecretStr | None:
        from psycopg import ProgrammingError  # only where one is given
        from psycopg.conninfo import conninfo_to_dict

        try:
            if value is not None and not conninfo_to_dict(value.get_secret_value()):
                raise ValueError("allowed is postgresql://user:password@host:5432/database")
        except ProgrammingError as error:
            raise ValueError("allowed is postgresql://user:password@host:5432/database") from error
        return value

    @field_validator("query_role")
    @classmethod
    def _role(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]{0,62}", value):
            raise ValueError("allowed is the name of a role: letters, digits and underscores")
        return value

    @field_validator("cicd_secret")
    @classmethod
    def _webhook_secret(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value() if value else ""
        if text and not re.fullmatch(r"whsec_[A-Za-z0-9+/]{32,128}={0,2}", text):
            raise ValueError("allowed is whsec_ and at least 24 random bytes in base64")
        return value

    model_small: str | None = Field(
        default=None, description="Name of the model that finds tasks in text and checks results; else STEWARD_MODEL"
    )
    model_large: str | None = Field(
        default=None, description="Name of the model that plans and changes plans; else STEWARD_MODEL"
    )
    model_fallbacks: str | None = Field(
        default=None,
        description="Models asked in order when one is out of reach, like gpt-5-nano,qwen3@http://127.0.0.1:11434/v1",
    )
    model_fallback_api_key: SecretStr | None = Field(
        default=None, description="Key for the servers named in STEWARD_MODEL_FALLBACKS; yours is not sent there"
    )
    model_keeps_answers: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Can a question go on from an answer that the server kept? auto: on OpenAI's own server",
    )
    model_rules_from: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="With a model: what the built-in rules make with this confidence (try 0.75) is not sent to it",
    )
    model_day_budget_usd: float | None = Field(
        default=20, ge=0, description="What one organization may spend on models in a day, in US dollars"
    )
    model_day_calls: int | None = Field(
        default=None,
        ge=0,
        description="How many requests to models one organization may make in a day; else any number",
    )
    model_task_budget_usd: float | None = Field(
        default=None, ge=0, description="What one task may spend on models, in US dollars; else what its tree may"
    )
    notes_folder: Path | None = Field(
        default=None, description="Folder of the notes files that tasks of the local owner may name (notes_file)"
    )

    @field_validator("model_fallbacks")
    @classmethod
    def _fallbacks(cls, value: str | None) -> str | None:
        for name, url in named_models(value):
            if not name or (url is not None and not is_url(url, ("http", "https"))):
                raise ValueError("allowed is a list like gpt-5-nano,qwen3@http://127.0.0.1:11434/v1")
        return value

    @property
    def keeps_answers(self) -> bool:
        """Can a question to the model's server go on from an answer that it kept? Only OpenAI's Responses API can."""
        if self.model_api != "responses" or self.model_keeps_answers == "off":
            return False
        return self.model_keeps_answers == "on" or self.openai_base_url is None

    browser_program: str | None = Field(
        default=None, description="Path of the browser that works web pages; else an installed Chromium is found"
    )
    browser_sites: str = Field(
        default="",
        description="Sites that the browser may reach in every task, like shop.example,*.wiki.example; else none",
    )

    @property
    def sender_address(self) -> str:
        """The address that drafts are from."""
        return self.mail_from or self.owner_email

    @property
    def worker_queue_names(self) -> list[str] | None:
        """The queues of a worker; None means all."""
        names = [name.strip() for name in (self.worker_queues or "").split(",") if name.strip()]
        return names or None

    @property
    def has_model(self) -> bool:
        """Is a language model configured?"""
        return self.openai_api_key is not None or self.openai_base_url is not None


def named_models(listed: str | None) -> list[tuple[str, str | None]]:
    """Models out of a list like `name,name@base_url`: each with its base URL, None where none is named."""
    parts = [part.strip().partition("@") for part in (listed or "").split(",") if part.strip()]
    return [(name.strip(), url.strip() if at else None) for name, at, url in parts]


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


def is_url(text: str, schemes: tuple[str, ...]) -> bool:
    """Has the text one of these schemes and a host, and no odd port?"""
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def load_settings() -> Settings:
    """The settings of this process. Raises `Invalid` that names the variable, its value and what is allowed."""
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
