"""Findings as tests offer them, and what became of them."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.database import Caller
from tasks import nudges
from tasks.nudges import AttentionRules, Finding, Nudge, offer_nudges

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=BERLIN)
RULES = AttentionRules(timezone="Europe/Berlin")
LATER = NOW + timedelta(days=60)


def found(key: str, **more: Any) -> Finding:
    return Finding.model_validate(
        {"key": key, "kind": "agenda", "title": f"Draft {key}", "why": "It has none.", "expires_at": LATER, **more}
    )


def rules(**more: Any) -> AttentionRules:
    return RULES.model_copy(update=more)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


async def offered(caller: Caller, *findings: Finding, when: datetime = NOW, by: AttentionRules = RULES) -> list[Nudge]:
    return (await offer_nudges(caller, findings, when, by)).made


async def states(caller: Caller, **where: Any) -> dict[str, str]:
    return {one.key: one.state for one in (await nudges.list_nudges(caller, limit=200, **where)).items}


def an_agenda(**more: Any) -> dict[str, Any]:
    return {"title": "Draft meeting agenda", "execution_type": "fully_automated", "kind": "agenda", **more}
