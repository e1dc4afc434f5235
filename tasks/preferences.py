"""What was learned from a person: preferences they can read, change and delete. One thin typed call per SQL function.

What a preference says, how it is found and applied, stands in `agents.learning`. All times are parameters.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from core.database import Caller
from tasks.models import Record

ScopeType = Literal["everyone", "person", "kind"]
PreferenceState = Literal["proposed", "active", "off", "rejected"]
Decision = Literal["active", "off", "rejected"]
Origin = Literal["edit", "rejection", "rating", "sent_mail", "person"]
EditOutcome = Literal["edited", "unchanged", "rejected"]


class TriedCase(Record):
    """A draft of the past: as it was written, as it would be with the preference, and what the person sent."""

    draft_id: UUID
    task_id: UUID
    title: str = ""
    before: str
    after: str
    sent: str
    was_right: bool = False
    """Would it have needed no edit without the preference?"""
    is_right: bool = False
    became: Literal["closer", "same", "further"] = "same"


class Trial(Record):
    """What a preference would have changed: of `cases` past drafts `right_after` would have needed no edit, `right_before` without it."""

    tried_at: datetime
    cases: list[TriedCase] = Field(default_factory=list[TriedCase])
    count: int = 0
    right_before: int = 0
    right_after: int = 0
    closer: int = 0
    further: int = 0
    right_together: int | None = None
    """How many would have needed no edit with all that is proposed beside it."""
    note: str = ""
    """Why it could not be tried, where that is so."""

    @property
    def in_words(self) -> str:
        """The figure in one sentence."""
        if self.note and not self.count:
            return self.note
        if not self.count:
            return "There is no past draft in its scope to try it on."
        if not self.closer and not self.further:
            return f"It would have changed nothing for the better or worse in {_drafts(self.count)}."
        said = (
            f"{self.closer} of {_drafts(self.count)} {'comes' if self.closer == 1 else 'come'} closer to what you sent; "
            f"{self.further or 'none'} would have been further."
        )
        if self.right_after != self.right_before:
            said += f" {self.right_after} would have needed no edit (before: {self.right_before})."
        if self.right_together is not None and self.right_together > self.right_after:
            said += f" With what else is proposed, {self.right_together} would have needed none."
        return said

    @property
    def is_worse(self) -> bool:
        """Would it have brought drafts further from what the person sent, at least as many as it brought closer?"""
        return self.right_after < self.right_before or 0 < self.further >= self.closer


def _drafts(count: int) -> str:
    return "1 past draft" if count == 1 else f"{count} past drafts"


class Preference(Record):
    """Something a person likes in drafts. `rule` is applied as it stands; None: words that only a model follows."""

    id: UUID
    organization_id: UUID
    user_id: UUID
    statement: str
    rule: dict[str, Any] | None = None
    scope_type: ScopeType
    scope_value: str = ""
    state: PreferenceState
    origin: Origin
    trial: Trial | None = None
    hits: int = 0
    used_at: datetime | None = None
    created_at: datetime
    decided_at: datetime | None = None
    sources_count: int = 0


class PreferenceSource(Record):
    """One thing that a preference was learned from: the person's own edit, word or mail."""

    key: str
    draft_id: UUID | None = None
    after_draft_id: UUID | None = None
    mail_id: UUID | None = None
    feedback_id: UUID | None = None
    excerpt_before: str = ""
    excerpt_after: str = ""
    at: datetime


class PreferenceWithSources(Preference):
    """A preference and what it was learned from, newest first."""

    sources: list[PreferenceSource] = Field(default_factory=list[PreferenceSource])


class Letter(Record):
    """A mail as it is compared: recipients, subject and text."""

    to: list[str] = Field(default_factory=list[str])
    cc: list[str] = Field(default_factory=list[str])
    subject: str = ""
    body: str = ""


class DraftEdit(Record):
    """What a person made of a draft that was written for them. `after` is what they let go, None where they rejected it."""

    draft_id: UUID
    after_id: UUID | None = None
    task_id: UUID
    task_kind: str
    task_title: str = ""
    outcome: EditOutcome
    user_id: UUID
    before: Letter
    after: Letter | None = None
    feedback: str = ""
    sender: str = ""
    preferences: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    said_by_others: list[str] = Field(default_factory=list[str])
    at: datetime

    @property
    def key(self) -> str:
        """Names this evidence for good."""
        return f"draft:{self.draft_id}"

    @property
    def person(self) -> str:
        """Whom it is to: the one recipient, in lower case; "" for several or none."""
        to = (self.after or self.before).to
        return to[0].casefold() if len(to) == 1 else ""


