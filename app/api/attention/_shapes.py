"""How much is told and when, as the API shows it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.attention import clock_words, days_words, hours_words
from tasks.nudges import Attention, KindUse, Mute


class ShownAttention(BaseModel):
    """The rules that hold (`chosen` names those a person set), and how things stand today."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "daily_nudges": 5,
                    "quiet_hours": "20:00-07:30",
                    "quiet_days": ["sun"],
                    "digest_at": "08:00",
                    "proactive": "prepare",
                    "mute_below": 0.3,
                    "timezone": "Europe/Berlin",
                    "chosen": ["quiet_days"],
                    "is_quiet": False,
                    "told_today": 2,
                    "held": 1,
                    "mutes": [],
                    "kinds": [
                        {
                            "kind": "agenda",
                            "told": 4,
                            "acted": 3,
                            "dismissed": 1,
                            "lapsed": 0,
                            "open": 0,
                            "precision": 0.75,
                        }
                    ],
                }
            ]
        }
    )

    daily_nudges: int
    quiet_hours: str
    quiet_days: list[str]
    digest_at: str
    proactive: Literal["prepare", "suggest", "off"]
    mute_below: float
    timezone: str
    chosen: list[str]
    is_quiet: bool
    told_today: int
    held: int
    mutes: list[Mute]
    kinds: list[KindUse]


def shown(known: Attention) -> ShownAttention:
    """The attention of a person, in the words of the API."""
    rules = known.rules
    chosen = {name for name, value in (known.chosen or {}).items() if value is not None} - {"updated_at"}
    if "quiet_from" in chosen:
        chosen = chosen - {"quiet_from", "quiet_until"} | {"quiet_hours"}
    return ShownAttention(
        daily_nudges=rules.daily_nudges,
        quiet_hours=hours_words(rules),
        quiet_days=days_words(rules.quiet_days),
        digest_at=clock_words(rules.digest_at),
        proactive=rules.proactive,
        mute_below=rules.mute_below,
        timezone=rules.timezone,
        chosen=sorted(chosen),
        is_quiet=known.is_quiet,
        told_today=known.told_today,
        held=known.held,
        mutes=known.mutes,
        kinds=known.kinds,
    )
