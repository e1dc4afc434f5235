"""What a person chooses about being told: read from words like "20:00-07:30", and said in the same words. Pure."""

from collections.abc import Sequence
from datetime import time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.settings_attention import DAYS, read_days, read_hours, read_time
from tasks.nudges import AttentionRules


def _hours(text: str) -> str:
    read_hours(text)
    return text.strip().casefold()


def _days(given: list[str]) -> list[str]:
    read_days(" ".join(given))
    return given


def _time(text: str) -> str:
    read_time(text)
    return text.strip()


QuietHours = Annotated[str, Field(max_length=50, examples=["20:00-07:30"]), AfterValidator(_hours)]
QuietDays = Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=7, examples=[["sat", "sun"]])]
DigestAt = Annotated[str, Field(max_length=20, examples=["08:00"]), AfterValidator(_time)]


class AttentionChange(BaseModel):
    """What a person wants otherwise. What is left out stays; null goes back to the installation's setting."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"daily_nudges": 3, "quiet_hours": "19:00-08:00"}]}
    )

    daily_nudges: int | None = Field(None, ge=0, le=100, strict=True, description="How often a day something is told")
    quiet_hours: QuietHours | None = Field(None, description='Like "20:00-07:30", or "off"')
    quiet_days: Annotated[QuietDays, AfterValidator(_days)] | None = Field(
        None, description="Days that are quiet as a whole"
    )
    digest_at: DigestAt | None = Field(None, description="When the daily digest is made")
    proactive: Literal["prepare", "suggest", "off"] | None = Field(None, description="What happens unasked")
    mute_below: float | None = Field(None, ge=0, le=1, description="Below this share of use a kind mutes itself")

    def as_changes(self) -> dict[str, Any]:
        """As `save_attention` takes it."""
        changes = self.model_dump(exclude_unset=True)
        if "quiet_hours" in changes:
            words = changes.pop("quiet_hours")
            begins, ends = read_hours(words) if words is not None else (None, None)
            changes["quiet_from"] = begins.isoformat() if begins else None
            changes["quiet_until"] = ends.isoformat() if ends else None
        if changes.get("quiet_days") is not None:
            changes["quiet_days"] = read_days(" ".join(changes["quiet_days"]))
        return changes


def clock_words(moment: time) -> str:
    """A time of day: "08:00"."""
    return f"{moment:%H:%M}"


def hours_words(rules: AttentionRules) -> str:
    """The quiet hours: "20:00-07:30", or "off"."""
    if rules.quiet_from == rules.quiet_until:
        return "off"
    return f"{clock_words(rules.quiet_from)}-{clock_words(rules.quiet_until)}"


def days_words(days: Sequence[int]) -> list[str]:
    """Weekdays by their short names: ["sat", "sun"]."""
    return [DAYS[day] for day in sorted(days)]
