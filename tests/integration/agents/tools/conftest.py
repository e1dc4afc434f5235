"""A house whose services are fakes on loopback, wired by its settings alone, as a person would."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from app.house import House, furnish
from core.postgres import postgres
from jobs.worker import Worker, working
from tasks import review
from tasks.drafts import Approval
from tasks.models import Task
from tests.emulators.cicd_receiver import SECRET, FakePipeline, running_pipeline
from tests.emulators.github_rest import FakeGitHub, running_github
from tests.emulators.hubspot_crm import FakeHubSpot, running_hubspot
from tests.emulators.jira_cloud import FakeJira, running_jira
from tests.emulators.search_server import running_search
from tests.emulators.served import Answer, Got, Served, serving
from tests.integration.agents.growing import at_work, is_state, node, root, started, until


@dataclass(frozen=True)
class Outside:
    """The other ends."""

    site: Served
    jira: FakeJira
    github: FakeGitHub
    hubspot: FakeHubSpot
    pipeline: FakePipeline


@pytest.fixture(scope="module")
def search_url() -> Generator[str]:
    with running_search() as url:
        yield url


@pytest.fixture
async def outside() -> AsyncGenerator[Outside]:
    """Every fake."""
    async with AsyncExitStack() as stack:
        yield Outside(
            await stack.enter_async_context(serving()),
            await stack.enter_async_context(running_jira()),
            await stack.enter_async_context(running_github()),
            await stack.enter_async_context(running_hubspot()),
            await stack.enter_async_context(running_pipeline()),
        )


@pytest.fixture
def wired(house: House, outside: Outside, search_url: str) -> House:
    """The house with everything in its settings."""
    return rewired(
        house,
        private_hosts=f"127.0.0.1:{outside.site.port}",
        TAVILY_API_KEY="tvly-key",
        tavily_url=search_url,
        jira_url=outside.jira.url,
        jira_email="ana@example.com",
        jira_token="jira-token",
        github_url=outside.github.url,
        github_token="github-token",
        hubspot_url=outside.hubspot.url,
        hubspot_token="hubspot-token",
        cicd_url=outside.pipeline.url,
        cicd_secret=SECRET,
        records_api_url=outside.site.url,
        records_database_url=postgres(house.database).url,
        query_database_url=postgres(house.database).url,
    )


def rewired(house: House, **settings: Any) -> House:
    """The same house with other settings."""
    given = {**house.settings.model_dump(exclude_unset=True), **settings}
    return furnish(type(house.settings).model_validate(given), house.clock, house.database, house.owner)


async def run_tool(house: House, tool: str, *, state: str = "completed", **given: Any) -> Task:
    """A person's task with this tool, run until it has that state."""
    async with at_work(house):
        made = await started(house, root(node("it", tool, tool_input=given, on_failure="escalate")))
        return await until(house, made.keys["it"], is_state(state))


async def refuses(house: House, tool: str, cases: Sequence[tuple[dict[str, Any], str]]) -> None:
    """Each of these inputs fails its task, and says why."""
    parts = [node(f"n{i}", tool, tool_input=given, on_failure="escalate") for i, (given, _) in enumerate(cases)]
    async with at_work(house):
        made = await started(house, root(*parts))
        for i, (given, words) in enumerate(cases):
            task = await until(house, made.keys[f"n{i}"], is_state("failed"))
            assert words in (task.failure_reason or ""), given


async def asked(house: House, task_id: UUID, beside: UUID | None = None) -> Approval:
    """The open question of a task, once it is there."""
    await until(house, task_id, lambda task: task.open_approval_id not in {None, beside})
    found = (await review.list_approvals(house.caller, states=["open"])).items
    return next(one for one in found if one.task_id == task_id)


async def approve(house: House, task_id: UUID) -> Approval:
    """A yes to what the task asks."""
    approval = await asked(house, task_id)
    await review.decide_approval(house.caller, approval.id, approved=True)
    return approval


async def killed_in_the_middle(house: House, served: Served, tool: str, **given: Any) -> Task:
    """A worker ends after the effect took place and before it knew of it; the task as the next worker leaves it."""
    calm, happened = served.handler, asyncio.Event()

    async def takes_and_is_silent(got: Got) -> Answer:
        answer = calm(got)
        answer = answer if isinstance(answer, Answer) else await answer
        if got.method in {"GET", "HEAD"}:
            return answer
        happened.set()
        return replace(answer, wait=asyncio.Event())

    made = await started(house, root(node("it", tool, tool_input=given, on_failure="escalate")))
    async with working(Worker(house.database, house.equipment, concurrency=8, grace_seconds=0.05)):
        approval = await asked(house, made.keys["it"])
        served.handler = takes_and_is_silent
        await review.decide_approval(house.caller, approval.id, approved=True)
        await asyncio.wait_for(happened.wait(), 20)
    served.handler = calm
    async with at_work(house):
        return await until(house, made.keys["it"], is_state("completed", "failed", "blocked"), 30)
