"""Services connected by a tenant with its own key, through the API: used by its tasks, by nobody else's, never shown."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from app.house import House
from app.main import create_app
from app.person_session import COOKIE
from core.keys import Keys
from tests.integration.agents.growing import at_work, is_state, node, root, started, until
from tests.integration.agents.tools.conftest import Outside, approve, rewired

TICKET = {"project": "OPS", "summary": "Check", "description": "x"}


@pytest.fixture
def open_house(house: House, outside: Outside) -> House:
    """No key in the settings; the fakes may be reached."""
    return rewired(house, private_hosts=f"127.0.0.1:{httpx.URL(outside.jira.url).port}")


@pytest.fixture
async def api(open_house: House, tmp_path: Any) -> AsyncGenerator[httpx.AsyncClient]:
    keys = Keys.load(tmp_path / "keys")
    assert open_house.owner.user_id
    transport = httpx.ASGITransport(create_app(open_house, keys), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {keys.bearer_token(open_house.owner.user_id)}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
        yield client
    assert COOKIE not in client.cookies


async def test_a_connected_key_lets_what_waited_for_it_go_on(
    open_house: House, outside: Outside, api: httpx.AsyncClient
) -> None:
    async with at_work(open_house):
        made = await started(open_house, root(node("it", "jira_ticket", tool_input=TICKET)))
        await approve(open_house, made.keys["it"])
        await until(open_house, made.keys["it"], lambda task: task.blocked_on == "account")
        secret = {"url": outside.jira.url, "email": "ana@example.com", "token": "jira-token"}
        connected = await api.post("/api/integrations/jira", json={"secret": secret})
        assert connected.status_code == 201, connected.text
        assert "jira-token" not in connected.text
        done = await until(open_house, made.keys["it"], is_state("completed"))
    assert done.result["output"]["key"] == "OPS-1"
    listed = (await api.get("/api/integrations/jira")).json()["accounts"]
    assert [one["state"] for one in listed] == ["connected"]
    assert (await api.delete("/api/integrations/jira")).status_code == 200


@pytest.mark.parametrize(
    ("provider", "secret", "status", "words"),
    [
        ("jira", {"url": "https://x.example", "email": "a@x.example"}, 422, "token"),
        ("jira", {"url": "x.example", "email": "a@x.example", "token": "s3cret"}, 422, "url"),
        ("github", {"token": "s3cret", "user": "ana"}, 422, "user"),
        ("github", {"token": "s3cret\nX-Other: 1"}, 422, "token"),
        ("github", {"token": "s3cret" * 1000}, 422, "token"),
        ("postgres", {"url": "https://s3cret.example"}, 422, "postgresql"),
        ("google", {"token": "s3cret"}, 404, "not connected with a key"),
        ("github", {"token": 7}, 422, "secret"),
    ],
)
async def test_a_wrong_key_is_told_without_its_value(
    api: httpx.AsyncClient, provider: str, secret: dict[str, Any], status: int, words: str
) -> None:
    answer = await api.post(f"/api/integrations/{provider}", json={"secret": secret})
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert "s3cret" not in answer.text
