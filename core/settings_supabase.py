"""Settings of a Supabase project: where it is, and the keys that it gave."""

from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from core.supabase_keys import kind_of_key
from core.urls import auth_url_of, is_url


class SupabaseSettings(BaseSettings):
    """With URL and publishable key alone, the web tier reaches the database over HTTP; see docs/guide/supabase.md."""

    supabase_url: str | None = Field(
        default=None, validation_alias="SUPABASE_URL", description="URL of a Supabase project"
    )
    supabase_public_url: str | None = Field(
        default=None,
        validation_alias="SUPABASE_PUBLIC_URL",
        description="The project's URL as browsers know it, where SUPABASE_URL is one of an inner network: its tokens are from "
        "there, and links to Google and to stored files lead there",
    )
    supabase_jwt_issuer: str | None = Field(
        default=None,
        validation_alias="SUPABASE_JWT_ISSUER",
        pattern=r"^\S{1,500}$",
        description="Who the project's tokens are from (`iss`), where that is not its public URL with /auth/v1",
    )
    supabase_publishable_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY"),
        description="The project's publishable (anon) key: people sign in with it, and without STEWARD_DATABASE_URL the web "
        "tier reaches the database over HTTP",
    )
    supabase_secret_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"),
        description="The project's secret (service_role) key: for the owner's account, storage and metrics",
    )
    supabase_jwt_secret: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("SUPABASE_JWT_SECRET"),
        description="The project's JWT secret: reads tokens, and signs short-lived ones for programs, agents and Slack",
    )
    supabase_signing_key: SecretStr | None = Field(
        default=None,
        validation_alias="SUPABASE_SIGNING_KEY",
        description="A private signing key (JWK) that the project knows, in place of the JWT secret",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="32 bytes in base64 that sign sessions, the same for every web process; else a file in STEWARD_HOME",
    )

    @field_validator("supabase_url", "supabase_public_url")
    @classmethod
    def _without_path(cls, value: str | None) -> str | None:
        if value is None or not is_url(value, ("https", "http")):
            return value  # said elsewhere
        parts = urlsplit(value)
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(f"leave the path out: {parts.scheme}://{parts.netloc.rpartition('@')[2]}")
        return value

    @field_validator("supabase_publishable_key")
    @classmethod
    def _not_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and kind_of_key(value.get_secret_value()) == "secret":
            raise ValueError(
                "it is the secret key, which may do everything; allowed is sb_publishable_... or the anon key"
            )
        return value

    @field_validator("supabase_secret_key")
    @classmethod
    def _not_publishable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and kind_of_key(value.get_secret_value()) == "publishable":
            raise ValueError("it is the publishable key; allowed is sb_secret_... or the service_role key")
        return value

    @property
    def supabase_issuer(self) -> str:
        """Who the tokens of the project are from."""
        return self.supabase_jwt_issuer or auth_url_of(self.supabase_public_url or self.supabase_url or "")

    @property
    def lacks_of_project(self) -> str | None:
        """The one of URL and publishable key that is not set, where the other one is."""
        if bool(self.supabase_url) == bool(self.supabase_publishable_key):
            return None
        return "SUPABASE_PUBLISHABLE_KEY" if self.supabase_url else "SUPABASE_URL"
