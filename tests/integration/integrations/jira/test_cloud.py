"""Jira's client against a fake of Jira over HTTP."""

from collections.abc import AsyncGenerator
from datetime import date

import pytest

from core.outside.errors import Malformed, Refused, SignInExpired, Uncertain
from core.outside.tickets import TicketFields
from integrations.jira.cloud import JiraCloud, document, text_of
from integrations.web.guard import AddressRefused, Guard
from integrations.web.service import NotThere
from tests.emulators.jira_cloud import FakeJira, running_jira
from tests.emulators.served import Answer


@pytest.fixture
async def fake() -> AsyncGenerator[FakeJira]:
    async with running_jira() as made:
        yield made


def client(fake: FakeJira, token: str = "jira-token") -> JiraCloud:
    made = JiraCloud.signed_in(fake.url + "/", "ana@example.com", token, Guard().trusting(fake.url))
    return JiraCloud(made.api, look_seconds=0)


async def test_a_ticket_is_made_found_changed_and_moved(fake: FakeJira) -> None:
    jira = client(fake)
    fields = TicketFields(
        "Größe prüfen", "Erste Zeile\nzweite\n\nAbsatz", ["ops"], "High", "557058:1", date(2026, 3, 9)
    )
    made = await jira.create("OPS", "Task", fields, "steward-1")
    assert (made.key, made.url) == ("OPS-1", f"{fake.url}/browse/OPS-1")
    found = await jira.find_created("steward-1")
    assert found is not None
    assert (found.summary, found.description, found.labels) == (
        "Größe prüfen",
        fields.description,
        ["ops", "steward-1"],
    )
    assert (found.priority, found.assignee, found.due_on, found.status) == (
        "High",
        "557058:1",
        date(2026, 3, 9),
        "To Do",
    )
    assert await jira.find_created("steward-2") is None
    changed = await jira.update("OPS-1", TicketFields(summary="Neu"))
    assert (changed.summary, changed.priority) == ("Neu", "High")
    (way,) = await jira.list_transitions("OPS-1")
    assert (await jira.move("OPS-1", way)).status == "In Progress"
    with pytest.raises(Refused, match="400"):
        await jira.move("OPS-1", way)


async def test_what_jira_refuses_is_told_in_its_words(fake: FakeJira) -> None:
    with pytest.raises(Refused) as caught:
        await client(fake).create("NOPE", "Task", TicketFields("x"), "k")
    assert caught.value.detail == "project: valid project is required"
    with pytest.raises(SignInExpired) as caught:
        await client(fake, "wrong").get("OPS-1")
    assert "STEWARD_JIRA_TOKEN" in (caught.value.hint or "")
    with pytest.raises(NotThere):
        await client(fake).get("OPS-99")


@pytest.mark.parametrize(
    "body",
    [
        {"key": "OPS-1"},
        {"key": "OPS-1", "fields": None},
        {"fields": {"status": {}}},
        [],
        {"key": "x", "fields": {"status": {"name": "a"}, "duedate": "soon"}},
    ],
)
async def test_what_is_no_ticket_is_malformed(fake: FakeJira, body: object) -> None:
    fake.served.once = [Answer(200, body)]  # pyright: ignore[reportArgumentType]
    with pytest.raises(Malformed):
        await client(fake).get("OPS-1")


async def test_a_ticket_made_and_not_named_is_looked_for(fake: FakeJira) -> None:
    fake.served.once = [Answer(201, {})]
    with pytest.raises(Uncertain):
        await client(fake).create("OPS", "Task", TicketFields("x"), "k")


async def test_an_address_of_somebody_elses_making_is_guarded(fake: FakeJira) -> None:
    jira = JiraCloud.signed_in(fake.url, "ana@example.com", "jira-token", Guard())
    with pytest.raises(AddressRefused):
        await jira.get("OPS-1")
    assert fake.served.connections == 0


def test_documents_keep_their_words() -> None:
    for text in ("", "a", "a\nb\n\nc", "größe 😀"):
        assert text_of(document(text)).strip() == text
    deep: dict[str, object] = {"type": "text", "text": "x"}
    for _ in range(500):
        deep = {"type": "x", "content": [deep]}
    assert text_of(deep) == ""
