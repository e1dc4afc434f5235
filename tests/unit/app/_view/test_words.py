import pytest

from app._view import words
from tasks.models import Evidence
from tests.unit.app._view.nodes import NOW, id_of, node


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.0123, "under a second"),
        (1.24, "1 s"),
        (9.9, "9 s"),
        (3, "3 s"),
        (33.4, "33 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (3900, "1 h 5 min"),
        (86_400, "1 day"),
        (93_600, "1 day 2 h"),
        (2_592_000, "30 days"),
    ],
)
def test_spans_have_two_units_at_most(seconds: float, text: str) -> None:
    assert words.span(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (1000, "1,000"), (2.5, "2.50"), (0.004, "0.00")])
def test_numbers_are_written_as_people_write_them(value: float, text: str) -> None:
    assert words.number(value) == text


def test_a_state_is_told_by_what_it_means() -> None:
    assert words.state(node("a", state="blocked", blocked_on="subtasks"))[1] == "under way"
    assert words.state(node("a", state="blocked", blocked_on="approval"))[1] == "for your decision"
    assert words.state(node("a", state="failed", waived_at=NOW))[1] == "left out"
    assert words.state(node("a", state="failed", superseded_at=NOW, waived_at=NOW))[1] == "replaced"
    assert words.state(node("a", state="blocked", blocked_on="subtasks", paused_at=NOW))[1] == "paused"
    assert words.state(node("a", state="cancelled", paused_at=NOW))[1] == "cancelled"
    assert words.state(node("a", state="completed", open_draft_id=id_of("draft")))[1] == "drafted"
    assert words.state(node("a", state="completed"))[1] == "done"


def test_the_owner_of_a_task() -> None:
    assert words.owner(node("a", tool="outside_agent", tool_input={"whom": "bank-bot"})) == "the agent bank-bot"
    assert words.owner(node("a", tool="wait_for_reply")) == "somebody answers"
    assert words.owner(node("a", tool="approval_gate")) == "you decide"
    assert words.owner(node("a", execution_type="manual", assignee_role="Robin")) == "Robin"
    assert words.owner(node("a", execution_type="manual")) == "you"
    assert words.owner(node("a")) == "Steward"


def test_who_made_a_task_is_named() -> None:
    made = node("a", source="agent", source_ref={"agent_id": "x"})
    assert words.made_by(made, {"x": "Larry"}) == "by Larry"
    assert words.made_by(made) == "by an outside agent"
    assert words.made_by(node("a", source="agent"), {"x": "Larry"}) == "by Steward"
    assert words.made_by(node("a", source="mail", source_ref={"agent_id": "x"}), {"x": "Larry"}) == "from mail"


def test_evidence_names_the_place_in_short() -> None:
    receipt = Evidence(kind="receipt", what="Found in the outbox", where="/home/robin/outbox/17.eml")
    assert words.evidence(receipt) == "Found in the outbox: 17.eml"
    assert words.evidence(Evidence(kind="receipt", what="Found", where="<1@x>")) == "Found: <1@x>"
    assert words.evidence(Evidence(kind="approval", what="A person approved it", where="1-2")) == "A person approved it"


def test_an_id_is_no_place_and_a_draft_has_a_page() -> None:
    draft = Evidence(kind="draft", what="The draft is there", where="df8d7939-0000-4000-8000-000000000001")
    assert (words.place(draft), words.link(draft)) == ("", "/review/df8d7939-0000-4000-8000-000000000001")
    yes = Evidence(kind="approval", what="A person approved it", where="3a641b41-0000-4000-8000-000000000001")
    assert (words.place(yes), words.link(yes)) == ("", "")
    file = Evidence(kind="receipt", what="Found", where="/home/robin/outbox/17.eml")
    assert (words.place(file), words.link(file)) == ("/home/robin/outbox/17.eml", "")
    assert words.place(Evidence(kind="word", what="A person said so")) == ""
    assert words.link(Evidence(kind="draft", what="x", where="//evil.example")) == ""
