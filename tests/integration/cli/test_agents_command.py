"""Other people's agents in the terminal: added with a token that is printed once, looked at, paused, taken out."""

from app.house import House
from core.database import Identity
from tasks.agents import resolve_agent_token
from tests.integration.cli.conftest import Steward


async def test_an_agent_from_its_first_token_to_its_last(steward: Steward, house: House) -> None:
    service = house.database.acting_as(Identity.service())
    added = steward("agents", "add", "Larry", "--can", "Prospecting,email", "--can", "calls", "--at-once", "2")
    token = added.stdout.strip()
    assert token.startswith("sta_")
    assert "shown this once" in added.stderr
    listed = steward("agents").stdout
    assert "Larry" in listed
    assert "0 of 2" in listed
    assert token not in listed
    found = await resolve_agent_token(service, token)
    assert found
    shown = steward.json("agents", "show", str(found.id)[:8])
    assert (shown["name"], shown["leases"], shown["status"]) == ("Larry", [], "online")
    assert shown["capabilities"] == ["prospecting", "email", "calls"]
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
