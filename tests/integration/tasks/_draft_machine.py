"""The model of what would leave the house: versions of a draft and the approvals sealed to them."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.database import Identity
from tests.integration.tasks._models import (
    CONFLICT,
    DRAFTS,
    FORBIDDEN,
    INVALID,
    NO_RIGHT,
    Answer,
    Row,
    World,
)

SIGNED_IN = st.sampled_from(["owner", "worker"])
ACTORS = st.sampled_from(["owner", "worker", "console"])
OUTCOMES = st.sampled_from(["uncertain", "sent", "failed"])
PLACE = st.integers(-2, -1)  # of the versions, the newest two
ON_THE_WAY = {"sending", "sent", "uncertain"}


@dataclass
class Approval:
    """What the model knows of an approval."""

    id: UUID
    state: str
    expired: bool = False
    history: list[str] = field(default_factory=lambda: ["open"])


@dataclass
class Draft:
    """What the model knows of one version."""

    id: UUID
    digest: str
    addressed: bool
    state: str = "draft"
    history: list[str] = field(default_factory=lambda: ["created"])
    approvals: list[Approval] = field(default_factory=list[Approval])

    def find(self, *states: str) -> Approval | None:
        return next((a for a in self.approvals if a.state in states), None)


class DraftFunctions(RuleBasedStateMachine):
    """One task and the versions of its draft. A move is one state, or the SQLSTATE of its refusal."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.drafts: list[Draft] = []
        self.last: tuple[list[Row], list[Row]] = ([], [])

    @initialize(outcomes=OUTCOMES, steps=st.integers(0, 4))
    def make(self, outcomes: str, steps: int) -> None:
        self.task_id = self.world.new_task(title="Mail John", kind="email")
        self.drafts, self.last = [], ([], [])
        self.write("worker", True)
        for _ in range(steps):
            self.take_the_usual_way(outcomes)
            self.the_rows_are_as_the_model_says()

    @rule(outcome=OUTCOMES)
    def take_the_usual_way(self, outcome: str) -> None:
        """What happens when nothing is amiss: approved by a person, sent by the worker, settled by a person if need be."""
        match self.drafts[-1].state:
            case "draft":
                self.approve("owner", -1, True)
            case "approved":
                self.begin_sending("worker", -1)
            case "sending":
                self.finish_sending("worker", -1, outcome)
            case "uncertain":
                self.say_what_became_of_it("owner", -1, outcome == "sent")
            case _:
                self.write("worker", True)

    def who(self, name: str) -> Identity | None:
        return {"owner": self.world.owner, "worker": self.world.worker, "console": None}[name]

    def rows(self) -> tuple[list[Row], list[Row]]:
        row = self.world.ask(
            None,
            "select (select coalesce(jsonb_agg(to_jsonb(d) order by d.version), '[]') from public.drafts d where d.task_id = %s) as drafts,"
            " (select coalesce(jsonb_agg(to_jsonb(a) order by a.created_at, a.id), '[]') from public.approvals a where a.task_id = %s) as approvals",
            self.task_id,
            self.task_id,
        ).rows[0]
        return row["drafts"], row["approvals"]

    def check(self, answer: Answer, refusal: str | None, before: tuple[list[Row], list[Row]]) -> bool:
        """Did it happen, as the model says? A refusal leaves nothing behind."""
        assert answer.refused == refusal, (answer, [(d.state, [a.state for a in d.approvals]) for d in self.drafts])
        if refusal:
            assert self.rows() == before
        return refusal is None

    def move(self, thing: Draft | Approval, state: str) -> None:
        if thing.state != state:
            thing.state = state
            thing.history.append(state)

    def give_way(self, draft: Draft) -> None:
        """A newer version takes its place: what was said of the old one is void."""
        if approval := draft.find("open", "approved"):
            self.move(approval, "voided")
        if draft.state in ("draft", "approved"):
            self.move(draft, "superseded")

    def arrive(self, row: Row) -> None:
        approval = Approval(UUID(row["approval_id"]), "open")
        self.drafts.append(Draft(UUID(row["id"]), row["digest"], bool(row["to_recipients"]), approvals=[approval]))

    @invariant()
    def the_rows_are_as_the_model_says(self) -> None:
        drafts, approvals = self.last = self.rows()
        assert [(d["id"], d["state"], d["digest"]) for d in drafts] == [
            (str(d.id), d.state, d.digest) for d in self.drafts
        ]
        stored = {a["id"]: a for a in approvals}
        known = {str(a.id): (a, d) for d in self.drafts for a in d.approvals}
        assert stored.keys() == known.keys()
        for approval_id, (approval, draft) in known.items():
            row = stored[approval_id]
            assert (row["state"], row["draft_id"], row["digest"]) == (approval.state, str(draft.id), draft.digest)
            decided = {"approved", "rejected"} & set(approval.history)
            assert row["decided_by"] == (str(self.world.owner.user_id) if decided else None), "a person decides"
            assert (row["decided_at"] is not None) == bool(decided)
            assert (row["used_at"] is not None) == (approval.state == "used")
        for row, draft in zip(drafts, self.drafts, strict=True):
            if ON_THE_WAY & set(draft.history):
                assert [a.state for a in draft.approvals].count("used") >= 1, "nothing is sent without leave"
            assert (row["sent_at"] is not None) == (draft.state == "sent")
            assert (row["decided_at"] is not None) == bool({"approved", "rejected"} & set(draft.history))

    def teardown(self) -> None:
        for draft in self.drafts:
            assert [a["action"] for a in self.world.audit(draft.id)] == [f"draft.{s}" for s in draft.history]
            for approval in draft.approvals:
                audited = [a["action"] for a in self.world.audit(approval.id)]
                assert audited == [f"approval.{s}" for s in approval.history]

    # Writing

    @precondition(lambda self: len(self.drafts) < 4)
    @rule(name=SIGNED_IN, addressed=st.booleans())
    def write(self, name: str, addressed: bool) -> None:
        before = self.last
        content = {
            "subject": "Thank you",
            "body": uuid4().hex,
            "to_recipients": ["john@example.com"] if addressed else [],
        }
        answer = self.world.call(self.who(name), "create_draft", task_id=self.task_id, content=content)
        newest = self.drafts[-1] if self.drafts else None
        if self.check(answer, CONFLICT if newest and newest.state in ("sending", "uncertain") else None, before):
            if newest:
                self.give_way(newest)
            self.arrive(answer.value)

    @precondition(lambda self: len(self.drafts) < 4)
    @rule(name=SIGNED_IN, place=PLACE, known_field=st.booleans())
    def edit(self, name: str, place: int, known_field: bool) -> None:
        draft, before = self.draft(place), self.last
        changes = {"body": uuid4().hex} if known_field else {"state": "approved"}
        answer = self.world.call(self.who(name), "revise_draft", draft_id=draft.id, changes=changes)
        refusal = None
        if not known_field:
            refusal = INVALID
        elif draft.state not in ("draft", "approved", "failed", "rejected") or draft is not self.drafts[-1]:
            refusal = CONFLICT
        if self.check(answer, refusal, before):
            self.give_way(draft)
            self.arrive(answer.value)

    def draft(self, place: int) -> Draft:
        return self.drafts[max(place, -len(self.drafts))]

    # Deciding

    def decide(self, name: str, draft: Draft, yes: bool, right: bool = True) -> str | None:
        """The refusal of a decision; None where it may be. The model moves."""
        if draft.state != "draft" or (yes and not right):
            return CONFLICT
        if yes and not draft.addressed:
            return INVALID
        waiting = draft.find("open")
        if waiting and name == "worker":
            return FORBIDDEN
        if waiting and waiting.expired:
            return CONFLICT
        if yes and not waiting and not draft.find("approved"):
            return FORBIDDEN
        if waiting:
            self.move(waiting, "approved" if yes else "rejected")
        self.move(draft, "approved" if yes else "rejected")
        return None

    @rule(name=SIGNED_IN, place=PLACE, right=st.sampled_from([True, True, False]))
    def approve(self, name: str, place: int, right: bool) -> None:
        draft, before = self.draft(place), self.last
        digest = draft.digest if right else "0" * 64
        answer = self.world.call(self.who(name), "approve_draft", draft_id=draft.id, digest=digest)
        self.check(answer, self.decide(name, draft, True, right), before)

    @rule(name=SIGNED_IN, place=PLACE, feedback=st.sampled_from([None, "Shorter"]))
    def reject(self, name: str, place: int, feedback: str | None) -> None:
        draft, before = self.draft(place), self.last
        answer = self.world.call(self.who(name), "reject_draft", draft_id=draft.id, feedback=feedback)
        self.check(answer, self.decide(name, draft, False), before)

    @rule(name=SIGNED_IN, place=PLACE, yes=st.booleans())
    def decide_the_approval(self, name: str, place: int, yes: bool) -> None:
        draft, before = self.draft(place), self.last
        approval = draft.approvals[-1]
        answer = self.world.call(self.who(name), "decide_approval", approval_id=approval.id, approved=yes)
        self.check(answer, self.decide(name, draft, yes), before)

    # Sending

    def use_up(self, draft: Draft) -> str | None:
        leave = draft.find("approved")
        if not leave or leave.expired:
            return FORBIDDEN
        self.move(leave, "used")
        self.move(draft, "sending")
        return None

    @rule(name=SIGNED_IN, place=PLACE)
    def begin_sending(self, name: str, place: int) -> None:
        draft, before = self.draft(place), self.last
        message_id = f"<{uuid4()}@example.com>"
        answer = self.world.call(self.who(name), "begin_sending", draft_id=draft.id, message_id=message_id)
        refusal = NO_RIGHT
        if name == "worker":
            refusal = None if draft.state in ON_THE_WAY | {"failed"} else CONFLICT
            if draft.state == "approved":
                refusal = self.use_up(draft)
        self.check(answer, refusal, before)

    def end(self, name: str, draft: Draft, state: str) -> str | None:
        if draft.state == state:
            return None
        if state not in DRAFTS[draft.state]:
            return CONFLICT
        if draft.state in {"sending", "uncertain"} and (draft.state == "uncertain") != (name == "owner"):
            return FORBIDDEN  # of what is under way its worker says what became of it, of the rest a person
        self.move(draft, state)
        return None

    @rule(name=SIGNED_IN, place=PLACE, outcome=OUTCOMES)
    def finish_sending(self, name: str, place: int, outcome: str) -> None:
        draft, before = self.draft(place), self.last
        who = self.who(name)
        answer = self.world.call(who, "finish_sending", draft_id=draft.id, outcome=outcome, reason="no answer")
        self.check(answer, self.end(name, draft, outcome), before)

    @rule(name=SIGNED_IN, place=PLACE, was_sent=st.booleans())
    def say_what_became_of_it(self, name: str, place: int, was_sent: bool) -> None:
        draft, before = self.draft(place), self.last
        answer = self.world.call(self.who(name), "resolve_draft", draft_id=draft.id, was_sent=was_sent)
        refusal = CONFLICT if draft.state != "uncertain" else self.end(name, draft, "sent" if was_sent else "failed")
        self.check(answer, refusal, before)

    # Others

    @rule(place=PLACE, state=st.sampled_from(sorted(DRAFTS)), approved=st.booleans())
    def knock(self, place: int, state: str, approved: bool) -> None:
        draft, before = self.draft(place), self.last
        refused = self.world.outsiders_are_refused
        refused("approve_draft", draft_id=draft.id, digest=draft.digest)
        refused("reject_draft", draft_id=draft.id)
        refused("revise_draft", draft_id=draft.id, changes={"body": "x"})
        refused("begin_sending", draft_id=draft.id, message_id=f"<{uuid4()}@example.net>")
        refused("finish_sending", draft_id=draft.id, outcome="sent")
        refused("resolve_draft", draft_id=draft.id, was_sent=approved)
        refused("get_draft", draft_id=draft.id)
        refused("create_draft", task_id=self.task_id, content={"body": "x"})
        refused("decide_approval", approval_id=draft.approvals[-1].id, approved=approved)
        self.world.outsiders_find_nothing("drafts", draft.id, {"state": state})
        self.world.outsiders_find_nothing("approvals", draft.approvals[-1].id, {"state": "approved"})
        assert self.rows() == before
