"""The tool that looks how a pull request or a commit stands."""

from typing import Literal

from pydantic import BaseModel, Field, model_validator

from agents.equipment import Run
from agents.services.code import CodeHost
from agents.tools.tool import AnyTool, Done, Outcome, StrictInput, Tool
from core.outside.code import Check, CheckedCommit, PullRequest
from core.outside.errors import Refused, Temporary
from tasks.actions import Effect
from tasks.models import Evidence

LOOK_AGAIN_SECONDS = 60
Expectation = Literal["checks", "approval", "mergeable", "merged"]


class CheckInput(StrictInput):
    """Which pull request, or which commit; and what has to hold for the task to be done."""

    repository: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$", description="owner/name")
    pull_request: int | None = Field(default=None, ge=1, le=1_000_000_000)
    ref: str | None = Field(default=None, min_length=1, max_length=250, description="A branch, tag or commit")
    expect: list[Expectation] = Field(
        default_factory=list[Expectation],
        max_length=4,
        description="What has to hold; else the task fails and says what is missing",
    )

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "CheckInput":
        if (self.pull_request is None) == (self.ref is None):
            raise ValueError("give pull_request or ref")
        if self.ref is not None and set(self.expect) - {"checks"}:
            raise ValueError("of a ref only checks can be expected")
        return self


class FoundCheck(BaseModel):
    """One check."""

    name: str
    state: Literal["passed", "failed", "pending"]
    said: str
    url: str


class CheckOutput(BaseModel):
    """How it stands. Fields of the pull request are empty for a ref."""

    sha: str
    checks: list[FoundCheck]
    passed: int
    failed: int
    pending: int
    is_green: bool = Field(description="There are checks, and all have passed")
    number: int | None = None
    title: str = ""
    url: str = ""
    state: Literal["open", "closed", "merged"] | None = None
    is_draft: bool = False
    is_mergeable: bool | None = None
    approved_by: list[str] = Field(default_factory=list[str])
    changes_requested_by: list[str] = Field(default_factory=list[str])


async def look(run: Run, given: CheckInput) -> Outcome:
    """How it stands now. What is expected and still runs is looked at again after a minute."""
    host = await run.reach(CodeHost)
    if given.ref is not None:
        commit = await host.get_commit(given.repository, given.ref)
        output = _output(commit)
    else:
        pull = await host.get_pull_request(given.repository, given.pull_request or 0)
        output = _of_pull(pull)
    _insist(output, given.expect, f"{given.repository}{f' #{output.number}' if output.number else f' {given.ref}'}")
    what = f"{output.passed} of {len(output.checks)} checks passed" + (
        f"; it is {output.state}" if output.state else ""
    )
    return Done(
        output.model_dump(mode="json"), "verified", [Evidence(kind="checks", what=what, where=output.url or output.sha)]
    )


def _insist(output: CheckOutput, expected: list[Expectation], what: str) -> None:
    missing: list[str] = []
    waits = False
    if "checks" in expected and not output.is_green:
        bad = [check.name for check in output.checks if check.state == "failed"]
        waits = not bad
        missing.append(
            f"failed: {', '.join(bad[:10])}"
            if bad
            else "its checks have not ended"
            if output.checks
            else "it has no checks"
        )
    if "approval" in expected and (not output.approved_by or output.changes_requested_by):
        missing.append(
            f"changes wanted by {', '.join(output.changes_requested_by)}"
            if output.changes_requested_by
            else "nobody has approved it"
        )
    if "mergeable" in expected and not output.is_mergeable:
        waits = waits or output.is_mergeable is None
        missing.append(
            "it cannot be merged" if output.is_mergeable is False else "GitHub still finds out whether it can be merged"
        )
    if "merged" in expected and output.state != "merged":
        missing.append(f"it is {output.state}, not merged")
    if missing and waits and len(missing) == 1:
        raise Temporary(f"{what}: {missing[0]}", retry_after_seconds=LOOK_AGAIN_SECONDS)
    if missing:
        raise Refused(f"{what} is not ready", detail="; ".join(missing))


def _output(commit: CheckedCommit) -> CheckOutput:
    states = [check.state for check in commit.checks]
    return CheckOutput(
        sha=commit.sha,
        checks=[_check(check) for check in commit.checks],
        passed=states.count("passed"),
        failed=states.count("failed"),
        pending=states.count("pending"),
        is_green=bool(states) and set(states) == {"passed"},
    )


def _check(check: Check) -> FoundCheck:
    return FoundCheck(name=check.name, state=check.state, said=check.said, url=check.url)


def _of_pull(pull: PullRequest) -> CheckOutput:
    return _output(pull.head).model_copy(
        update={
            "number": pull.number,
            "title": pull.title,
            "url": pull.url,
            "state": pull.state,
            "is_draft": pull.is_draft,
            "is_mergeable": pull.is_mergeable,
            "approved_by": list(pull.approved_by),
            "changes_requested_by": list(pull.changes_requested_by),
        }
    )


GITHUB_TOOLS: tuple[AnyTool, ...] = (
    Tool(
        "github_check",
        "Looks how a pull request or commit on GitHub stands: state, checks, reviews; fails when what is expected does not hold",
        "read",
        look,
        CheckInput,
        CheckOutput,
        capability="code",
        needs=(CodeHost,),
        risk="low",
        effect=Effect.READ,
        brings_untrusted=True,
        timeout_seconds=120,
    ),
)
