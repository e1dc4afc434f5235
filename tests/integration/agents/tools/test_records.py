"""Records and databases through the engine: before and after are shown, what was seen still stands, once."""

from typing import Any

import psycopg

from app.house import House
from core.postgres import postgres
from tasks import review
from tests.emulators.served import Answer, Got
from tests.integration.agents.growing import at_work, is_state, node, root, started, until
from tests.integration.agents.tools.conftest import Outside, approve, asked, killed_in_the_middle, refuses

CONTACT: dict[str, Any] = {
    "system": "hubspot",
    "kind": "contacts",
    "id": "512",
    "changes": {"lifecyclestage": "customer", "phone": "+49"},
}


async def sql(house: House, statement: str) -> list[tuple[Any, ...]]:
    async with await psycopg.AsyncConnection.connect(postgres(house.database).url, autocommit=True) as connection:
        cursor = await connection.execute(statement.encode())
        return await cursor.fetchall() if cursor.description else []


async def test_a_contact_is_shown_before_and_after_and_changed_once(wired: House, outside: Outside) -> None:
    async with at_work(wired):
        made = await started(wired, root(node("it", "record_update", tool_input=CONTACT)))
        approval = await asked(wired, made.keys["it"])
        assert ["lifecyclestage", "'lead' → 'customer'"] in approval.payload["facts"]
        assert ["phone", "None → '+49'"] in approval.payload["facts"]
        assert outside.hubspot.changes() == []
        await review.decide_approval(wired.caller, approval.id, approved=True)
        task = await until(wired, made.keys["it"], is_state("completed"))
    assert task.result["output"]["before"] == {"lifecyclestage": "lead", "phone": None}
    assert task.result["output"]["after"] == {"lifecyclestage": "customer", "phone": "+49"}
    assert len(outside.hubspot.changes()) == 1


async def test_what_changed_since_it_was_seen_is_left_and_a_retry_shows_it_anew(wired: House, outside: Outside) -> None:
    from tasks import functions

    async with at_work(wired):
        made = await started(wired, root(node("it", "record_update", tool_input=CONTACT, on_failure="escalate")))
        it = made.keys["it"]
        first = await asked(wired, it)
        outside.hubspot.properties["lifecyclestage"] = "opportunity"
        await review.decide_approval(wired.caller, first.id, approved=True)
        task = await until(wired, it, is_state("failed"))
        assert "was changed since you saw it" in (task.failure_reason or "")
        assert outside.hubspot.changes() == []
        await functions.retry_task(wired.caller, it)
        again = await asked(wired, it, beside=first.id)
        assert ["lifecyclestage", "'opportunity' → 'customer'"] in again.payload["facts"]
        await review.decide_approval(wired.caller, again.id, approved=True)
        await until(wired, it, is_state("completed"))


async def test_a_change_that_broke_off_is_looked_for(wired: House, outside: Outside) -> None:
    task = await killed_in_the_middle(wired, outside.hubspot.served, "record_update", **CONTACT)
    assert (task.execution_status, len(outside.hubspot.changes())) == ("completed", 1)
    assert task.evidence[0].what == "Found where it took effect"


async def test_a_row_of_a_table_and_what_reads_it(wired: House) -> None:
    await sql(
        wired,
        "create table public.zz_orders (id integer primary key, state text, more jsonb); alter table public.zz_orders enable row level security",
    )
    await sql(wired, "insert into public.zz_orders values (1, 'offen', '{\"n\": 1}'), (2, 'größe', null)")
    change = {
        "system": "postgres",
        "kind": "public.zz_orders/id",
        "id": "{{ find.rows.0.id }}",
        "changes": {"state": "{{ find.rows.1.state }}", "more": None},
    }
    query = {"sql": "select id, state from public.zz_orders where id <= %(n)s order by id", "parameters": {"n": 2}}
    tree = root(
        node("find", "database_query", tool_input=query),
        node(
            "text", "data_transform", ["find"], tool_input={"data": "{{ find.rows }}", "expression": "$string($[0].id)"}
        ),
        node("set", "record_update", ["text"], tool_input={**change, "id": "{{ text.value }}"}),
    )
    async with at_work(wired):
        made = await started(wired, tree)
        approval = await asked(wired, made.keys["set"])
        facts = dict(map(tuple, approval.payload["facts"]))
        assert facts["state"] == "'offen' → 'größe'"
        assert facts["written by others"] == "id (from text); changes.state (from find)"
        await review.decide_approval(wired.caller, approval.id, approved=True)
        await until(wired, made.id, is_state("completed"))
    assert await sql(wired, "select id, state, more from public.zz_orders order by id") == [
        (1, "größe", None),
        (2, "größe", None),
    ]


async def test_a_rest_record_held_by_its_etag(wired: House, outside: Outside) -> None:
    row: dict[str, Any] = {"id": "a", "state": "open"}

    def answer(got: Got) -> Answer:
        if got.method == "PATCH":
            row.update(got.json)
        return Answer(200, dict(row), {"ETag": f'"{row["state"]}"'})

    outside.site.handler = answer
    given = {"system": "rest", "kind": "v1/orders", "id": "a b", "changes": {"state": "paid"}}
    async with at_work(wired):
        made = await started(wired, root(node("it", "record_update", tool_input=given)))
        await approve(wired, made.keys["it"])
        await until(wired, made.keys["it"], is_state("completed"))
    (patch,) = [got for got in outside.site.got if got.method == "PATCH"]
    assert (patch.path, patch.headers["if-match"], patch.json) == ("/v1/orders/a%20b", '"open"', {"state": "paid"})


WHAT_CANNOT_BE_CHANGED_ASKS_NOBODY: list[tuple[dict[str, Any], str]] = [
    ({"system": "salesforce"}, "system"),
    ({"kind": "../x", "system": "rest"}, "path of a collection"),
    ({"kind": "a?b", "system": "rest"}, "path of a collection"),
    ({"kind": "orders", "system": "postgres"}, "table/key_column"),
    ({"kind": "con tacts"}, "object type"),
    ({"changes": {}}, "changes"),
    ({"id": ""}, "id"),
    ({"id": "513"}, "no such thing"),
    ({"changes": {"nosuch": 1}}, "have no nosuch"),
]


async def test_what_cannot_be_changed_asks_nobody(wired: House) -> None:
    cases = [({**CONTACT, **given}, words) for given, words in WHAT_CANNOT_BE_CHANGED_ASKS_NOBODY]
    await refuses(wired, "record_update", cases)
    assert (await review.list_approvals(wired.caller)).items == []


WHAT_IS_NOT_QUERIED: list[tuple[dict[str, Any], str]] = [
    ({}, "give sql or table"),
    ({"sql": "select 1", "table": "x"}, "give sql or table"),
    ({"sql": "select 1", "columns": ["a"]}, "go with table"),
    ({"table": "x; drop"}, "table"),
    ({"table": "x", "columns": ["a b"]}, "no name of a column"),
    ({"table": "x", "where": [{"column": "a", "word": "in", "value": 1}]}, "takes a list"),
    ({"table": "x", "where": [{"column": "a", "value": None}]}, "use is for null"),
    ({"table": "x", "where": [{"column": "a", "word": "is", "value": "x"}]}, "null, true or false"),
    ({"sql": "delete from public.tasks"}, "begins with 'delete'"),
    ({"sql": "select 1; select 2"}, "Only one statement"),
    ({"sql": "select set_config('role', 'x', true)"}, "set_config"),
]


async def test_what_is_not_queried(wired: House) -> None:
    await refuses(wired, "database_query", WHAT_IS_NOT_QUERIED)
