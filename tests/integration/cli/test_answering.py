"""What outside agents ask, answered in the terminal."""

import shlex
import sys

from app.house import House
from core.database import Identity
from tasks import agents, functions, interrupts
from tests.integration.cli.conftest import Steward
from tests.integration.cli.test_work_commands import on_terminal

ALL = {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": True}
ARGS = {"to": "carol@example.org", "say": "\x1b[2JHello", "more": {"n": 7}}


async def test_an_agent_is_answered_in_the_terminal(steward: Steward, house: House) -> None:
    made = await agents.register_agent(house.caller, {"name": "Larry"})
    [task] = await functions.create_tasks(house.caller, [{"title": "Of ours", "execution_type": "manual"}])
    larry = house.database.acting_as(Identity.agent(made.details.id, task.organization_id))
    request = {"action": "send_mail", "args": ARGS}
    asked = interrupts.NewInterrupt.model_validate({"action_request": request, "config": ALL, "description": "*Why*"})
    only = asked.model_copy(update={"config": interrupts.InterruptConfig(allow_respond=True)})
    ids = [one.id for one in await interrupts.open_interrupts(larry, made.details.id, [asked, only, asked, asked])]

    steward.folder.joinpath("editor.py").write_text(
        "import pathlib, sys\np = pathlib.Path(sys.argv[-1])\n"
        "p.write_text(p.read_text('utf-8').replace('7', '8') if '\"n\": 7' in p.read_text('utf-8') else '{oh', 'utf-8')\n"
    )
    editor = shlex.join([sys.executable, str(steward.folder / "editor.py")])
    shown = on_terminal(steward, "review", keys=["x", "e", "a", "r", "Call her first", "i", "s"], EDITOR=editor)
    assert "Larry asks: send_mail" in shown
    assert "Larry is an outside agent" in shown
    assert "*Why*" in shown
    assert "\x1b[2J" not in shown
    assert shown.count("One of the letters") == 2
    responses = [(await interrupts.get_interrupt(larry, made.details.id, one)).response for one in ids]
    assert [one and (one.type, one.args) for one in responses] == [
        ("edit", {"action": "send_mail", "args": {**ARGS, "more": {"n": 8}}}),
        ("response", "Call her first"),
        ("ignore", None),
        None,
    ]
    [left] = steward.json("review")["items"]
    assert left["approval"]["asked_by"]["name"] == "Larry"
    assert steward.json("review", "--approve", left["approval"]["id"], "--digest", "0" * 64, code=1)["status"] == 409
    assert steward.json("review", "--approve", str(ids[3]))["task"]["result"]["output"]["type"] == "accept"
