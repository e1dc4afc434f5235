"""Settings of the outside world: accounts, Slack, tools, the browser."""

import re
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from core.errors import Invalid
from core.urls import is_url

# What may serve others than the owner: nobody's mailbox or Slack app does.
SHARABLE = (
    "tavily",
    "jira",
    "github",
    "hubspot",
    "cicd",
    "postgres",
    "supabase",
    "postgres_records",
    "rest_records",
    "mcp",
    "browser_sites",
    "private_hosts",
)


def _names_in(value: str) -> list[str]:
    return [name for one in value.split(",") if (name := one.strip().casefold())]


class OutsideSettings(BaseSettings):
    """What Steward may reach, and as whom."""

    encryption_keys: SecretStr | None = Field(
        default=None,
        description="Keys that secrets of accounts are sealed with, comma-separated, the newest first; else the system keyring's or the installation's",
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
    shared_tools: str = Field(
        default="",
        description="Services of these settings that serve everybody who is signed in, and not their owner alone, like tavily,mcp: "
        + ", ".join(SHARABLE)
        + "; else none",
    )

    @field_validator("shared_tools")
    @classmethod
    def _sharable(cls, value: str) -> str:
        if unknown := sorted(set(_names_in(value)) - set(SHARABLE)):
            raise ValueError(f"{', '.join(unknown)} cannot be shared; allowed are {', '.join(SHARABLE)}")
        return value

    @property
    def shared_tool_names(self) -> frozenset[str]:
        """What of these settings serves everybody."""
        return frozenset(_names_in(self.shared_tools))

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

    mcp_servers: SecretStr | None = Field(
        default=None,
        description='MCP servers whose tools are used, as {"mcpServers": {...}} or the path of a file with that',
    )
    browser_program: str | None = Field(
        default=None, description="Path of the browser that works web pages; else an installed Chromium is found"
    )
    browser_sites: str = Field(
        default="",
        description="Sites that the browser may reach in every task, like shop.example,*.wiki.example; else none",
    )
