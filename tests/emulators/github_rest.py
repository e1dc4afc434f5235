"""A small fake of GitHub's REST API, written from its reference: one repository, pull requests, check runs, statuses,
reviews, pages of lists. No emulator of these endpoints was to be had.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.served import Answer, Got, Served, serving

SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"


def run(name: str, conclusion: str | None = "success") -> dict[str, Any]:
    """A check run; one without a conclusion is still in progress."""
    status = "completed" if conclusion else "in_progress"
    return {"name": name, "status": status, "conclusion": conclusion, "html_url": f"https://github.example/runs/{name}"}


def review(login: str, state: str) -> dict[str, Any]:
    return {"user": {"login": login}, "state": state}


@dataclass
class FakeGitHub:
    """What lies in it, and the server."""

    served: Served
    runs: list[dict[str, Any]] = field(default_factory=lambda: [run("test"), run("lint")])
    statuses: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    reviews: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    pull: dict[str, Any] = field(
        default_factory=lambda: {
            "number": 7,
            "title": "Größer 🚀",
            "html_url": "https://github.example/acme/shop/pull/7",
            "state": "open",
            "merged": False,
            "draft": False,
            "mergeable": True,
            "user": {"login": "ana"},
            "head": {"sha": SHA, "ref": "topic"},
        }
    )

    @property
    def url(self) -> str:
        return self.served.url

    def answer(self, got: Got) -> Answer:
        if got.headers.get("authorization") != "Bearer github-token":
            return Answer(401, {"message": "Bad credentials", "status": "401"})
        path = got.path.removeprefix("/repos/acme/shop")
        if path == "/pulls/7":
            return Answer(200, self.pull)
        if path == "/pulls/7/reviews":
            return Answer(200, self._page(self.reviews, got))
        if match := re.fullmatch(r"/commits/([^/]+)/(check-runs|status)", path):
            if match[1] not in {SHA, "main", "feature%2Fx"}:
                return Answer(422, {"message": f"No commit found for SHA: {match[1]}"})
            if match[2] == "status":
                return Answer(200, {"sha": SHA, "state": "success", "statuses": self.statuses, "total_count": 1})
            return Answer(200, {"total_count": len(self.runs), "check_runs": self._page(self.runs, got)})
        return Answer(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"})

    def _page(self, rows: list[dict[str, Any]], got: Got) -> list[dict[str, Any]]:
        size, page = int(got.query["per_page"][0]), int(got.query["page"][0])
        return rows[(page - 1) * size : page * size]


@asynccontextmanager
async def running_github() -> AsyncGenerator[FakeGitHub]:
    """The fake, for as long as the block runs."""
    async with serving() as served:
        made = FakeGitHub(served)
        served.handler = made.answer
        yield made
