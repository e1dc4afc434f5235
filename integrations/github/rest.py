"""GitHub's REST API (https://docs.github.com/rest), read only: pull requests, checks, statuses, reviews."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from core.outside.code import Check, CheckedCommit, CheckState, PullRequest
from core.outside.errors import Malformed, Refused
from integrations.web.guard import Guard
from integrations.web.service import ServiceApi, rows_of, segment

HINT = "Set STEWARD_GITHUB_TOKEN to a token that may read the repository's contents, pull requests and checks."
PAGE = 100
MOST_PAGES = 10
PASSED = {"success", "neutral", "skipped"}
STATUSES: dict[str, CheckState] = {"success": "passed", "pending": "pending"}


@dataclass(frozen=True)
class GitHub:
    """Fulfils `agents.services.code.CodeHost`."""

    api: ServiceApi

    @classmethod
    def signed_in(cls, url: str, token: str, guard: Guard) -> "GitHub":
        """GitHub at this address (an Enterprise server ends in /api/v3)."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        return cls(ServiceApi("GitHub", url.rstrip("/"), headers, guard, HINT))

    async def get_pull_request(self, repository: str, number: int) -> PullRequest:
        base = _repository(repository)
        row = await self.api.read(f"{base}/pulls/{number}")
        reviews = await self._all(f"{base}/pulls/{number}/reviews")
        try:
            head = await self.get_commit(repository, row["head"]["sha"])
            state: Literal["open", "closed", "merged"] = "merged" if row.get("merged") else row["state"]
            if state not in {"open", "closed", "merged"}:
                raise ValueError(f"state is {state!r}")
            last = _last_words(reviews)
            return PullRequest(
                number=int(row["number"]),
                title=str(row["title"]),
                url=str(row["html_url"]),
                state=state,
                is_draft=bool(row.get("draft")),
                is_mergeable=row.get("mergeable"),
                author=str(row["user"]["login"]),
                head=head,
                approved_by=sorted(who for who, said in last.items() if said == "APPROVED"),
                changes_requested_by=sorted(who for who, said in last.items() if said == "CHANGES_REQUESTED"),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Malformed(
                "GitHub's answer is no pull request", detail=f"{type(error).__name__}: {error}"[:200]
            ) from error

    async def get_commit(self, repository: str, ref: str) -> CheckedCommit:
        base = f"{_repository(repository)}/commits/{segment(ref)}"
        runs = await self._all(f"{base}/check-runs", "check_runs")
        combined = await self.api.read(f"{base}/status")
        try:
            checks = [
                Check(
                    str(run["name"]),
                    _run_state(run),
                    str(run.get("conclusion") or run["status"]),
                    str(run.get("html_url") or ""),
                )
                for run in runs
            ]
            checks += [
                Check(
                    str(one["context"]),
                    STATUSES.get(one["state"], "failed"),
                    str(one["state"]),
                    str(one.get("target_url") or ""),
                )
                for one in combined["statuses"]
            ]
            return CheckedCommit(str(combined["sha"]), checks)
        except (KeyError, TypeError, AttributeError) as error:
            raise Malformed("GitHub's answer has no checks", detail=f"{type(error).__name__}: {error}"[:200]) from error

    async def _all(self, path: str, inside: str | None = None) -> list[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            answer = await self.api.read(path, {"per_page": PAGE, "page": page})
            some = rows_of(answer, inside, "GitHub")
            rows += some
            if len(some) < PAGE:
                return rows
        return rows


def _repository(name: str) -> str:
    owner, slash, repository = name.partition("/")
    if not slash or "/" in repository:
        raise Refused(f"{name[:200]!r} is no repository", detail="allowed is owner/name")
    return f"/repos/{segment(owner)}/{segment(repository)}"


def _run_state(run: Mapping[str, Any]) -> CheckState:
    if run["status"] != "completed":
        return "pending"
    return "passed" if run.get("conclusion") in PASSED else "failed"


def _last_words(reviews: list[Mapping[str, Any]]) -> dict[str, str]:
    """Who said what last; a comment takes nothing back, a dismissed review does."""
    last: dict[str, str] = {}
    for review in reviews:
        state = str(review.get("state"))
        if state in {"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}:
            user = cast("Mapping[str, Any]", review.get("user") or {})
            last[str(user.get("login") or "(gone)")] = state
    return last
