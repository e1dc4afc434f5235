"""What the models of the state machines stand on: one database, and everybody who may knock at it."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from core.database import Identity
from core.embedded import EmbeddedPostgres
from core.postgres import IDENTITY

Row = dict[str, Any]
TASKS: dict[str, set[str]] = {
    "pending": {"queued", "in_progress", "cancelled"},
    "queued": {"in_progress", "pending", "cancelled"},
    "in_progress": {"completed", "failed", "paused", "blocked", "queued", "cancelled"},
    "paused": {"in_progress", "queued", "completed", "failed", "cancelled"},
    "blocked": {"in_progress", "queued", "failed", "cancelled"},
    "failed": {"queued"},
    "completed": set(),
    "cancelled": set(),
}
DRAFTS: dict[str, set[str]] = {
    "draft": {"approved", "rejected", "superseded"},
    "approved": {"sending", "superseded"},
    "sending": {"sent", "failed", "uncertain"},
    "uncertain": {"sent", "failed"},
    "rejected": set(),
    "superseded": set(),
    "sent": set(),
    "failed": set(),
}
APPROVALS: dict[str, set[str]] = {
    "open": {"approved", "rejected", "expired", "voided"},
    "approved": {"used", "voided", "expired"},
    "rejected": set(),
    "expired": set(),
    "voided": set(),
    "used": set(),
}
CONFLICT, FORBIDDEN, MISSING, INVALID, NO_RIGHT = "PT409", "PT403", "PT404", "PT422", "42501"


@dataclass(frozen=True)
class Answer:
    """What the database answered: `refused` is the SQLSTATE, None where it did it."""

    refused: str | None
    rows: list[Row]
    count: int = 0
    message: str = ""
    detail: str = ""

    @property
    def value(self) -> Any:
        """The one value that a function returned."""
        return next(iter(self.rows[0].values())) if self.rows else None


class World:
    """A database with two tenants. Who is None is somebody at an SQL console: superuser, without claims."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.Connection[Row].connect(url, autocommit=True, row_factory=dict_row)
        self.owner, self.worker = self._move_in("ana@example.com")
        self.stranger, self.other_worker = self._move_in("mallory@example.net")
        self.anonymous = Identity(None, "anon")
        assert self.worker.organization_id
        self.organization_id = self.worker.organization_id

    def close(self) -> None:
        self.connection.close()

    def _move_in(self, email: str) -> tuple[Identity, Identity]:
        user = self.ask(None, "insert into auth.users (email) values (%s) returning id", email).value
        member = self.ask(None, "select organization_id from public.members where user_id = %s", user).value
        return Identity(user), Identity.service(member)

    def ask(self, who: Identity | None, query: LiteralString | sql.Composed, *params: object) -> Answer:
        """One statement in one transaction, as somebody; a refusal is an answer too."""
        try:
            with self.connection.transaction():
                if who is not None:
                    self.connection.execute(IDENTITY, (who.role, who.claims_setting()))
                cursor = self.connection.execute(query, params)
                rows = cursor.fetchall() if cursor.description else []
                count = cursor.rowcount
        except psycopg.Error as error:
            return Answer(
                error.sqlstate or repr(error), [], 0, error.diag.message_primary or "", error.diag.message_detail or ""
            )
        return Answer(None, rows, count)

    def call(self, who: Identity | None, function: str, **params: object) -> Answer:
        """A public function with named parameters; dicts and lists go in as jsonb."""
        arguments = sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder()) for name in params
        )
        query = sql.SQL("select public.{}({}) as value").format(sql.Identifier(function), arguments)
        return self.ask(who, query, *(Jsonb(v) if isinstance(v, dict | list) else v for v in params.values()))

    def change(self, who: Identity | None, table: str, row_id: UUID, changes: Mapping[str, object]) -> Answer:
        """A raw UPDATE of one row, as at an SQL console."""
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in changes
        )
        query = sql.SQL("update public.{} set {} where id = %s").format(sql.Identifier(table), assignments)
        return self.ask(who, query, *(Jsonb(v) if isinstance(v, dict | list) else v for v in changes.values()), row_id)

    def row(self, table: str, row_id: UUID) -> Row:
        """The whole row, as JSON."""
        query = sql.SQL("select to_jsonb(r) from public.{} r where r.id = %s").format(sql.Identifier(table))
        return self.ask(None, query, row_id).value

    def audit(self, subject_id: UUID) -> list[Row]:
        """What was audited of a subject, oldest first."""
        return self.ask(
            None,
            "select action, actor_type, actor_id, data from public.audit_events where subject_id = %s order by id",
            subject_id,
        ).rows

    def new_task(self, **fields: object) -> UUID:
        """A task of the owner's."""
        item = {"title": "Call Ana", "execution_type": "semi_automated", **fields}
        return UUID(self.call(self.owner, "create_tasks", items=[item]).value["id"])

    def as_run(self, task_id: UUID, run_id: UUID) -> Identity:
        """The worker speaking for one run of a task."""
        return replace(self.worker, run=(task_id, run_id))

    def actor_type(self, who: Identity | None) -> str:
        """How the log names somebody."""
        return "database" if who is None else "user" if who.user_id else "agent"

    def outsiders_find_nothing(self, table: str, row_id: UUID, changes: Mapping[str, object]) -> None:
        """Neither a member of another organization nor anybody without a name sees or changes the row."""
        query = sql.SQL("select 1 from public.{} where id = %s").format(sql.Identifier(table))
        assert self.ask(self.stranger, query, row_id).rows == []
        assert self.ask(self.anonymous, query, row_id).refused == NO_RIGHT
        assert self.change(self.stranger, table, row_id, changes).count == 0
        assert self.change(self.anonymous, table, row_id, changes).refused == NO_RIGHT

    def outsiders_are_refused(self, function: str, **params: object) -> None:
        """What is not theirs does not exist for a stranger and another tenant's worker; anonymous may call nothing."""
        for who in (self.stranger, self.other_worker):
            assert self.call(who, function, **params).refused in (MISSING, NO_RIGHT), function
        assert self.call(self.anonymous, function, **params).refused == NO_RIGHT, function


@contextmanager
def open_world(server: EmbeddedPostgres, template: str) -> Generator[World]:
    """A world in a database of its own, dropped afterwards. Machines of Hypothesis are not asynchronous, nor is this."""
    name = f"t_{uuid4().hex}"
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as admin:
        admin.execute(f'create database "{name}" template "{template}" strategy file_copy'.encode())
        world = World(server.url_of(name))
        try:
            yield world
        finally:
            world.close()
            admin.execute(f'drop database "{name}" with (force)'.encode())


def run(machine: Callable[[], RuleBasedStateMachine], examples: int, steps: int) -> None:
    """The same examples each time, as many as the suite has time for."""
    run_state_machine_as_test(
        machine,  # pyright: ignore[reportArgumentType]  # documented: "a class or a function that returns an instance"
        settings=settings(
            derandomize=True,
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        ),
    )
