"""Other people's agents in the terminal: added with a token that is printed once, looked at, paused, taken out."""

from uuid import UUID

from app.house import House
from core.database import Identity
from tasks.agents import resolve_agent_token
from tests.integration.cli.conftest import Steward
from tests.integration.tasks.outside import Outsider, Yard


async def test_an_agent_from_its_first_token_to_its_last(steward: Steward, house: House) -> None:
    service = house.database.acting_as(Identity.service())
    added = steward("agents", "add", "Larry", "--can", "Prospecting,email", "--can", "calls", "--at-once", "2")
    token = added.stdout.strip()
    assert token.startswith("sta_")
    assert "shown this once" in added.stderr
    assert f"export STEWARD_AGENT_TOKEN={token}\npython steward_agent.py me" in added.stderr
    assert "/agents/steward_agent.py\nexport STEWARD_URL=http://127.0.0.1:" in added.stderr
    listed = steward("agents").stdout
    assert "Larry" in listed
    assert "0 of 2" in listed
    assert token not in listed
    found = await resolve_agent_token(service, token)
    assert found
    shown = steward.json("agents", "show", str(found.id)[:8])
    assert (shown["name"], shown["leases"], shown["status"]) == ("Larry", [], "online")
    assert shown["capabilities"] == ["prospecting", "email", "calls"]
    more = ("--tool", "web_search", "--tool", "crm", "--silent-seconds", "60", "--timeout-seconds", "90")
    changed = steward.json("agents", "change", "Larry", *more, "--can", "email", "--rename", "Lars")
    assert (changed["name"], changed["capabilities"], changed["max_concurrent"]) == ("Lars", ["email"], 2)
    assert ([one["name"] for one in changed["tools"]], changed["timeout_seconds"]) == (["web_search", "crm"], 90)
    changed = steward.json("agents", "change", "lars", "--silent-seconds", "0", "--rename", "Larry")
    assert (changed["name"], changed["lease_seconds"], changed["timeout_seconds"]) == ("Larry", None, 90)
    assert "crm" in steward("agents", "show", "Larry").stdout
    assert steward.json("agents", "pause", "larry")["status"] == "paused"
    fresh = steward.json("agents", "rotate", "Larry")["token"]
    assert await resolve_agent_token(service, token) is None
    assert await resolve_agent_token(service, fresh)
    assert steward.json("agents", "revoke", "Larry")["has_token"] is False
    assert await resolve_agent_token(service, fresh) is None
    unsure = steward("agents", "remove", "Larry")
    assert (unsure.returncode, "Add --yes" in unsure.stderr) == (2, True)
    assert "works here no more" in steward("agents", "remove", "Larry", "--yes").stdout
    assert "removed" in steward("agents", "--removed").stdout


async def test_what_is_wrong_is_said(steward: Steward) -> None:
    assert "agents add needs a name" in steward("agents", "add").stderr
    unknown = steward("agents", "remove", "Larry")
    assert (unknown.returncode, "No agents are called 'Larry'" in unknown.stderr) == (2, True)
    long = steward("agents", "add", "Larry", "--can", "x" * 101)
    assert (long.returncode, "capabilities.0" in long.stderr) == (1, True), long.stderr
    assert "There are no agents of others" in steward("agents").stdout
    assert "changes nothing about an agent" in steward("agents", "show", "Larry", "--at-once", "2").stderr
    steward("agents", "add", "Larry")
    assert "nothing to change" in steward("agents", "change", "Larry").stderr
    short = steward("agents", "change", "Larry", "--silent-seconds", "5")
    assert (short.returncode, "lease_seconds" in short.stderr) == (1, True), short.stderr
    for words, said in [
        (("execute", "abcd", "--input", "{}"), "No agent is named"),
        (("execute", "abcd", "--agent", "Larry", "--can", "email"), "give one of both"),
        (("execute", "abcd", "--agent", "Larry", "--input", "{"), "--input is no JSON"),
        (("execute", "abcd", "--agent", "Larry", "--input", "[1]"), "--input is a JSON object"),
        (("add", "Call", "--agent", "Nobody"), "No agents are called 'Nobody'"),
        (("executions", "show"), "needs an id"),
    ]:
        wrong = steward(*words)
        assert (wrong.returncode, said in wrong.stderr) == (2, True), wrong.stderr
    assert steward.json("list")["items"] == []


async def test_tasks_are_given_to_agents_and_their_executions_followed(steward: Steward, house: House) -> None:
    larry = steward.json("agents", "add", "Larry", "--can", "words")["details"]["id"]
    added = steward.json("add", "Greet the breeders", "--agent", "larry")["task"]
    assert (added["tool"], added["tool_input"], added["execution_status"]) == (
        "outside_agent",
        {"whom": larry},
        "queued",
    )
    organization = UUID((await house.caller.call("get_profile"))["organization"]["id"])
    yard = Yard(house.database, house.caller, house.database.acting_as(Identity.service(organization)))
    agent = Outsider(house.database.acting_as(Identity.agent(UUID(larry), organization)), UUID(larry), "Larry")
    await yard.offer_queued(UUID(added["id"]))
    await agent.report(await agent.take(), "task_complete", {"output": {"shouted": "GREET"}})
    assert '"shouted": "GREET"' in steward("show", added["id"]).stdout
    task = steward.json("add", "Count the words")["task"]["id"]
    given = ("--can", "words,Email", "--input", '{"text": "one two"}', "--tell", "Be quick")
    said = steward("execute", task[:8], *given)
    assert "For an agent that can words, Email: Count the words" in said.stdout
    assert f"steward executions show {task[:8]}" in said.stderr
    handed = steward.json("show", task)["task"]
    wanted = {"capabilities": ["words", "email"], "input": {"text": "one two"}, "instructions": "Be quick"}
    assert (handed["tool_input"], handed["execution_status"]) == (wanted, "queued")
    listed = steward("executions").stdout
    assert "Greet the breeders" in listed
    assert steward.json("executions", "--state", "failed")["items"] == []
    assert steward("executions", "pause", task[:8]).stdout == "Count the words is paused.\n"
    shown = steward("executions", "show", task[:8]).stdout
    assert "resume, cancel" in shown
    assert steward.json("executions", "resume", task)["state"] == "queued"
    assert steward.json("executions", "cancel", task)["state"] == "cancelled"
    gone = steward("executions", "resume", task)
    assert (gone.returncode, "cannot become running" in gone.stderr) == (1, True)
