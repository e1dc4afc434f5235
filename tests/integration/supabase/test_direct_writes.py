"""Tables written to through a client instead of the functions: nothing that only happens in order can be put there by hand."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.emulators.supabase import supabase_lite
from tests.integration.supabase.clients import Case, Client, supabase_js, supabase_py, token
from tests.integration.supabase.matrix import prepare, snapshot
from tests.safety.rls_rows import PARTS, Owned

CLIENTS = pytest.mark.parametrize("client", [supabase_py, supabase_js], ids=["supabase-py", "supabase-js"])
OTHER = "12" * 32
LATER = "2099-01-01T00:00:00Z"
# table, act, what is written over the owner's row (or a new one), the refusal; all as the owner of the row
WRITES: list[tuple[str, str, dict[str, Any], str]] = [
    # A task goes through its states, in its place, with its log.
    ("tasks", "insert", {"id": str(uuid4()), "execution_status": "completed"}, "PT409"),
    ("tasks", "update", {"execution_status": "completed"}, "PT409"),
    ("tasks", "update", {"execution_status": "blocked", "blocked_reason": "by hand"}, "PT409"),
    ("tasks", "update", {"execution_status": "finished"}, "PT409"),
    ("tasks", "update", {"execution_log": [{"event": "completed", "to": "completed"}]}, "PT403"),
    ("tasks", "update", {"organization_id": str(uuid4())}, "PT409"),
    ("tasks", "update", {"root_task_id": str(uuid4())}, "PT409"),
    ("tasks", "update", {"id": str(uuid4())}, "PT409"),
    ("tasks", "update", {"priority": "whenever"}, "23514"),
    # What leaves the house is what somebody saw and said yes to.
    ("drafts", "insert", {"id": str(uuid4()), "state": "approved", "version": 2}, "PT409"),
    ("drafts", "update", {"body": "something else"}, "PT409"),
    ("drafts", "update", {"to_recipients": ["somebody@example.net"]}, "PT409"),
    ("drafts", "update", {"state": "sent"}, "PT409"),
    ("drafts", "update", {"state": "approved"}, "PT403"),
    ("drafts", "delete", {}, "42501"),
    ("approvals", "insert", {"id": str(uuid4()), "state": "approved"}, "PT409"),
    ("approvals", "insert", {"id": str(uuid4()), "digest": OTHER}, "PT422"),
    ("approvals", "update", {"digest": OTHER}, "PT409"),
    ("approvals", "update", {"state": "used"}, "PT409"),
    ("approvals", "update", {"draft_id": str(uuid4())}, "PT409"),
    ("approvals", "delete", {}, "42501"),
    # Runs, leases and steps belong to the worker that has them.
    ("tasks", "update", {"run_id": str(uuid4()), "execution_status": "paused"}, "PT409"),
    ("steps", "insert", {"id": str(uuid4()), "key": "another"}, "42501"),
    ("steps", "update", {"kind": "act"}, "PT409"),
    ("steps", "update", {"state": "waiting"}, "PT409"),
    ("steps", "delete", {}, "42501"),
    ("agent_leases", "update", {"expires_at": LATER}, "42501"),
    ("agent_offers", "delete", {}, "42501"),
    ("plans", "update", {"kind": "document"}, "42501"),
    # Leave is given by the functions that ask for it.
    ("policies", "insert", {"id": str(uuid4()), "is_enabled": True}, "42501"),
    ("policies", "update", {"is_enabled": True, "expires_at": LATER}, "42501"),
    ("api_tokens", "insert", {"id": str(uuid4()), "token_hash": OTHER, "scopes": ["review:write"]}, "42501"),
    ("api_tokens", "update", {"scopes": ["review:write"]}, "42501"),
    ("agents", "update", {"capabilities": ["everything"]}, "42501"),
    ("members", "insert", {"organization_id": str(uuid4())}, "42501"),
    ("members", "update", {"role": "owner"}, "42501"),
    ("members", "delete", {}, "42501"),
    ("organizations", "insert", {"id": str(uuid4())}, "42501"),
    ("organizations", "update", {"is_personal": False}, "42501"),
    # What happened stays as it was.
    ("audit_events", "insert", {"action": "approve"}, "42501"),
    ("audit_events", "update", {"action": "reject"}, "42501"),
    ("audit_events", "delete", {}, "42501"),
    ("task_events", "insert", {"message": "sent"}, "42501"),
    ("task_events", "delete", {}, "42501"),
    ("llm_interactions", "update", {"cost_usd": 0}, "42501"),
]
# Closed schemas, whatever is asked of them.
CLOSED = [("private", "account_secrets"), ("auth", "users"), ("jobs", "procrastinate_jobs"), ("storage", "objects")]


@CLIENTS
async def test_a_write_past_the_functions_is_refused_with_its_reason(database_url: str, client: Client) -> None:
    matrix, _ = await prepare(database_url)
    matrix.owned.rows["public.drafts"] = await _draft(database_url, matrix.owned)
    cases: list[Case] = []
    for table, act, written, _ in WRITES:
        row = matrix.owned.rows[f"public.{table}"]
        key = next(name for name in ("id", "user_id", "task_id", "organization_id") if name in row)
        whole = {name: row[name] for name in matrix.tables[table]["insert"] if name in row}
        cases.append(
            Case("owner", act, table, match={key: row[key]}, row={**whole, **written} if act == "insert" else written)
        )
    cases += [Case("owner", "select", table, schema=schema) for schema, table in CLOSED]
    async with supabase_lite(database_url, auth=False) as project:
        before = await snapshot(database_url, matrix.owned.ids())
        answers = await client(project, {"owner": token(project, matrix.owned.user_id)}, cases, 1)
        after = await snapshot(database_url, matrix.owned.ids())
    told = [
        f"{case} {case.row if case.act == 'update' else ''}: {answer.code} {answer.text[:90]}"
        for case, answer in zip(cases, answers, strict=True)
    ]
    wanted = [code for *_, code in WRITES] + ["PGRST106"] * len(CLOSED)
    wrong = [line for line, answer, code in zip(told, answers, wanted, strict=True) if answer.code != code]
    assert "\n".join(wrong) == ""
    assert [table for table in after if after[table] != before[table]] == []


async def _draft(database_url: str, owned: Owned) -> dict[str, Any]:
    """A draft with the digest of what it says."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        cursor = await connection.execute(
            """insert into public.drafts as d (organization_id, task_id, channel, to_recipients, subject, body)
               values (%s, %s, 'mail', '{ana@example.org}', 'Hello', 'Hello') returning to_jsonb(d)""",
            (owned.organization_id, PARTS[0]),  # the task itself has one already
        )
        row = await cursor.fetchone()
    assert row
    return row[0]
