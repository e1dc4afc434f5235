"""What the policy said of something, as people read it: why they are asked, and where each value came from."""

from tasks.drafts import ApprovalOfDraft, PolicyDecision, Reason

NO_PERMISSION = "no_permission"
SHOWN = 4  # so many reasons at once; the others are folded
FIRST = (
    "wanted_by_agent",
    "thread_moved",
    "undone",
    "demoted",
    "always_asks_",
    "destination_",
    "url_",
    "address_",
    "attachment_",
)
LAST = ("words_", "number_", NO_PERMISSION)
MARKS = {
    "destination_lookalike": "looks like another",
    "destination_untrusted": "from what others wrote",
    "destination_not_named": "new: not named by you",
}


def reasons_of(decision: PolicyDecision) -> list[Reason]:
    """Why a person is asked: what came since and to whom first, numbers and that no permission covered it last."""
    return [_of_its_time(one) for one in sorted(decision.reasons, key=lambda one: _rank(one.code))]


def _rank(code: str) -> int:
    for place, start in enumerate(FIRST):
        if code.startswith(start):
            return place
    for place, start in enumerate(LAST, len(FIRST) + 1):
        if code.startswith(start):
            return place
    return len(FIRST)


def _of_its_time(reason: Reason) -> Reason:
    """That no permission covered it is said of when it was written: one may have been given since."""
    if reason.code != NO_PERMISSION:
        return reason
    return reason.model_copy(update={"message": "When it was written, no permission covered it"})


def in_a_line(reason: Reason) -> str:
    """A reason in one line of plain text, with the line of its source that it came from."""
    about = f": {reason.value}" if reason.value else ""
    said = f": “{reason.quote}”" if reason.quote else ""
    first = f" (first seen in {reason.source}{said})" if reason.source else ""
    return f"{reason.message}{about}{first}"


def marks_of(decision: PolicyDecision) -> dict[str, str]:
    """What is to be known of a target before a yes: address or channel, folded -> a few words."""
    return {one.value.strip().casefold(): MARKS[one.code] for one in decision.reasons if one.code in MARKS}


def may_be_permitted(approval: ApprovalOfDraft) -> bool:
    """Is nothing but a permission missing? Only then one is offered."""
    codes = {one.code for one in approval.decision.reasons}
    return approval.state == "open" and approval.decision.verdict == "ask" and codes == {NO_PERMISSION}
