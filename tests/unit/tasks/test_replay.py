"""A permission tried on the past: numbers that a person can believe, also where little was recorded."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tasks.policies import PastAction
from tasks.policy import Carries, Permission, Verdict
from tasks.replay import provenance_of, replay

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
ANA = "ana@vega.example"
NO_PERMISSION = {"code": "no_permission", "message": "No standing permission covers it"}


def past(
    became: str = "sent", *, hours: float = 0, reasons: list[dict[str, Any]] | None = None, **more: Any
) -> PastAction:
    """A mail to Ana, asked about because nothing covered it."""
    row: dict[str, Any] = {
        "approval_id": uuid4(),
        "draft_id": uuid4(),
        "task_id": uuid4(),
        "action": "email_send",
        "title": "Lunch",
        "task_kind": "email",
        "destinations": [ANA],
        "content": {"subject": "Lunch", "body": "See you at https://vega.example/table for lunch", "attachments": []},
        "provenance": {"is_tainted": False, "values": [], "destinations": {ANA: {"origin": "user"}}},
        "decision": {"verdict": "ask", "reasons": [NO_PERMISSION, *(reasons or [])]},
        "became": became,
        "created_at": NOON - timedelta(hours=hours),
    }
    return PastAction.model_validate(row | more)


def permission(**changes: Any) -> Permission:
    given: dict[str, Any] = {"id": "one", "action": "email_send", "targets": [ANA]}
    return Permission(**given | changes)


def reason(code: str, value: str, origin: str = "untrusted") -> dict[str, Any]:
    return {"code": code, "message": "…", "value": value, "origin": origin, "source": "mail: Re", "quote": "the line"}


def test_what_was_only_asked_for_lack_of_a_permission_would_have_gone() -> None:
    found = replay([past(hours=3), past("edited", hours=2), past("rejected", hours=1), past("waiting")], permission())
    assert (found.would_have_gone, found.edited, found.rejected, found.asked, found.seen) == (3, 1, 1, 0, 3)
    assert found.in_words == "3 would have gone by themselves; you had edited 1 of them and turned 1 of them down."
    assert [one.outcome for one in found.items] == ["rejected", "edited", "as_written"]  # newest first


def test_what_left_by_a_permission_is_no_yes_of_a_person() -> None:
    left = [past(decided_how="permission"), past("uncertain", decided_how="permission")]
    found = replay(left, permission())
    assert (found.would_have_gone, found.by_permission) == (2, 2)
    assert {one.outcome for one in found.items} == {"by_permission"}
    assert found.in_words == "2 would have gone by themselves; all of them had left by a permission."
    said = replay([*left, past(decided_how="person")], permission())
    assert said.in_words == (
        "3 would have gone by themselves; 2 of them had left by a permission, you had said yes to the rest as written."
    )
    edited = replay([*left, past("edited")], permission())
    assert edited.in_words == (
        "3 would have gone by themselves; 2 of them had left by a permission, you had edited 1 of them."
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "There is nothing of this kind in the past to try it on."),
        ([past(destinations=["bob@vega.example"])], "It is for none of the 1 of this kind in the past."),
        ([past()], "1 would have gone by itself; you had said yes to it as written."),
        ([past(decided_how="permission")], "1 would have gone by itself; it had left by a permission."),
        ([past("rejected")], "1 would have gone by itself; you had turned it down."),
        ([past(decision={})], "None would have gone by itself; 1 would have asked you as before."),
    ],
)
def test_the_numbers_in_words(rows: list[PastAction], words: str) -> None:
    assert replay(rows, permission()).in_words == words


def test_what_others_brought_in_asks_again() -> None:
    link = reason("url_untrusted", "https://vega.example/table")
    file = reason("attachment_untrusted", "offer.pdf")
    tainted: dict[str, Any] = {"is_tainted": True, "values": [], "destinations": {ANA: {"origin": "user"}}}
    rows = [
        past(reasons=[link], provenance=tainted),
        past(reasons=[file], provenance=tainted, content={"body": "x", "attachments": [{"name": "offer.pdf"}]}),
        past(provenance=tainted | {"destinations": {ANA: {"origin": "untrusted"}}}),
        past(reasons=[reason("suspicious_source", "")], provenance=tainted),
    ]
    found = replay(rows, permission())
    assert (found.would_have_gone, found.asked) == (0, 4)
    codes = {one.code for item in found.items for one in item.decision.reasons}
    assert codes == {"url_untrusted", "attachment_untrusted", "destination_untrusted", "suspicious_source"}


def test_words_of_others_go_by_a_permission_for_plain_text_alone() -> None:
    tainted: dict[str, Any] = {"is_tainted": True, "values": [], "destinations": {ANA: {"origin": "user"}}}
    row = past(reasons=[reason("words_untrusted", "See you for lunch")], provenance=tainted)
    assert replay([row], permission()).would_have_gone == 0
    assert replay([row], permission(carries=Carries.PLAIN_TEXT)).would_have_gone == 1
    # What went by a permission was not looked at word by word.
    by_one = past(decision={"verdict": "allow", "permission_id": str(uuid4())}, provenance=tainted)
    assert replay([by_one], permission()).would_have_gone == 0
    assert replay([past(provenance=tainted)], permission()).would_have_gone == 1


def test_it_stays_within_its_limits_of_then() -> None:
    rows = [past(hours=one / 10) for one in range(4)] + [past(hours=30)]
    found = replay(rows, permission(max_per_hour=2, max_per_day=3))
    assert (found.would_have_gone, found.asked) == (3, 2)
    assert found.items[0].decision.verdict is Verdict.ASK
    assert found.items[0].decision.reasons[0].code == "limit"


def test_of_a_task_what_was_written_first_counts() -> None:
    task_id = uuid4()
    rows = [
        past("sent", task_id=task_id),
        past("edited", hours=1, task_id=task_id),
        past("void", hours=2, task_id=task_id),
    ]
    found = replay(rows, permission())
    assert (found.would_have_gone, found.edited) == (1, 1)


def test_an_act_is_read_by_what_its_tool_was_given() -> None:
    row = past(draft_id=None, action="calendar_event", content={"input": {"title": "Lunch", "with": [ANA, {"n": 1}]}})
    assert provenance_of(row).user == (f"Lunch\n{ANA}",)
    assert replay([row], permission(action="calendar_event")).would_have_gone == 1
    other = permission(action="calendar_event", task_kinds=["schedule"])
    assert replay([row], other).seen == 1
    assert replay([row], other).items == ()
