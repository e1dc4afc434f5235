"""Handing tasks to outside agents."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from core.database import Caller, Database
from core.errors import Conflict, Forbidden, Invalid, NotFound
from core.postgres import pool_of
from tasks import functions, trees
from tasks.agent_work import hand_to_agent


async def test_a_task_of_ones_own_is_handed_over(ana: Caller, mallory: Caller, nobody: Caller) -> None:
    (task,) = await functions.create_tasks(ana, [{"title": "Find a printer", "execution_type": "manual"}])
    assert await hand_to_agent(ana, task.id, whom="Larry", instructions="Near Ghent") == [task.id]
    handed = await functions.get_task(ana, task.id)
    assert (handed.tool, handed.execution_type) == ("outside_agent", "fully_automated")
    assert handed.tool_input == {"whom": "Larry", "instructions": "Near Ghent"}
    with pytest.raises(Invalid, match="input is an object"):
        await ana.call("hand_to_agent", task_id=task.id, input=[1])
    await hand_to_agent(ana, task.id, whom="Larry", input={"paper": None})
    await hand_to_agent(ana, task.id, capabilities=["Printing", "printing "])  # what it gets with it stays
    handed = await functions.get_task(ana, task.id)
    assert handed.tool_input == {"capabilities": ["printing"], "input": {"paper": None}}
    with pytest.raises(NotFound):
        await hand_to_agent(mallory, task.id)
    with pytest.raises(Forbidden):
        await hand_to_agent(nobody, task.id)


async def test_of_a_plan_what_is_nobodys_own_and_has_not_begun(ana: Caller) -> None:
    tree = await trees.create_task_tree(
        ana,
        {
            "title": "Plan",
            "execution_type": "fully_automated",
            "children": [
                {"title": "Write", "key": "write", "execution_type": "fully_automated"},
                {"title": "Sign", "key": "sign", "execution_type": "manual"},
                {"title": "Wait", "key": "wait", "tool": "delay", "tool_input": {"seconds": 1}},
                {
                    "title": "Box",
                    "key": "box",
                    "execution_type": "fully_automated",
                    "children": [{"title": "Read", "key": "read", "execution_type": "semi_automated"}],
                },
            ],
        },
    )
    assert set(await hand_to_agent(ana, tree.id, capabilities=["writing"])) == {tree.keys["write"], tree.keys["read"]}
    kept = [(await functions.get_task(ana, tree.keys[key])).tool for key in ("sign", "wait", "box")]
    assert kept == [None, "delay", None]
    with pytest.raises(Conflict, match="nothing here to hand"):
        await hand_to_agent(ana, tree.keys["wait"])
    with pytest.raises(Conflict, match="nothing here to hand"):
        await hand_to_agent(ana, tree.id)


async def test_a_program_makes_work_for_agents_but_hands_none_over(ana: Caller, database: Database) -> None:
    home = UUID((await ana.call("get_profile"))["organization"]["id"])
    token = Caller(
        database, replace(ana.identity, organization_id=home, token_id=uuid4(), scopes=("tasks:read", "tasks:write"))
    )
    parts: list[dict[str, Any]] = [
        {"title": "Salaries", "key": "pay", "tool": "noop"},
        {"title": "Publish", "key": "pub", "tool": "outside_agent", "tool_input": {"capabilities": ["x"]}},
        {"title": "Box", "key": "box", "execution_type": "fully_automated"},
    ]
    tree: dict[str, Any] = {"title": "Plan", "execution_type": "fully_automated", "children": parts}
    mine = await trees.create_task_tree(ana, tree)
    for handing in (
        hand_to_agent(token, mine.id, whom="Larry"),
        token.call("break_down_task", task_id=mine.keys["box"], parts=[{"title": "a", "tool": "outside_agent"}]),
    ):
        with pytest.raises(Forbidden, match="token"):
            await handing
    for statement, values in (
        ("update public.tasks set tool = 'outside_agent' where id = %s", (mine.keys["pay"],)),
        ('update public.tasks set tool_input = \'{"whom": "Larry"}\' where id = %s', (mine.keys["pub"],)),
        (
            "insert into public.task_dependencies (organization_id, task_id, depends_on_task_id) values (%s, %s, %s)",
            (home, mine.keys["pub"], mine.keys["pay"]),
        ),
        (
            "insert into public.tasks (organization_id, created_by, parent_task_id, title, tool) values (%s, %s, %s, 'Look', 'calendar_read')",
            (home, ana.identity.user_id, mine.keys["pub"]),
        ),
    ):
        with pytest.raises(psycopg.DatabaseError, match="A token does not hand tasks to agents"):
            await _run(token, statement, *values)
    waiting = (await trees.create_task_tree(ana, {"title": "Offered", "tool": "outside_agent", "tool_input": {}})).id
    for adding in (
        functions.create_subtask(token, waiting, "Mine"),
        token.call("break_down_task", task_id=waiting, parts=[{"title": "Look", "tool": "calendar_read"}]),
    ):
        with pytest.raises(Forbidden, match="token"):
            await adding
    assert (await functions.create_subtask(ana, waiting, "Mine")).parent_task_id == waiting
    parts[1] = {**parts[1], "depends_on": ["pay"]}
    own = await trees.create_task_tree(token, tree)  # of its own words, it may
    with pytest.raises(Forbidden):
        await hand_to_agent(token, own.id)
    assert await hand_to_agent(ana, own.id) == [own.keys["box"]]


async def _run(caller: Caller, statement: str, *values: object) -> None:
    async with pool_of(caller.database).connection() as connection, connection.transaction():
        await connection.execute(
            "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
            (caller.identity.claims_setting(),),
        )
        await connection.execute(statement.encode(), values)
