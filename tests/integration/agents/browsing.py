"""Work on web pages for tests: a site served here, a house that may reach it, and its tasks."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from app.house import House, furnish
from core.clock import Clock
from core.database import Database
from core.postgres import pool_of
from core.vault import Vault
from jobs.worker import Worker, working
from tasks import browser as browser_places
from tasks import functions, review
from tasks.drafts import Approval
from tasks.events import list_task_events
from tasks.models import Task
from tests.browser_pages import close_pages
from tests.emulators.model_server import ModelServer, thinking_on
from tests.emulators.site import Site, running_site
from tests.integration.agents.growing import is_state, until


@pytest.fixture
async def site() -> AsyncGenerator[Site]:
    async with running_site() as site:
        yield site


@pytest.fixture
async def browsing_house(house: House, site: Site) -> AsyncGenerator[House]:
    """A house whose browser may reach the site, which lies at a private address."""
    settings = house.settings.model_copy(update={"private_hosts": site.name})
    yield furnish(settings, Clock.from_settings(settings), house.database, house.owner)
    await close_pages()


@asynccontextmanager
async def at_work(house: House) -> AsyncGenerator[None]:
    async with working(Worker(house.database, house.equipment)):
        yield


async def wanted(house: House, given: dict[str, Any], **more: Any) -> Task:
    """A task for the browser, queued."""
    item = {"title": "Look at the pages", "execution_type": "fully_automated", "max_retries": 0, "tool": "browser"}
    (task,) = await functions.create_tasks(house.caller, [{**item, "tool_input": given, **more}])
    return await functions.queue_task_execution(house.caller, task.id)


async def asked(house: House, task: Task) -> Approval:
    """The question that the task waits with."""
    waiting = await until(house, task.id, is_state("blocked", "failed", "completed"))
    assert (waiting.execution_status, waiting.blocked_on) == ("blocked", "approval"), (
        waiting.blocked_reason or waiting.failure_reason
    )
    assert waiting.open_approval_id
    page = await review.list_approvals(house.caller, states=["open"], limit=50)
    return next(one for one in page.items if one.id == waiting.open_approval_id)


async def events_of(house: House, task: Task) -> list[dict[str, Any]]:
    found = await list_task_events(house.caller, task.id, 0, 1000)
    return [{"message": event.message, **event.data} for event in found if event.kind == "browser"]


def order(site: Site, **more: Any) -> dict[str, Any]:
    """Steps that fill in an order and send it."""
    return {
        "start_url": f"{site.url}/shop",
        "steps": [
            {"do": "navigate", "url": f"{site.url}/shop"},
            {"do": "click", "target": "Copper kettle"},
            {"do": "type", "target": "Name", "text": "Robin"},
            {"do": "select", "target": "Quantity", "choice": "two"},
            {"do": "submit", "target": "Order now"},
        ],
        **more,
    }


async def decided(house: House, task: Task, *, approved: bool = True) -> Task:
    """Answer the question, and see what the task does then."""
    question = await asked(house, task)
    await review.decide_approval(house.caller, question.id, approved=approved)
    return await until(
        house,
        task.id,
        lambda t: t.open_approval_id != question.id and t.execution_status not in {"queued", "in_progress"},
    )


@asynccontextmanager
async def thinking_at_work(house: House, server: ModelServer) -> AsyncGenerator[None]:
    async with (
        thinking_on(server) as thinking,
        working(Worker(house.database, replace(house.equipment, thinking=thinking))),
    ):
        yield


async def by_hand(house: House, task: Task, **command: Any) -> Task:
    """A move of the person, as the page of the task hands it on; the task once it waits again."""
    vault = Vault.from_settings(house.settings)
    sealed = vault.seal({"text": json.dumps(command)}, task.organization_id, task.id)
    before = len(await events_of(house, task))
    await browser_places.add_browser_command(house.caller, task.id, sealed)
    for _ in range(400):
        now = await functions.get_task(house.caller, task.id)
        if now.execution_status == "blocked" and len(await events_of(house, task)) > before:
            return now
        await asyncio.sleep(0.05)
    raise AssertionError("the move was not made")


async def texts_holding(database: Database, secret: str) -> list[str]:
    """The tables in which a text is found."""
    found: list[str] = []
    async with pool_of(database).connection() as connection:
        listed = await connection.execute(
            "select c.oid::regclass::text from pg_class c where c.relkind = 'r' and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace, 'jobs'::regnamespace)"
        )
        for (table,) in await listed.fetchall():
            query = f"select count(*) from {table} t where to_jsonb(t)::text like %s".encode()
            row = await (await connection.execute(query, (f"%{secret}%",))).fetchone()
            found += [str(table)] if row and row[0] else []
    return found
