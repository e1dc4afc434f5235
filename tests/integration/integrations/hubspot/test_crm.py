"""HubSpot's client, and that of any REST API, against fakes over HTTP."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from core.outside.errors import Malformed, Refused, SignInExpired, Uncertain
from integrations.hubspot.crm import HubSpot
from integrations.web.guard import Guard
from integrations.web.rest_records import RestRecords
from integrations.web.service import Changed, NotThere
from tests.emulators.hubspot_crm import FakeHubSpot, running_hubspot
from tests.emulators.served import Answer, Got, serving


@pytest.fixture
async def fake() -> AsyncGenerator[FakeHubSpot]:
    async with running_hubspot() as made:
        yield made


def client(fake: FakeHubSpot, token: str = "hubspot-token") -> HubSpot:
    return HubSpot.signed_in(fake.url, token, Guard().trusting(fake.url))


async def test_values_are_changed_where_what_was_seen_still_stands(fake: FakeHubSpot) -> None:
    hubspot = client(fake)
    seen = await hubspot.get("contacts", "512", ["lifecyclestage", "phone"])
    before = {name: seen.values[name] for name in ("lifecyclestage", "phone")}
    assert before == {"lifecyclestage": "lead", "phone": None}
    changed = await hubspot.update(
        "contacts", "512", {"lifecyclestage": "customer", "phone": None, "num_employees": 4}, before, None
    )
    assert changed.values["lifecyclestage"] == "customer"
    assert fake.properties["num_employees"] == "4"
    with pytest.raises(Changed):
        await hubspot.update("contacts", "512", {"lifecyclestage": "lead"}, before, None)
    assert len(fake.changes()) == 1


async def test_what_hubspot_refuses(fake: FakeHubSpot) -> None:
    with pytest.raises(SignInExpired):
        await client(fake, "wrong").get("contacts", "512", ["email"])
    with pytest.raises(NotThere):
        await client(fake).get("contacts", "513", ["email"])
    with pytest.raises(NotThere, match="nosuch"):
        await client(fake).get("contacts", "512", ["email", "nosuch"])
    with pytest.raises(Refused, match="400"):
        await client(fake).update("contacts", "512", {"nosuch": "x"}, {}, None)
    fake.served.once = [Answer(200, {"id": "512"})]
    with pytest.raises(Malformed):
        await client(fake).get("contacts", "512", ["email"])


async def test_a_rest_api_is_held_by_its_etag() -> None:
    row: dict[str, Any] = {"id": 1, "state": "open", "n": 1}
    tag = '"1"'
    asked: list[Got] = []

    def answer(got: Got) -> Answer:
        nonlocal tag
        asked.append(got)
        if got.path != "/v1/orders/a%2F1":
            return Answer(404)
        if got.method == "PATCH":
            if got.headers.get("if-match") != tag:
                return Answer(412)
            row.update(got.json)
            tag = '"2"'
            return Answer(200, row)
        return Answer(200, row, {"ETag": tag})

    async with serving(answer) as served:
        api = RestRecords.signed_in(f"{served.url}/v1", "t", Guard().trusting(served.url))
        stored = await api.update("orders", "a/1", {"state": "paid"}, {"state": "open"}, None)
        assert (stored.values["state"], stored.version) == ("paid", '"2"')
        with pytest.raises(Changed):
            await api.update("orders", "a/1", {"state": "open"}, {"state": "open"}, None)
        served.once = [Answer(200, row, {"ETag": '"9"'})]
        with pytest.raises(Changed):
            await api.update("orders", "a/1", {"n": 2}, {"n": 1}, None)
        with pytest.raises(NotThere, match="nosuch"):
            await api.get("orders", "a/1", ["nosuch"])
        with pytest.raises(NotThere):
            await api.get("orders", "2", [])
        served.once = [Answer(200, row, {"ETag": tag}), Answer(500)]
        with pytest.raises(Uncertain):
            await api.update("orders", "a/1", {"n": 2}, {"n": 1}, None)
        served.once = [Answer(200, [])]
        with pytest.raises(Malformed):
            await api.get("orders", "a/1", [])
    assert all(got.headers["authorization"] == "Bearer t" for got in asked)
