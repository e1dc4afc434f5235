"""A small fake of Jira Cloud, written from the shapes in its REST API v3 reference: issues, transitions, search by label.

It knows one project (OPS) and one account. No emulator of Jira was to be had. Its search learns of a new issue only when
it is asked the second time, as the real one lags.
"""

import re
from base64 import b64decode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.served import Answer, Got, Served, serving

ACCOUNT = "ana@example.com:jira-token"
WAYS = {
    "To Do": [("11", "Start", "In Progress")],
    "In Progress": [("21", "Finish", "Done"), ("31", "Stop", "To Do")],
    "Done": [],
}


@dataclass
class FakeJira:
    """What lies in it, and the server."""

    served: Served
    issues: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    unseen: set[str] = field(default_factory=set[str])

    @property
    def url(self) -> str:
        return self.served.url

    def changes(self) -> list[Got]:
        return [got for got in self.served.got if got.method != "GET"]

    def answer(self, got: Got) -> Answer:
        if b64decode(got.headers.get("authorization", "").removeprefix("Basic ")).decode() != ACCOUNT:
            return Answer(
                401, {"errorMessages": ["Client must be authenticated to access this resource."], "errors": {}}
            )
        if got.path == "/rest/api/3/issue" and got.method == "POST":
            return self._create(got.json["fields"])
        if got.path == "/rest/api/3/search/jql":
            return self._search(got.query["jql"][0])
        match = re.fullmatch(r"/rest/api/3/issue/([^/]+)(/transitions)?", got.path)
        issue = self.issues.get(match[1]) if match else None
        if match is None or issue is None:
            return Answer(
                404, {"errorMessages": ["Issue does not exist or you do not have permission to see it."], "errors": {}}
            )
        if match[2]:
            return self._transitions(issue, got)
        if got.method == "PUT":
            issue["fields"] |= got.json["fields"]
            return Answer(204)
        return Answer(200, issue)

    def _create(self, fields: dict[str, Any]) -> Answer:
        if fields["project"] != {"key": "OPS"}:
            return Answer(400, {"errorMessages": [], "errors": {"project": "valid project is required"}})
        key = f"OPS-{len(self.issues) + 1}"
        self.issues[key] = {
            "id": str(10_000 + len(self.issues)),
            "key": key,
            "fields": {"status": {"name": "To Do"}, **fields},
        }
        self.unseen.add(key)
        return Answer(201, {"id": self.issues[key]["id"], "key": key, "self": f"{self.url}/rest/api/3/issue/{key}"})

    def _search(self, jql: str) -> Answer:
        match = re.fullmatch(r'labels = "([A-Za-z0-9_-]+)"', jql)
        if match is None:
            return Answer(400, {"errorMessages": [f"Error in the JQL Query: {jql}"], "errors": {}})
        found = [
            i for k, i in self.issues.items() if match[1] in i["fields"].get("labels", []) and k not in self.unseen
        ]
        self.unseen.clear()
        return Answer(200, {"issues": found, "isLast": True})

    def _transitions(self, issue: dict[str, Any], got: Got) -> Answer:
        ways = WAYS[issue["fields"]["status"]["name"]]
        if got.method == "GET":
            return Answer(200, {"transitions": [{"id": i, "name": n, "to": {"name": to}} for i, n, to in ways]})
        chosen = [to for i, _, to in ways if i == got.json["transition"]["id"]]
        if not chosen:
            return Answer(
                400,
                {
                    "errorMessages": ["It seems that you have tried to perform an illegal workflow operation."],
                    "errors": {},
                },
            )
        issue["fields"]["status"] = {"name": chosen[0]}
        return Answer(204)


@asynccontextmanager
async def running_jira() -> AsyncGenerator[FakeJira]:
    """The fake, for as long as the block runs."""
    async with serving() as served:
        made = FakeJira(served)
        served.handler = made.answer
        yield made
