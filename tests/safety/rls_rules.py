"""Who tries what, what is expected of it, and the statements themselves: the rules of `tests/safety/rls.py`."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from psycopg import sql

from tests.safety.rls_calls import Function
from tests.safety.rls_rows import MARK

Kind = Literal["owner", "stranger", "anonymous", "foreign worker", "foreign agent"]
UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CHANGING = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.+-]+|\b[0-9a-f]{32,64}\b")  # times and digests of what is made anew
REFUSED = "42501"
NOT_CALLED = "0A000"  # a trigger's function, called by hand
WRONG_ARGUMENTS = ("22", "23502", "23503", "23514", "PT422", "42804", "42883", "42P18")
# Functions whose work is another row's, or a state that the owner's row is not in: the owner's call may miss it.
NOT_REACHED = {"private.renew_part"}  # a tree is never renewed below itself
# What the worker does for the installation, or to find out whose a thing is that came to the door: no tenant is named yet.
OF_EVERYBODY = {
    "public.claim_plan_callbacks",
    "public.end_slack_event",
    "public.finish_plan_callback",
    "public.get_installation_metrics",
    "public.get_organization_of_task",
    "public.keep_slack_channel",
    "public.keep_slack_notice",
    "public.list_connected_accounts",
    "public.list_live_tokens",
    "public.list_organizations_at_work",
    "public.list_web_processes",
    "public.list_workers",
    "public.open_calendar_feed",
    "public.put_off_slack_notice",
    "public.request_reading",
    "public.resolve_agent_token",
    "public.resolve_api_token",
    "public.retire_web_process",
    "public.retire_worker",
    "public.sweep_agents",
    "public.take_metrics_snapshot",
    "public.take_slack_event",
    "public.take_slack_notice",
    "public.take_watch",
    "public.unlink_slack_user",
}
# The caller chooses the id of the new row, so that a secret can be sealed to it: one that is taken is refused as taken.
CHOSEN_IDS = {"public.connect_account"}


@dataclass
class RlsReport:
    """How many checks were made, and what leaked: each a sentence."""

    checks: int = 0
    leaks: list[str] = field(default_factory=list[str])

    def expect(self, holds: bool, leak: str) -> None:
        """Count a check; note what leaked where it does not hold."""
        self.checks += 1
        if not holds:
            self.leaks.append(leak)


@dataclass(frozen=True)
class Person:
    """Who calls: a role, and the claims of a signed-in person."""

    kind: Kind
    user_id: UUID | None = None
    worker_of: UUID | None = None
    agent_id: UUID | None = None  # an outside agent, which has the worker's role and is none

    @property
    def role(self) -> str:
        """The database's role."""
        return "service_role" if self.worker_of else "authenticated" if self.user_id else "anon"

    @property
    def claims(self) -> str:
        """What the sign-in says."""
        claims = {
            "role": self.role,
            "sub": self.user_id,
            "organization_id": self.worker_of,
            "agent_id": self.agent_id,
        }
        return json.dumps({name: str(value) for name, value in claims.items() if value})


@dataclass(frozen=True)
class Outcome:
    """What a statement did: its rows as text and their number, or the SQLSTATE and message of its refusal."""

    state: str = ""
    text: str = ""
    count: int = 0
    changed: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[str, str]:
        """Without ids and times: the same for two calls that differ in nothing else."""
        return self.state, CHANGING.sub("<changing>", UUIDS.sub("<id>", self.text))


def is_as_expected(person: Person, act: str, outcome: Outcome, is_granted: bool, *, is_shared: bool) -> bool:
    if not is_granted:
        return outcome.state == REFUSED
    if person.kind == "owner":
        # PT4xx is a trigger's word: the state machine was reached. An insert repeats a row, which its key refuses.
        return outcome.count > 0 or outcome.state.startswith(("PT", "23"))
    if outcome.changed or MARK in outcome.text:
        return False
    if act == "insert":
        return outcome.state == REFUSED
    return (outcome.count == 0 or is_shared) and not outcome.state


def statements(
    name: sql.Identifier, row: dict[str, Any], columns: dict[str, list[str]]
) -> list[tuple[str, sql.Composed, list[Any]]]:
    """Look for, repeat, touch and remove the owner's row."""
    keys = [key for key in ("id", "user_id", "organization_id") if key in row and key in columns["select"]][:1]
    mine = sql.SQL(" where {} = {}").format(sql.Identifier(keys[0]), sql.Literal(row[keys[0]])) if keys else sql.SQL("")
    seen, made = (sql.SQL(", ").join(map(sql.Identifier, columns[act])) for act in ("select", "insert"))
    first = sql.Identifier(columns["update"][0])
    repeated = sql.SQL("insert into {} ({}) select {} from jsonb_populate_record(null::{}, %s::jsonb)")
    return [
        ("select", sql.SQL("select {} from {}").format(seen, name) + mine, []),
        ("insert", repeated.format(name, made, made, name), [json.dumps(row)]),
        ("update", sql.SQL("update {} set {} = {}").format(name, first, first) + mine, []),
        ("delete", sql.SQL("delete from {}").format(name) + mine, []),
    ]


def call_of(function: Function) -> sql.Composed:
    given = [
        sql.SQL("jsonb_populate_record(null::{}, %s::jsonb)").format(sql.SQL(parameter.type))  # pyright: ignore[reportArgumentType]
        if parameter.is_row
        else sql.SQL("%s::{}").format(sql.SQL(parameter.type))  # pyright: ignore[reportArgumentType]
        for parameter in function.parameters
    ]
    text = "select {}({})" if function.is_trigger else "select to_jsonb(f) from {}({}) f"
    return sql.SQL(text).format(sql.Identifier(*function.name.split(".")), sql.SQL(", ").join(given))
