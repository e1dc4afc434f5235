"""What agents report, as the API's documents show it; a test posts each."""

from typing import Any

TASK = "8f14e45f-ceea-467f-a83c-9e2c1a5d7b11"
AT = "2026-03-04T09:30:00+01:00"


def _event(kind: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"event_id": f"{kind}-1", "type": kind, "task_id": TASK, "data": data, **more}


REPORTS: dict[str, dict[str, Any]] = {
    "heartbeat": {"summary": "The agent is still at it", "value": _event("heartbeat", {})},
    "started": {"summary": "It begins", "value": _event("task_started", {"message": "I look around"}, at=AT)},
    "progress": {
        "summary": "How far it is",
        "value": _event("task_progress", {"percent": 40, "message": "2 of 5 found"}),
    },
    "complete": {
        "summary": "It is done",
        "value": _event(
            "task_complete",
            {
                "output": {"breeder": "Carol Jansen", "phone": "+32 9 555 01 23"},
                "message": "One fits",
                "confidence": 0.9,
                "evidence": [{"kind": "page", "what": "Her price list", "where": "https://breeders.example/carol"}],
            },
        ),
    },
    "error": {
        "summary": "It went wrong; trying again may help",
        "value": _event("task_error", {"error": "The site is down", "is_retryable": True, "retry_after_seconds": 600}),
    },
    "too hard": {
        "summary": "It cannot be broken down: a person does it",
        "value": _event("task_error", {"error": "Too vague", "error_type": "decomposition_failed"}),
    },
    "blocked outside": {
        "summary": "It waits for something outside; the agent looks again later",
        "value": _event("task_blocked", {"reason": "The office opens on Monday", "recheck_after_seconds": 3600}),
    },
    "blocked on a person": {
        "summary": "It waits for a person",
        "value": _event(
            "task_blocked",
            {"reason": "No account at the shop", "on": "person", "unblocked_by": "Make an account, then go on"},
        ),
    },
    "broken down": {
        "summary": "Its parts: one's own, another agent's, Steward's, a person's",
        "value": _event(
            "subtask_created",
            {
                "confidence": 0.85,
                "continue": True,
                "message": "Four steps",
                "subtasks": [
                    {"key": "find", "title": "Find three breeders", "input": {"city": "Ghent"}},
                    {
                        "key": "check",
                        "title": "Check their licences",
                        "who": "agent",
                        "capabilities": ["licences"],
                        "input": {"breeders": "{{find.output}}"},
                        "depends_on": ["find"],
                    },
                    {
                        "key": "pause",
                        "title": "Wait a day",
                        "who": "steward",
                        "tool": "delay",
                        "tool_input": {"seconds": 86400},
                        "depends_on": ["check"],
                    },
                    {
                        "title": "Call the best one",
                        "who": "person",
                        "depends_on": ["pause"],
                        "acceptance_criteria": ["A visit is agreed"],
                    },
                ],
            },
        ),
    },
    "several": {
        "summary": "Several at once, in order",
        "value": {
            "events": [
                _event("task_progress", {"percent": 90}),
                _event("task_complete", {"output": "Nobody breeds llamas in Ghent"}),
            ]
        },
    },
    "given back": {
        "summary": "The agent ends and gives it back: no failure, it is offered again at once",
        "value": _event("task_error", {"error": "The agent ends", "error_type": "released"}),
    },
}
AGENT: dict[str, Any] = {
    "name": "Larry",
    "description": "Finds people who might buy",
    "capabilities": ["prospecting", "email"],
    "tools": ["web_search", {"name": "crm", "description": "Reads our contacts"}],
    "instructions": "Be brief and kind. Never promise a price.",
    "max_concurrent": 2,
    "lease_seconds": 900,
}
