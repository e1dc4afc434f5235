"""Handing tasks to outside agents."""

import pytest

from core.database import Caller
from core.errors import Conflict, Forbidden, NotFound
from tasks import functions, trees
from tasks.agents import hand_to_agent


async def test_a_task_of_ones_own_is_handed_over(ana: Caller, mallory: Caller, nobody: Caller) -> None:
    (task,) = await functions.create_tasks(ana, [{"title": "Find a printer", "execution_type": "manual"}])
    assert await hand_to_agent(ana, task.id, whom="Larry", instructions="Near Ghent") == [task.id]
    handed = await functions.get_task(ana, task.id)
    assert (handed.tool, handed.execution_type) == ("outside_agent", "fully_automated")
    assert handed.tool_input == {"whom": "Larry", "instructions": "Near Ghent"}
    await hand_to_agent(ana, task.id, capabilities=["Printing", "printing "])
    assert (await functions.get_task(ana, task.id)).tool_input == {"capabilities": ["printing"]}
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
