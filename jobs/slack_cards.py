"""Drafts and questions as cards in Slack: what exactly a yes would be for, and what became of it."""

import json
from dataclasses import dataclass
from datetime import UTC
from typing import Any, cast

from integrations.slack.blocks import Card
from tasks.drafts import Approval, ApprovalOfDraft, Draft
from tasks.interrupts import HumanInterrupt, facts_of, interrupt_of
from tasks.models import Task
from tasks.reasons import NO_PERMISSION, in_a_line, reasons_of
from tasks.review import shown_facts

MOST_REASONS, LONGEST_REASON = 3, 500

DECIDED_DRAFT = {
    "approved": "You approved it; it is being sent.",
    "used": "You approved it; it is being sent.",
    "rejected": "Rejected.",
    "voided": "This is not the newest version any more. If there is a newer one, it stands below.",
    "expired": "The time to decide is over.",
}
DECIDED = {
    "approved": "You said yes.",
    "used": "You said yes.",
    "rejected": "You said no.",
    "voided": "This is not asked any more.",
    "expired": "The time to decide is over.",
}
ANSWERED = {
    "used": "You accepted it.",
    "rejected": "You did not accept it.",
    "voided": "This is not asked any more.",
    "expired": "The time to answer is over.",
}


@dataclass(frozen=True)
class Cards:
    """Makes cards; `address` is where the pages are."""

    address: str

    def of_draft(self, draft: Draft, state: str) -> Card:
        """A draft; `state` is that of its approval, or what became of it once that was used."""
        is_mail = draft.channel == "mail"
        facts = [*_wanted_by(draft.approval), *(_mail_facts(draft) if is_mail else _slack_facts(draft))]
        if draft.approval is not None and state == "open":
            facts += _why_asked(draft.approval)
        return Card(
            heading=f"{'Mail' if is_mail else 'Slack message'} for “{draft.task_title or draft.subject}”",
            value={"draft": str(draft.id), "digest": draft.digest},
            facts=facts,
            text=draft.body,
            why=draft.why,
            link=f"{self.address}/review/{draft.id}",
            approve_label="Approve and send",
            can_edit=True,
            decided="" if state == "open" else _became(draft, state),
        )

    def of_interrupt(self, approval: Approval, interrupt: HumanInterrupt) -> Card:
        """What an outside agent asks: accept here; a no in words is the answer, one without ignores it; edit on the page."""
        who = approval.asked_by.name if approval.asked_by else "An agent"
        answers = interrupt.config.answers
        hints = [
            f"{who} is an outside agent and wrote this. It gets your answer and acts by itself; Steward does nothing of it."
        ]
        if "edit" in answers:
            hints.append("You can change it on the review page.")
        if approval.expires_at:
            hints.append(f"Answer by {approval.expires_at.astimezone(UTC):%a %d %b %Y, %H:%M} UTC.")
        decided = ANSWERED.get(approval.state, "")
        return Card(
            approval.title,
            {"approval": str(approval.id), "digest": approval.digest, "answers": " ".join(answers)},
            facts_of(interrupt),
            interrupt.description or "",
            link=f"{self.address}/review/interrupts/{approval.id}",
            approve_label="Accept",
            can_approve="accept" in answers,
            can_reject=not {"response", "ignore"}.isdisjoint(answers),
            reject_label="Answer or ignore"
            if {"response", "ignore"} <= set(answers)
            else "Answer"
            if "response" in answers
            else "Ignore",
            decided=f"{decided} {approval.notes}"
            if decided and approval.state == "rejected" and approval.notes
            else decided,
            hints=hints,
        )

    def of_approval(self, approval: Approval, task: Task) -> Card:
        """A question of a plan, an act of a tool, or a result to look at."""
        if (interrupt := interrupt_of(approval)) is not None:
            return self.of_interrupt(approval, interrupt)
        value = {"approval": str(approval.id), "digest": approval.digest}
        decided = "" if approval.state == "open" else _by_permission(approval) or DECIDED[approval.state]
        link = f"{self.address}/tasks/{task.id}"
        if approval.tool is not None:
            facts = [*shown_facts(approval), *(_why_asked(approval) if approval.state == "open" else [])]
            text = str(approval.payload.get("text") or "")
            heading, label = approval.title, "Yes, do it"
        elif task.tool == "approval_gate":
            facts, text, heading, label = shown_facts(approval), "", approval.title, "Yes"
        else:
            result = cast("dict[str, Any]", task.result) if isinstance(task.result, dict) else {}
            facts, text = [], _words(result.get("output"))
            heading, label = f"Result of “{approval.title}”", "Approve"
        facts = [*_wanted_by(approval), *facts]
        until = approval.expires_at
        hints = (f"Decide by {until.astimezone(UTC):%a %d %b %Y, %H:%M} UTC; then it is a no.",) if until else ()
        return Card(heading, value, facts, text, approval.why, link, approve_label=label, decided=decided, hints=hints)


