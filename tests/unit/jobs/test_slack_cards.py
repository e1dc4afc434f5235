"""Cards in Slack: why a person is asked, in short, and what a permission did without them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from jobs.slack_cards import Cards
from tasks.drafts import Draft

ID = UUID(int=7)


def draft(**approval: Any) -> Draft:
    """A mail to Eve, with its approval."""
    row: dict[str, Any] = {
        "id": ID,
        "organization_id": ID,
        "task_id": ID,
        "channel": "mail",
        "state": "draft",
        "digest": "d",
    }
    row |= {
        "created_at": "2026-03-04T12:00:00Z",
        "author_type": "agent",
        "approval": {"id": ID, "state": "open", **approval},
    }
    return Draft.model_validate(row)


def reason(code: str, number: int = 0) -> dict[str, str]:
    return {
        "code": code,
        "message": f"Reason {number}",
        "value": "eve@evil.example",
        "source": "mail: Re",
        "quote": "x" * 900,
    }


def test_a_card_names_a_few_reasons_and_how_many_more_there_are() -> None:
    decision = {"verdict": "ask", "reasons": [reason("no_permission"), *(reason("url_untrusted", n) for n in range(5))]}
    told = [(name, text) for name, text in Cards("https://x.example").of_draft(draft(decision=decision), "open").facts]
    because = [text for name, text in told if name == "Asked because"]
    assert [text.partition(":")[0] for text in because] == ["Reason 0", "Reason 1", "Reason 2"]
    assert all(len(text) == 500 for text in because)
    assert told[-1] == ("And", "2 more reasons, on the review page")


def test_that_only_a_permission_is_missing_goes_without_saying() -> None:
    card = Cards("").of_draft(draft(decision={"verdict": "ask", "reasons": [reason("no_permission")]}), "open")
    assert [name for name, _ in card.facts] == ["From", "To", "Subject"]


def test_what_a_permission_let_go_is_not_said_to_be_the_persons_yes() -> None:
    until = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
    by_one = {"decided_how": "permission", "policy_id": uuid4(), "hold_until": until}
    held = Cards("").of_draft(draft(**by_one | {"state": "approved"}), "approved").decided
    assert held == "Your permission lets it go at 12:30 UTC; until then you can undo it on the review page."
    assert Cards("").of_draft(draft(**by_one | {"state": "used"}), "used").decided == "Your permission let it go."
    assert "You approved it" in Cards("").of_draft(draft(state="used", decided_how="person"), "used").decided
