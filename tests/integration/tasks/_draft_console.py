"""The same drafts at an SQL console, where somebody writes what the functions would not."""

from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.integration.tasks._draft_machine import ACTORS, ON_THE_WAY, PLACE, Approval, DraftFunctions
from tests.integration.tasks._models import APPROVALS, CONFLICT, DRAFTS, FORBIDDEN, INVALID

TAKEN = "23505"  # unique_violation
CONTENT: dict[str, Any] = {
    "to_recipients": ["eve@example.com"],
    "cc_recipients": ["eve@example.com"],
    "bcc_recipients": ["eve@example.com"],
    "subject": "Another",
    "body": "Other words",
    "attachments": [{"name": "a.pdf"}],
    "target": {"thread": "other"},
    "thread_tail": "another tail",
    "digest": "0" * 64,
    "version": 99,
    "author_id": uuid4(),
}
ARRAYS = {"to_recipients", "cc_recipients", "bcc_recipients"}


class DraftMachine(DraftFunctions):
    """Drafts through the functions and around them."""

    @rule(name=ACTORS, place=PLACE, state=st.sampled_from(sorted(DRAFTS)))
    def write_the_state(self, name: str, place: int, state: str) -> None:
        draft, before = self.draft(place), self.last
        changes = {"state": state, "failure_reason": "because"}
        answer = self.world.change(self.who(name), "drafts", draft.id, changes)
        if state == draft.state:
            assert answer.refused is None
        elif state == "approved" and draft.state == "draft":
            if self.check(answer, None if draft.find("approved") else FORBIDDEN, before):
                self.move(draft, state)
        elif state == "sending" and draft.state == "approved":
            self.check(answer, self.use_up(draft), before)
        else:
            self.check(answer, self.end(name, draft, state), before)

    @rule(name=ACTORS, place=PLACE, state=st.sampled_from(sorted(APPROVALS)))
    def write_the_state_of_an_approval(self, name: str, place: int, state: str) -> None:
        approval, before = self.draft(place).approvals[-1], self.last
        answer = self.world.change(self.who(name), "approvals", approval.id, {"state": state})
        refusal = None
        if state != approval.state:
            if state not in APPROVALS[approval.state]:
                refusal = CONFLICT
            elif state in ("approved", "rejected"):
                refusal = FORBIDDEN if name != "owner" else CONFLICT if approval.expired else None
        if self.check(answer, refusal, before):
            self.move(approval, state)

    @rule(name=ACTORS, place=PLACE, column=st.sampled_from(sorted(CONTENT)))
    def write_other_content(self, name: str, place: int, column: str) -> None:
        draft, before = self.draft(place), self.last
        if column in ARRAYS:
            answer = self.world.ask(
                self.who(name),
                "update public.drafts set to_recipients = case when %s = 'to_recipients' then %s else to_recipients end,"
                " cc_recipients = case when %s = 'cc_recipients' then %s else cc_recipients end,"
                " bcc_recipients = case when %s = 'bcc_recipients' then %s else bcc_recipients end where id = %s",
                *(part for _ in range(3) for part in (column, CONTENT[column])),
                draft.id,
            )
        else:
            answer = self.world.change(self.who(name), "drafts", draft.id, {column: CONTENT[column]})
        self.check(answer, CONFLICT, before)

    @precondition(lambda self: any(ON_THE_WAY & set(d.history) for d in self.drafts))
    @rule(name=ACTORS)
    def write_another_message_id(self, name: str) -> None:
        before = self.last
        for row in before[0]:
            if row["message_id"]:
                answer = self.world.change(self.who(name), "drafts", row["id"], {"message_id": "<other@example.com>"})
                self.check(answer, CONFLICT, before)

    @rule(
        name=ACTORS,
        place=PLACE,
        column=st.sampled_from(
            [
                "digest",
                "draft_id",
                "task_id",
                "expires_at",
                "decided_by",
                "decided_at",
                "payload",
                "title",
                "why",
                "created_at",
            ]
        ),
    )
    def write_another_seal(self, name: str, place: int, column: str) -> None:
        approval, before = self.draft(place).approvals[-1], self.last
        other = {
            "digest": "0" * 64,
            "expires_at": "2100-01-01",
            "decided_at": "2000-01-01",
            "created_at": "2000-01-01",
            "payload": {"amount": 10000},
            "title": "Another",
            "why": "another",
        }
        answer = self.world.change(self.who(name), "approvals", approval.id, {column: other.get(column, uuid4())})
        self.check(answer, CONFLICT, before)

    @rule(
        name=ACTORS, place=PLACE, state=st.sampled_from(sorted(APPROVALS)), expired=st.booleans(), right=st.booleans()
    )
    def ask_for_leave_again(self, name: str, place: int, state: str, expired: bool, right: bool) -> None:
        """A second approval of the same version, which is no way around the first."""
        draft, before = self.draft(place), self.last
        answer = self.world.ask(
            self.who(name),
            "insert into public.approvals (organization_id, task_id, draft_id, title, state, digest, expires_at, decided_by)"
            " values (%s, %s, %s, 'x', %s, %s, case when %s then now() - interval '1 second' end, %s) returning id",
            self.world.organization_id,
            self.task_id,
            draft.id,
            state,
            draft.digest if right else "0" * 64,
            expired,
            self.world.owner.user_id,
        )
        refusal = CONFLICT if state != "open" else None if right else INVALID
        if refusal is None and draft.find("open", "approved"):
            refusal = TAKEN
        if self.check(answer, refusal, before):
            draft.approvals.append(Approval(answer.value, "open", expired))

    @rule(name=ACTORS, state=st.sampled_from([s for s in sorted(DRAFTS) if s != "draft"]))
    def bring_a_draft_that_is_further(self, name: str, state: str) -> None:
        before = self.last
        answer = self.world.ask(
            self.who(name),
            "insert into public.drafts (organization_id, task_id, channel, digest, author_type, state, version, failure_reason)"
            " values (%s, %s, 'mail', '', 'user', %s, 50, 'because')",
            self.world.organization_id,
            self.task_id,
            state,
        )
        self.check(answer, CONFLICT, before)

    @precondition(lambda self: self.drafts[-1].find("open"))
    @rule()
    def let_the_approval_expire(self) -> None:
        """Time does not pass in a test: an approval that has expired takes the place of the open one."""
        self.write_the_state_of_an_approval("owner", -1, "voided")
        self.last = self.rows()
        self.ask_for_leave_again("worker", -1, "open", True, True)
