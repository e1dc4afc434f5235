"""Settings of language models."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from core.urls import is_url


class ModelSettings(BaseSettings):
    """Which models think, and what they may cost."""

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
    model_reasoning_summary: Literal["off", "auto", "concise", "detailed"] = Field(
        default="off",
        description="With the Responses API: has a reasoning model sum up its thoughts, which are shown as they come? Other models may refuse it",
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
    model_others_day_budget_usd: float | None = Field(
        default=20,
        ge=0,
        description="What all organizations but the owner's personal one may spend on models together in a day, in US dollars",
    )
    model_day_calls: int | None = Field(
        default=None,
        ge=0,
        description="How many requests to models one organization may make in a day; else any number",
    )
    model_task_budget_usd: float | None = Field(
        default=None, ge=0, description="What one task may spend on models, in US dollars; else what its tree may"
    )
    proactive_day_budget_usd: float | None = Field(
        default=1,
        ge=0,
        description="What work that nobody asked for may cost one organization on models in a day, in US dollars",
    )
    learn_thresholds: bool = Field(
        default=True, description="Do thresholds of confidence follow what came of it? One can be pinned at /insights"
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

    @property
    def has_model(self) -> bool:
        """Is a language model configured?"""
        return self.openai_api_key is not None or self.openai_base_url is not None


def named_models(listed: str | None) -> list[tuple[str, str | None]]:
    """Models out of a list like `name,name@base_url`: each with its base URL, None where none is named."""
    parts = [part.strip().partition("@") for part in (listed or "").split(",") if part.strip()]
    return [(name.strip(), url.strip() if at else None) for name, at, url in parts]
