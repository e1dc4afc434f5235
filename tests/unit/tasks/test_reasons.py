"""Reasons come in the order in which they matter."""

from tasks.drafts import PolicyDecision
from tasks.reasons import reasons_of


def test_what_came_since_and_to_whom_come_first_and_what_could_be_permitted_last() -> None:
    codes = ["no_permission", "number_untrusted", "words_untrusted", "url_untrusted", "limit", "destination_lookalike"]
    decision = PolicyDecision.model_validate(
        {"verdict": "ask", "reasons": [{"code": code, "message": "Why"} for code in [*codes, "thread_moved"]]}
    )
    found = reasons_of(decision)
    assert [one.code for one in found] == [
        "thread_moved",
        "destination_lookalike",
        "url_untrusted",
        "limit",
        "words_untrusted",
        "number_untrusted",
        "no_permission",
    ]
    assert found[-1].message == "When it was written, no permission covered it"
