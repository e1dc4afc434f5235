"""A feature launch where everything is connected: tickets, checks, deployments and smoke tests by their tools, each act after a yes."""

from uuid import UUID

import httpx

from app.house import House
from app.main import create_app
from core.keys import Keys
from tasks import review
from tests.emulators.cicd_receiver import signed
from tests.emulators.github_rest import review as reviewed
from tests.emulators.github_rest import run
from tests.emulators.served import Answer, Got
from tests.integration.agents.growing import at_work, is_state, until
from tests.integration.agents.test_planning import decided, parts_of, planned
from tests.integration.agents.tools.conftest import Outside, approve

HEAD = "6dcb09b5b57875f334f61aebed695e2e4193db5e"


async def deployed(house: House, task_id: UUID) -> None:
    """A yes to the deployment, and the pipeline's own report on it."""
    await approve(house, task_id)
    await until(house, task_id, lambda task: task.blocked_on == "agent")
    body, headers = signed({"type": "pipeline.ended", "data": {"status": "success"}}, f"r-{task_id}")
    transport = httpx.ASGITransport(create_app(house, Keys.load(house.settings.home)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as door:
        answer = await door.post(f"/api/hooks/cicd/{task_id}", content=body, headers=headers)
    assert answer.status_code == 200


async def opened(house: House, task_id: UUID) -> None:
    """An address was asked, after a yes where the policy wanted one."""
    task = await until(house, task_id, is_state("completed", "blocked"))
    if task.execution_status == "blocked":
        await approve(house, task_id)
        await until(house, task_id, is_state("completed"))


async def test_a_launch_with_everything_connected(wired: House, outside: Outside) -> None:
    outside.github.runs = [run("test")]
    outside.github.reviews = [reviewed("bo", "APPROVED")]
    asked: list[str] = []

    def healthy(got: Got) -> Answer:
        asked.append(got.path)
        return Answer(200, {"ok": True})

    outside.site.handler = healthy
    resources = ["jira_project: OPS", "repository: acme/shop", "pull_request: 7", "pipeline: deploy"]
    resources += [f"smoke_url: {outside.site.url}/smoke", f"health_url: {outside.site.url}/health"]
    async with at_work(wired):
        plan_id = await planned(wired, "Launch feature X across two teams", context={"resources": resources})
        await until(wired, plan_id, lambda task: task.blocked_on == "subtasks")
        parts = await parts_of(wired, plan_id)
        assert all(part.tool for part in parts.values())
        for key in ("ticket_team_1", "ticket_team_2"):
            await approve(wired, parts[key].id)
        await deployed(wired, parts["deploy_staging"].id)
        await opened(wired, next(part.id for key, part in parts.items() if key.startswith("smoke")))
        await decided(wired, parts["gate"].id, approved=True)
        await deployed(wired, parts["deploy_production"].id)
        await opened(wired, parts["monitor"].id)
        mail = await until(wired, parts["notify"].id, lambda task: task.open_draft_id is not None)
        assert mail.open_draft_id
        draft = await review.get_draft(wired.caller, mail.open_draft_id)
    assert "Tickets: OPS-1, OPS-2" in draft.body or "Tickets: OPS-2, OPS-1" in draft.body  # they are made side by side
    deployments = [one["parameters"] for one in outside.pipeline.runs.values()]
    assert deployments == [{"environment": place, "ref": HEAD} for place in ("staging", "production")]
    assert asked == ["/smoke", "/health"]
