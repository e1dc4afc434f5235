"""Values for the examples of the API reference, where a schema alone does not make a request that makes sense."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

SPACE = UUID("7b1f6c1e-6a0e-4a64-9c54-0d0a8b1f2c3d")
DAY = datetime.now(UTC).date() + timedelta(
    days=14
)  # ahead, so that what is copied from a page built of late is not over
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
PARAMETERS = {"provider": "tavily", "day": f"{DAY}", "name": "report.md", "stage": "plan_type"}
OTHERS = {"token": "TOKEN-OF-THE-SECRET-LINK", "x-goog-channel-id": "channel-1", "x-goog-channel-token": "its-secret"}


def identifier(name: str) -> str:
    """An id that looks like one, always the same for a parameter."""
    return str(uuid5(SPACE, name.removesuffix("s")))


TASK = identifier("task_id")
LEASE = identifier("lease_id")
INTERRUPT = {
    "action_request": {"action": "send_quote", "args": {"price": 250}},
    "config": {"allow_ignore": True, "allow_respond": True, "allow_edit": True, "allow_accept": True},
    "description": "May I send this quotation?",
}
AGENDAS = {"action": "email_send", "targets": ["alex@example.com"], "task_kinds": ["agenda"]}
BODIES: dict[str, Any] = {  # "METHOD path" -> what is sent
    "POST /api/agents": {"name": "Larry", "capabilities": ["prospecting"], "max_concurrent": 2},
    "POST /api/agents/{agent_id}/heartbeat": {"lease_ids": [LEASE]},
    "POST /api/agents/{agent_id}/interrupts": INTERRUPT,
    "PATCH /api/agents/{agent_id}": {"is_paused": True},
    "POST /api/approvals": {"approval_id": identifier("approval_id"), "approved": True, "notes": "Go on"},
    "POST /api/approvals/{approval_id}": {"approved": True, "digest": DIGEST},
    "POST /api/approvals/{approval_id}/answer": {"type": "response", "digest": DIGEST, "args": "About 250 euros"},
    "POST /api/attention/mutes": {"kind": "travel", "because": "I live next door"},
    "PATCH /api/attention": {"daily_nudges": 3, "quiet_hours": "19:00-08:00"},
    "POST /api/chat": {"message": "Draft email to john@example.com thanking him for the meeting"},
    "PATCH /api/commitments/{commitment_id}": {"state": "kept", "because": "By phone"},
    "POST /api/drafts/{draft_id}/approve": {"digest": DIGEST},
    "POST /api/drafts/{draft_id}/reject": {"feedback": "Shorter, please"},
    "POST /api/drafts/{draft_id}/resolve": {"was_sent": True},
    "PATCH /api/drafts/{draft_id}": {"subject": "Thank you", "body": "Hello John,\n\nthank you for the meeting."},
    "POST /api/executions": {"task_id": TASK},
    "POST /api/executions/{execution_id}/events": {
        "event_id": "e-1",
        "type": "task_progress",
        "task_id": TASK,
        "lease_id": LEASE,
        "data": {"percent": 40, "message": "Two of five looked at"},
    },
    "PATCH /api/executions/{execution_id}": {"state": "paused"},
    "POST /api/hooks/cicd/{task_id}": {"data": {"status": "success", "message_id": "m-1"}},
    "POST /api/integrations/google/push": {
        "message": {"data": "eyJlbWFpbEFkZHJlc3MiOiAiYW5hQGV4YW1wbGUuY29tIiwgImhpc3RvcnlJZCI6IDd9", "messageId": "1"}
    },
    "POST /api/integrations/{provider}": {"secret": {"key": "tvly-your-key"}},
    "POST /api/mail/accounts": {
        "address": "ana@example.com",
        "imap_url": "imaps://ana%40example.com:PASSWORD@imap.example.com",
        "smtp_url": "smtps://ana%40example.com:PASSWORD@smtp.example.com",
    },
    "PATCH /api/mail/{mail_id}": {"category": "needs_reply"},
    "POST /api/nudges/{nudge_id}/mute": {"what": "kind"},
    "PATCH /api/nudges/{nudge_id}": {"decision": "dismissed", "because": "Known"},
    "POST /api/plans": {
        "prompt": "Open a bicycle repair workshop in Ghent",
        "speed_vs_detail": "fast_but_skip_details",
    },
    "POST /api/plans/execute": {
        "objective": "Launch feature X across three teams",
        "context": {"stakeholders": ["pm@company.com"], "priority": "high"},
    },
    "POST /api/plans/{plan_id}/changes": {"digest": DIGEST},
    "POST /api/plans/{plan_id}/execute": {"start": False},
    "PATCH /api/plans/{plan_id}": {"add": [{"title": "Tell the support team", "execution_type": "manual"}]},
    "POST /api/plans/{plan_id}/stages/{stage}/preview": {"given": {"type": "business"}},
    "POST /api/plans/{plan_id}/stages/{stage}/rerun": {},
    "POST /api/plans/{plan_id}/tasks/{task_id}/approve": {"approved": True, "notes": "Ship it"},
    "POST /api/policies/replay": {"policy": AGENDAS},
    "PUT /api/policies": {**AGENDAS, "max_per_day": 5, "hold_seconds": 300},
    "POST /api/policies/stop": {"stopped": True},
    "POST /api/preferences": {"statement": "Sign with Robin"},
    "PATCH /api/preferences/{preference_id}": {"state": "off"},
    "PATCH /api/workflows/{kind}": {"instructions": "Three sentences at most, and always a date."},
    "POST /api/tasks": {"text": "call Ana tomorrow 3pm p1 #home"},
    "POST /api/tasks/bulk": {"ids": [TASK], "action": "complete"},
    "POST /api/tasks/execute": {"taskId": TASK},
    "POST /api/tasks/tree": {
        "title": "Rain in Rome",
        "key": "rain",
        "children": [
            {"title": "Find", "key": "find", "tool": "web_search", "tool_input": {"query": "rain in Rome"}},
            {"title": "Tell Ana", "depends_on": ["find"], "execution_type": "manual"},
        ],
    },
    "POST /api/tasks/{task_id}/answer": {"answer": "Ana says yes"},
    "PATCH /api/tasks/{task_id}/bounds": {"max_cost_usd": 2.5},
    "POST /api/tasks/{task_id}/break-down": {"parts": [{"title": "Ask for prices"}, {"title": "Choose one"}]},
    "POST /api/tasks/{task_id}/dependencies": {"depends_on_task_id": identifier("other_task_id")},
    "POST /api/tasks/{task_id}/feedback": {"rating": 5, "comment": "Just right"},
    "POST /api/tasks/{task_id}/hand-over": {"agent": "Larry", "instructions": "Be quick"},
    "POST /api/tasks/{task_id}/reminders": {"at": f"{DAY}T09:00:00+01:00", "note": "Bring the contract"},
    "PUT /api/tasks/{task_id}/repeat": {"recurrence": "FREQ=WEEKLY;BYDAY=FR"},
    "PATCH /api/tasks/{task_id}": {"priority": "high", "due_at": f"{DAY}T17:00:00+01:00"},
    "PUT /api/tasks/{task_id}": {"title": "Call Ana about the contract"},
    "POST /api/tasks/{task_id}/snooze": {"until": f"{DAY}T08:00:00+01:00"},
    "POST /api/tasks/{task_id}/steps/{step_id}": {"happened": False},
    "POST /api/tasks/{task_id}/waive": {"reason": "Not needed any more"},
    "POST /api/tokens": {"name": "The kitchen display", "scopes": ["tasks:read"], "days": 90},
}