def _wanted_by(approval: ApprovalOfDraft | None) -> list[tuple[str, str]]:
    """The outside agent that wants it, where one does."""
    agent = approval.origin.agent if approval else None
    return [("Wanted by", f"{agent.name}, an outside agent, not Steward; the words may be its own")] if agent else []


def _why_asked(approval: ApprovalOfDraft) -> list[tuple[str, str]]:
    """Why it asks, shortly; that there is no permission goes without saying."""
    found = [one for one in reasons_of(approval.decision) if one.code != NO_PERMISSION]
    told = [("Asked because", in_a_line(one)[:LONGEST_REASON]) for one in found[:MOST_REASONS]]
    return (
        [*told, ("And", f"{len(found) - MOST_REASONS} more reasons, on the review page")]
        if len(found) > MOST_REASONS
        else told
    )


def _by_permission(approval: ApprovalOfDraft) -> str:
    """What lets it go where nobody was asked; empty where somebody was."""
    if approval.decided_how != "permission":
        return ""
    if approval.state == "approved" and approval.hold_until:
        return f"Your permission lets it go at {approval.hold_until.astimezone(UTC):%H:%M} UTC; until then you can undo it on the review page."
    return "Your permission let it go." if approval.state in {"approved", "used"} else ""


def _became(draft: Draft, state: str) -> str:
    if draft.state == "sent":
        where = str((draft.receipt or {}).get("location") or "")
        return f"Sent. {where}" if where.startswith("http") else "Sent."
    if draft.state in {"failed", "uncertain"}:
        word = "It was not sent" if draft.state == "failed" else "Nobody knows whether it was sent"
        return f"{word}: {draft.failure_reason}"
    said = (draft.approval and _by_permission(draft.approval)) or DECIDED_DRAFT.get(state, "")
    return f"{said} What should change: {draft.feedback}" if state == "rejected" and draft.feedback else said


def _mail_facts(draft: Draft) -> list[tuple[str, str]]:
    target = draft.target
    facts = [("From", f"{target.get('from_name') or ''} <{target.get('from_address') or ''}>".strip())]
    facts += [("Sending", "no mailbox is connected yet")] if target.get("lacks") else []
    facts.append(("To", ", ".join(draft.to_recipients) or "nobody yet"))
    facts += [("Cc", ", ".join(draft.cc_recipients))] if draft.cc_recipients else []
    facts += [("Bcc", ", ".join(draft.bcc_recipients))] if draft.bcc_recipients else []
    facts.append(("Subject", draft.subject or "(none)"))
    return facts + [("Attached", f"{one.name} ({one.size_bytes:,} bytes)") for one in draft.attachments]


def _slack_facts(draft: Draft) -> list[tuple[str, str]]:
    target = draft.target
    facts = [("To", str(target.get("name") or target.get("channel") or ""))]
    facts += [("In the thread of", str(target["thread_ts"]))] if target.get("thread_ts") else []
    mentions = cast("dict[str, str]", target.get("mentions") or {})
    facts += [("Calls", ", ".join(f"{name} ({place})" for name, place in mentions.items()))] if mentions else []
    return facts


def _words(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
