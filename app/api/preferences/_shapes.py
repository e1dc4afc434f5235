"""Preferences as programs write them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agents.learning.rules import TYPES
from tasks.preferences import Decision, Preference, ScopeType

RULE_HELP = (
    f"Applied without a model: an object with type ({TYPES}) and its fields; null: the statement is told to a model"
)


class WrittenPreference(BaseModel):
    """What a person likes in drafts. Without a statement one is made of the rule; it is off until it was tried and switched on."""

    model_config = ConfigDict(extra="forbid")

    statement: str | None = Field(default=None, max_length=500)
    rule: dict[str, Any] | None = Field(default=None, description=RULE_HELP)
    scope_type: ScopeType = "everyone"
    scope_value: str = Field(
        default="", max_length=320, description="An address, or a kind of task; empty for everyone"
    )


class ChangedPreference(BaseModel):
    """Other words, another rule or scope, or another state. What is not given stays."""

    model_config = ConfigDict(extra="forbid")

    statement: str | None = Field(default=None, max_length=500)
    rule: dict[str, Any] | None = Field(default=None, description=RULE_HELP)
    scope_type: ScopeType | None = None
    scope_value: str | None = Field(default=None, max_length=320)
    state: Decision | None = None


class PreferenceListing(BaseModel):
    """The preferences of the person, newest first."""

    items: list[Preference]
