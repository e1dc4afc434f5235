"""The form of /settings/attention: what stands in it, what it asks for, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from core.settings_attention import DAYS
from tasks.attention import clock_words, days_words
from tasks.nudges import AttentionRules

NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WRONG = {
    "daily_nudges": "a whole number from 0 to 100",
    "quiet_hours": "two times like 20:00 and 07:30, or none",
    "quiet_days": "weekdays",
    "digest_at": "a time like 08:00",
    "proactive": "one of the three",
    "mute_below": "a number of percent from 0 to 100",
}


@dataclass(frozen=True)
class AttentionForm:
    """What was typed; `errors` is {field: what is allowed}."""

    daily_nudges: str
    quiet_from: str
    quiet_until: str
    quiet_days: tuple[str, ...]
    digest_at: str
    proactive: str
    mute_below: str
    """In percent."""
    errors: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, form: Mapping[str, str], days: Sequence[str]) -> "AttentionForm":
        """As it came."""

        def typed(name: str) -> str:
            return form.get(name, "").strip()[:40]

        return cls(
            daily_nudges=typed("daily_nudges"),
            quiet_from=typed("quiet_from"),
            quiet_until=typed("quiet_until"),
            quiet_days=tuple(day[:20] for day in days[:8]),
            digest_at=typed("digest_at"),
            proactive=typed("proactive"),
            mute_below=typed("mute_below"),
        )

    @classmethod
    def from_rules(cls, rules: AttentionRules) -> "AttentionForm":
        """As it stands."""
        has_hours = rules.quiet_from != rules.quiet_until
        return cls(
            daily_nudges=str(rules.daily_nudges),
            quiet_from=clock_words(rules.quiet_from) if has_hours else "",
            quiet_until=clock_words(rules.quiet_until) if has_hours else "",
            quiet_days=tuple(days_words(rules.quiet_days)),
            digest_at=clock_words(rules.digest_at),
            proactive=rules.proactive,
            mute_below=f"{rules.mute_below * 100:g}",
        )

    def as_change(self) -> dict[str, Any]:
        """As `AttentionChange` takes it; what is no number stays a text, and is refused there."""
        hours = f"{self.quiet_from}-{self.quiet_until}"
        return {
            "daily_nudges": int(self.daily_nudges) if self.daily_nudges.isdecimal() else self.daily_nudges,
            "quiet_hours": "off" if hours == "-" or self.quiet_from == self.quiet_until else hours,
            "quiet_days": list(self.quiet_days),
            "digest_at": self.digest_at,
            "proactive": self.proactive,
            "mute_below": _share(self.mute_below),
        }

    def with_errors(self, error: ValidationError) -> "AttentionForm":
        """With what is wrong, by field."""
        fields = {str(one["loc"][0]) for one in error.errors()}
        return replace(self, errors={name: words for name, words in WRONG.items() if name in fields})


def weekdays() -> list[tuple[str, str]]:
    """The days of the week: [("mon", "Monday"), ...]."""
    return list(zip(DAYS, NAMES, strict=True))


def _share(percent: str) -> float | str:
    try:
        return float(percent) / 100
    except ValueError:
        return percent
