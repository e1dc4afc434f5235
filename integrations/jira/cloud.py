"""Jira Cloud's REST API, version 3 (https://developer.atlassian.com/cloud/jira/platform/rest/v3/)."""

import asyncio
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from core.outside.errors import Malformed, Uncertain
from core.outside.tickets import Ticket, TicketFields, Transition
from integrations.web.guard import Guard
from integrations.web.service import ServiceApi, inside, rows_of, segment

FIELDS = "summary,status,description,labels,priority,assignee,duedate"
HINT = "Set STEWARD_JIRA_URL, STEWARD_JIRA_EMAIL and STEWARD_JIRA_TOKEN (id.atlassian.com, Security, API tokens)."
LOOKS = 4  # Jira's search knows of a new ticket a little later
LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class JiraCloud:
    """Fulfils `agents.services.tickets.Tickets`. Our key is a label of the ticket."""

    api: ServiceApi
    look_seconds: float = LOOK_SECONDS

    @classmethod
    def signed_in(cls, url: str, email: str, token: str, guard: Guard) -> "JiraCloud":
        """Jira at this address, as the account of this mail address."""
        basic = b64encode(f"{email}:{token}".encode()).decode()
        return cls(ServiceApi("Jira", url.rstrip("/"), {"Authorization": f"Basic {basic}"}, guard, HINT))

    async def create(self, project: str, kind: str, fields: TicketFields, our_key: str) -> Ticket:
        body = _as_json(fields)
        body |= {
            "project": {"key": project},
            "issuetype": {"name": kind},
            "labels": [*(fields.labels or ()), our_key],
        }
        made = await self.api.change("POST", "/rest/api/3/issue", {"fields": body})
        key = str(inside(made, "key") or "")
        if not key:
            found = await self.find_created(our_key)
            if found is None:
                raise Uncertain("Jira took a new ticket and did not say which")
            return found
        return Ticket(key, self._page(key), fields.summary or "", "", fields.description or "", body["labels"])

    async def find_created(self, our_key: str) -> Ticket | None:
        query = {"jql": f'labels = "{_in_jql(our_key)}"', "fields": FIELDS, "maxResults": 2}
        for look in range(LOOKS):
            answer = await self.api.read("/rest/api/3/search/jql", query)
            found = rows_of(answer, "issues", "Jira")
            if found:
                return self._ticket(found[0])
            if look < LOOKS - 1:
                await asyncio.sleep(self.look_seconds)
        return None

    async def get(self, key: str) -> Ticket:
        return self._ticket(await self.api.read(f"/rest/api/3/issue/{segment(key)}", {"fields": FIELDS}))

    async def update(self, key: str, fields: TicketFields) -> Ticket:
        await self.api.change("PUT", f"/rest/api/3/issue/{segment(key)}", {"fields": _as_json(fields)})
        return await self.get(key)

    async def list_transitions(self, key: str) -> Sequence[Transition]:
        answer = await self.api.read(f"/rest/api/3/issue/{segment(key)}/transitions")
        rows = rows_of(answer, "transitions", "Jira")
        return [Transition(str(row.get("id")), str(row.get("name")), str(inside(row, "to", "name"))) for row in rows]

    async def move(self, key: str, transition: Transition) -> Ticket:
        body = {"transition": {"id": transition.id}}
        await self.api.change("POST", f"/rest/api/3/issue/{segment(key)}/transitions", body)
        return await self.get(key)

    def _page(self, key: str) -> str:
        return f"{self.api.url}/browse/{segment(key)}"

    def _ticket(self, row: Any) -> Ticket:
        try:
            fields: Mapping[str, Any] = row["fields"]
            key = str(row["key"])
            due: str | None = fields.get("duedate")
            labels: list[Any] = fields.get("labels") or []
            return Ticket(
                key=key,
                url=self._page(key),
                summary=str(fields.get("summary") or ""),
                status=str(fields["status"]["name"]),
                description=text_of(fields.get("description")).strip(),
                labels=[str(label) for label in labels],
                priority=inside(fields, "priority", "name"),
                assignee=inside(fields, "assignee", "accountId"),
                due_on=date.fromisoformat(due) if due else None,
                raw=row,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Malformed("Jira's answer is no ticket", detail=f"{type(error).__name__}: {error}"[:200]) from error


def _as_json(fields: TicketFields) -> dict[str, Any]:
    named: dict[str, Any] = {
        "summary": fields.summary,
        "description": document(fields.description) if fields.description is not None else None,
        "labels": list(fields.labels) if fields.labels is not None else None,
        "priority": {"name": fields.priority} if fields.priority else None,
        "assignee": {"accountId": fields.assignee} if fields.assignee else None,
        "duedate": fields.due_on.isoformat() if fields.due_on else None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _in_jql(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "", text)


def document(text: str) -> dict[str, Any]:
    """Plain text in the Atlassian Document Format: a paragraph for each, line breaks kept."""
    blocks: list[dict[str, Any]] = []
    for block in re.split(r"\n{2,}", text.strip("\n")):
        inner: list[dict[str, Any]] = []
        for number, line in enumerate(block.split("\n")):
            inner += [{"type": "hardBreak"}] if number else []
            inner += [{"type": "text", "text": line}] if line else []
        blocks.append({"type": "paragraph", "content": inner})
    return {"type": "doc", "version": 1, "content": blocks}


def text_of(node: Any, depth: int = 0) -> str:
    """The words of a document, paragraphs apart; at most 50 levels deep."""
    if isinstance(node, str):
        return node
    if not isinstance(node, Mapping) or depth > 50:
        return ""
    row = cast("Mapping[str, Any]", node)
    if row.get("type") == "hardBreak":
        return "\n"
    inner = row.get("content")
    parts = [text_of(one, depth + 1) for one in cast("list[Any]", inner)] if isinstance(inner, list) else []
    return str(row.get("text") or "") + "".join(parts) + ("\n\n" if row.get("type") in {"paragraph", "heading"} else "")
