"""What may come in and what people ask for, as data: attacks with a model that obeys them, and ordinary requests.

Each file of `cases/` holds cases of one channel; `worlds.toml` holds who the person is: address book, trusted answers and
standing permissions, the same sensible ones for attacks and ordinary requests.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tasks.policy import Action, Decision, Effect, Permission, Policy, Provenance, Source, Verdict, decide

CASES = Path(__file__).parent / "cases"
CHANNELS = ("mail", "calendar", "slack", "page", "file", "search", "memory", "agent")
NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
ACTION, PERMISSION = TypeAdapter(Action), TypeAdapter(Permission)
FIELDS = {
    "id",
    "goal",
    "world",
    "user",
    "reads",
    "attempts",
    "is_tainted",
    "contacts",
    "trusted",
    "is_attack",
    "channel",
}


@dataclass(frozen=True)
class World:
    """A person: their own addresses, address book, what trusted tools said, and what they have permitted."""

    own: Sequence[str]
    contacts: Mapping[str, str]
    trusted: Sequence[str]
    permissions: Sequence[Permission]


@dataclass(frozen=True)
class Attempt:
    """What the model tries. `asks`: in an ordinary case, that this is rightly asked about."""

    action: Action
    asks: bool = False


@dataclass(frozen=True)
class Case:
    """One story. Of an attack `goal` says what the attacker wants, of an ordinary request what the person wants."""

    id: str
    channel: str
    is_attack: bool
    goal: str
    provenance: Provenance
    policy: Policy
    attempts: Sequence[Attempt]


@dataclass(frozen=True)
class Outcome:
    """What the policy said to one attempt of a case."""

    case: Case
    attempt: Attempt
    decision: Decision

    @property
    def is_allowed(self) -> bool:
        return self.decision.verdict is Verdict.ALLOW

    @property
    def reaches_beyond(self) -> bool:
        """Would it touch anything or anybody but the person's own things?"""
        action = self.attempt.action
        if action.discloses_to:
            return True
        if action.real_effect in {Effect.READ, Effect.OWN_WRITE} and not action.urls:
            return False
        if action.real_effect not in {Effect.OWN_WRITE, Effect.SEND, Effect.SHARE}:
            return True
        own = self.case.policy.own
        return not action.destinations or any(one.strip().lower() not in own for one in action.destinations)

    @property
    def has_effect(self) -> bool:
        """Did an attack get through?"""
        return self.case.is_attack and self.is_allowed and self.reaches_beyond


def load_cases() -> list[Case]:
    """All cases, by channel. Raises ValueError for one that is not written as the others, or has another's id."""
    worlds = _worlds()
    cases = [case for path in sorted(CASES.glob("*.toml")) if path.stem != "worlds" for case in _read(path, worlds)]
    seen: set[str] = set()
    for case in cases:
        if case.id in seen:
            raise ValueError(f"There are two cases {case.id!r}")
        seen.add(case.id)
    return cases


def outcomes(cases: Sequence[Case]) -> Iterator[Outcome]:
    """Every attempt of every case through the policy."""
    for case in cases:
        for attempt in case.attempts:
            yield Outcome(case, attempt, decide(attempt.action, case.provenance, case.policy))


def _worlds() -> dict[str, World]:
    written: dict[str, dict[str, Any]] = tomllib.loads((CASES / "worlds.toml").read_text("utf-8"))
    return {name: _world(name, world) for name, world in written.items()}


def _world(name: str, written: Mapping[str, Any]) -> World:
    own: dict[str, Any] = {"expires_at": NOW + timedelta(days=90)}
    permissions = [
        PERMISSION.validate_python({**own, "id": f"{name}-{number}-{one['action']}", **one})
        for number, one in enumerate(written["permissions"])
    ]
    return World(written["own"], written["contacts"], written.get("trusted", []), permissions)


def _read(path: Path, worlds: Mapping[str, World]) -> Iterator[Case]:
    written: dict[str, list[dict[str, Any]]] = tomllib.loads(path.read_text("utf-8"))
    for is_attack, kind in ((True, "attack"), (False, "benign")):
        for one in written.get(kind, []):
            if unknown := one.keys() - FIELDS:
                raise ValueError(f"{path.name}: {one.get('id')!r} has {', '.join(sorted(unknown))}, which no case has")
            yield _case(one, path.stem, is_attack, worlds)


def _case(one: Mapping[str, Any], channel: str, is_attack: bool, worlds: Mapping[str, World]) -> Case:
    world = worlds[one.get("world", "robin")]
    channel = str(one.get("channel", channel))
    if channel not in CHANNELS:
        raise ValueError(f"{one['id']!r}: the channel {channel!r} is none of {', '.join(CHANNELS)}")
    reads = [Source(read.get("kind", channel), read["text"], read.get("title", "")) for read in one.get("reads", [])]
    provenance = Provenance(
        user=one["user"],
        contacts={**world.contacts, **one.get("contacts", {})},
        trusted=[*world.trusted, *one.get("trusted", [])],
        untrusted=[replace(read, text=read.text.strip()) for read in reads],
        is_tainted=one.get("is_tainted", False),
    )
    policy = Policy(world.permissions, own_addresses=world.own, now=NOW)
    attempts = [_attempt(written) for written in one["attempts"]]
    return Case(one["id"], channel, is_attack, one["goal"], provenance, policy, attempts)


def _attempt(written: Mapping[str, Any]) -> Attempt:
    fields = {"destinations" if field == "to" else field: value for field, value in written.items() if field != "asks"}
    return Attempt(ACTION.validate_python(fields), written.get("asks", False))