class OwnMail(Record):
    """A mail that the person wrote themselves."""

    key: str
    mail_id: UUID | None = None
    draft_id: UUID | None = None
    to: list[str] = Field(default_factory=list[str])
    subject: str = ""
    body: str = ""
    at: datetime
    sender: str = ""
    user_id: UUID | None = None


class RatedWork(Record):
    """What a person said of a result."""

    feedback_id: UUID
    user_id: UUID
    task_id: UUID
    rating: int | None = None
    comment: str
    at: datetime
    task_kind: str
    to: list[str] | None = None


async def propose_preferences(caller: Caller, items: Sequence[Mapping[str, Any]], *, at: datetime) -> list[Preference]:
    """Keep what was learned as proposals (`agents.learning.proposing.Proposal.as_item`); those that are new."""
    if not items:
        return []
    rows = await caller.call("propose_preferences", items=[dict(one) for one in items], at=at)
    return [Preference.model_validate(row) for row in rows]


async def list_preferences(caller: Caller, *, states: Sequence[PreferenceState] | None = None) -> list[Preference]:
    """The preferences of the person, newest first."""
    rows = await caller.call("list_preferences", states=list(states) if states else None)
    return [Preference.model_validate(row) for row in rows]


async def get_preference(caller: Caller, preference_id: UUID) -> PreferenceWithSources:
    """One preference with what it was learned from."""
    return PreferenceWithSources.model_validate(await caller.call("get_preference", preference_id=preference_id))


async def save_preference(caller: Caller, preference: Mapping[str, Any], *, at: datetime) -> Preference:
    """A person writes a preference, or with an `id` changes one: statement, rule, scope_type, scope_value."""
    return Preference.model_validate(await caller.call("save_preference", preference=dict(preference), at=at))


async def decide_preference(caller: Caller, preference_id: UUID, state: Decision, *, at: datetime) -> Preference:
    """A person switches one on or off, or rejects it. Raises Conflict for one that was not tried."""
    return Preference.model_validate(
        await caller.call("decide_preference", preference_id=preference_id, state=state, at=at)
    )


async def delete_preference(caller: Caller, preference_id: UUID, *, at: datetime) -> None:
    """Deletes one with its evidence, which does not bring it back."""
    await caller.call("delete_preference", preference_id=preference_id, at=at)


async def keep_trial(caller: Caller, preference_id: UUID, trial: Trial) -> Preference:
    """Keep what it would have changed in past drafts."""
    return Preference.model_validate(
        await caller.call("keep_trial", preference_id=preference_id, trial=trial.model_dump(mode="json"))
    )


async def preferences_for(caller: Caller, task_id: UUID, people: Sequence[str]) -> list[Preference]:
    """The active preferences for drafts of this task to any of these people (addresses), longest active first."""
    named = [one.casefold() for one in people]
    rows = await caller.call("preferences_for", task_id=task_id, people=named)
    return [Preference.model_validate(row) for row in rows]


async def count_preferences(caller: Caller, ids: Sequence[UUID], *, at: datetime) -> None:
    """These were applied to one more draft (worker only)."""
    await caller.call("count_preferences", ids=list(ids), at=at)


class SimilarDraft(Record):
    """A mail of the past that is like what is to be written."""

    draft_id: UUID
    to: list[str]
    subject: str
    body: str
    sent_at: datetime


async def find_similar_drafts(
    caller: Caller, task_id: UUID, people: Sequence[str], *, most: int = 2
) -> list[SimilarDraft]:
    """Mails that the person let go to one of these people alone, by the words of the task, the closest first."""
    named = [one.casefold() for one in people]
    rows = await caller.call("find_similar_drafts", task_id=task_id, people=named, most=most)
    return [SimilarDraft.model_validate(row) for row in rows]


async def list_draft_edits(
    caller: Caller, *, since: datetime | None = None, until: datetime | None = None, most: int = 300
) -> list[DraftEdit]:
    """What people made of the newest `most` drafts that were written for them, oldest first."""
    rows = await caller.call("list_draft_edits", since=since, until=until, most=most)
    return [DraftEdit.model_validate(row) for row in rows]


async def list_own_mail(caller: Caller, *, most: int = 200) -> list[OwnMail]:
    """The newest mails that the person wrote themselves, oldest first."""
    return [OwnMail.model_validate(row) for row in await caller.call("list_own_mail", most=most)]


async def list_ratings(caller: Caller, *, most: int = 200) -> list[RatedWork]:
    """The newest words that people said of results, oldest first."""
    return [RatedWork.model_validate(row) for row in await caller.call("list_ratings", most=most)]
