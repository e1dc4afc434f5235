"""Yes, no, and edits, by the buttons of a card. Each is for exactly what was shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog

from app._slack.door import STRANGER, Ack, Body, SlackDoor, uuid_of, value_of
from app.review.by_draft_id.page import ADDRESS
from core.errors import Conflict, Invalid, StewardError
from integrations.slack.blocks import LONGEST_INPUT, answer_modal, edit_modal, reject_modal
from jobs.outside.slack import says
from tasks import review
from tasks.drafts import Draft
from tasks.slack import SlackLink

log = structlog.get_logger()
SUPERSEDED = "superseded"
CHANGED = "This has changed meanwhile, nothing was done. The newest version is shown below."


@dataclass(frozen=True)
class Decisions:
    """Decides with the person's own rights, before Slack is answered."""

    door: SlackDoor

    async def on_open(self, ack: Ack) -> None:
        """The browser opens the page; nothing is to be done here."""
        await ack()

    async def on_approve(self, ack: Ack, body: Body, action: Body) -> None:
        link = await self.door.clicker(body)
        if link is None:
            await ack()
            self.door.later(self.door.say(body, STRANGER))
            return
        try:
            await self._decide(link, value_of(action.get("value")), approved=True)
            container = cast("dict[str, Any]", body.get("container") or {})
            said = "You said yes." if container.get("is_ephemeral") else ""  # what only you see cannot be changed
        except StewardError as error:
            said = _problem(error)
        await ack()
        self.door.later(self.door.after(body, said))

    async def _decide(self, link: SlackLink, value: Body, *, approved: bool, notes: str | None = None) -> None:
        """A yes or no to exactly what was shown. Raises Conflict when that is not what stands there now."""
        person = self.door.work.person(link)
        if "draft" in value:
            draft_id = uuid_of(value["draft"])
            if approved:
                await review.approve_draft(person, draft_id, str(value.get("digest")))
            else:
                await review.reject_draft(person, draft_id, notes)
            return
        approval_id = uuid_of(value.get("approval"))
        approval = await review.get_approval(person, approval_id)
        if approval.digest != value.get("digest"):
            raise Conflict("This is not what was shown", detail=SUPERSEDED)
        if approval.state != "open":
            detail = SUPERSEDED if approval.state == "voided" else approval.state
            raise Conflict(f"This is {approval.state} already", detail=detail)
        await review.decide_approval(person, approval_id, approved=approved, notes=notes)

    async def on_edit(self, ack: Ack, body: Body, action: Body) -> None:
        """Open the form; it shows the draft as it is, and is for exactly that."""
        await ack()
        link = await self.door.clicker(body)
        if link is None:
            self.door.later(self.door.say(body, STRANGER))
            return
        value = value_of(action.get("value"))
        try:
            draft = await review.get_draft(self.door.work.person(link), uuid_of(value.get("draft")))
            if draft.state not in {"draft", "approved", "failed"} or draft.digest != value.get("digest"):
                raise Conflict("This draft cannot be edited any more", detail=draft.state)
            fields = [("body", "Text", draft.body, True)]
            if draft.channel == "mail":
                fields = [
                    ("to", "To", ", ".join(draft.to_recipients), False),
                    ("cc", "Cc", ", ".join(draft.cc_recipients), False),
                    ("subject", "Subject", draft.subject, False),
                    *fields,
                ]
            if any(len(text) > LONGEST_INPUT for _, _, text, _ in fields):
                raise Invalid("This draft is longer than Slack's forms take", hint="Edit it on the review page.")
        except StewardError as error:
            self.door.later(self.door.after(body, _problem(error)))
        else:
            self.door.later(self.door.open_form(link, body, edit_modal(value, fields)))

    async def on_reject(self, ack: Ack, body: Body, action: Body) -> None:
        await ack()
        link = await self.door.clicker(body)
        if link is None:
            self.door.later(self.door.say(body, STRANGER))
            return
        value = value_of(action.get("value"))
        answers = str(value.get("answers") or "").split()
        form = answer_modal(value, answers) if answers else reject_modal(value, can_revise="draft" in value)
        self.door.later(self.door.open_form(link, body, form))

    async def on_edited(self, ack: Ack, body: Body, view: Body) -> None:
        """A form was sent: a new version, which needs its own yes."""
        link, value = await self.door.clicker(body), value_of(view.get("private_metadata"))
        if link is None:
            await ack(response_action="errors", errors={"body": STRANGER})
            return
        try:
            revised = await self._revise(link, value, _inputs_of(view))
        except StewardError as error:
            said = _problem(error)
            await ack(response_action="errors", errors={"body": said[:300]})
            return
        await ack()
        self.door.later(self._resolve_mentions(link, revised))

    async def _revise(self, link: SlackLink, value: Body, given: Mapping[str, str]) -> Draft:
        person = self.door.work.person(link)
        draft = await review.get_draft(person, uuid_of(value.get("draft")))
        if draft.digest != value.get("digest"):
            raise Conflict("This is not the draft that was shown", detail=SUPERSEDED)
        changes: dict[str, Any] = {"body": given.get("body", "")}
        if draft.channel == "mail":
            changes |= {
                "subject": " ".join(given.get("subject", "").splitlines()),
                "to_recipients": _addresses(given.get("to", "")),
                "cc_recipients": _addresses(given.get("cc", "")),
            }
        return await review.revise_draft(person, draft.id, changes)

    async def _resolve_mentions(self, link: SlackLink, draft: Draft) -> None:
        """Names that an edit brought into a Slack message become mentions: a newer version, where there are any."""
        try:
            if draft.channel == "slack":
                chat = await self.door.work.workspaces.of_link(link)
                mentions = dict(await chat.find_mentions(draft.body))
                if mentions != draft.target.get("mentions"):
                    target = {**draft.target, "mentions": mentions}
                    await review.revise_draft(self.door.work.person(link), draft.id, {"target": target})
        except StewardError as error:
            await log.ainfo("slack_mentions_left", reason=error.message)  # they stay plain text
        await self.door.drain()

    async def on_rejected(self, ack: Ack, body: Body, view: Body) -> None:
        link, value = await self.door.clicker(body), value_of(view.get("private_metadata"))
        if link is None:
            await ack(response_action="errors", errors={"feedback": STRANGER})
            return
        notes = _inputs_of(view).get("feedback", "").strip() or None
        try:
            await self._decide(link, value, approved=False, notes=notes)
        except StewardError as error:
            said = _problem(error)
            await ack(response_action="errors", errors={"feedback": said[:300]})
            return
        await ack()
        self.door.later(self.door.drain())


def _problem(error: StewardError) -> str:
    """What went wrong, for whoever clicked."""
    if isinstance(error, Conflict) and error.detail in {SUPERSEDED, "the digest differs"}:
        return CHANGED
    return f"{error.message}. Nothing was done." if isinstance(error, Conflict) else says(error)


def _addresses(text: str) -> list[str]:
    found = [part.strip() for part in re.split(r"[,;\n]", text) if part.strip()]
    for address in found:
        if not ADDRESS.fullmatch(address):
            raise Invalid(f"{address[:80]} is not an address")
    return list(dict.fromkeys(found))


def _inputs_of(view: Body) -> dict[str, str]:
    """What was entered in a form, by block."""
    state = cast("dict[str, Any]", view.get("state") or {})
    values = cast("dict[str, dict[str, dict[str, Any]]]", state.get("values") or {})
    return {block: str(one.get("value") or "") for block, fields in values.items() for one in fields.values()}
