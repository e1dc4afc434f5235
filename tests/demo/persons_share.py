"""What only a person can do while a plan is carried out: tick off their own parts, say yes to drafts and acts."""

import re
from dataclasses import dataclass, field
from typing import Any

from tests.demo.plans_world import PlansWorld
from tests.demo.report import must

Plan = dict[str, Any]
Task = dict[str, Any]


@dataclass
class PersonsShare:
    """Does it through the API, each thing once; `told` and `reported` are what is behind it."""

    world: PlansWorld
    told: set[str] = field(default_factory=set[str])
    reported: set[str] = field(default_factory=set[str])

    async def do(self, plan: Plan, gate: Task | None) -> list[str]:
        """Tick off what is a person's and can be begun, say yes to drafts and acts; the lines that say so."""
        done: list[str] = []
        tasks: dict[str, Task] = {one["id"]: one for one in plan["tasks"]}
        for asked in reversed(plan["waiting"]):  # the oldest first
            if (gate and asked["task_id"] == gate["id"]) or asked["approval_id"] in self.told:
                continue
            self.told.add(asked["approval_id"])
            status, answer = await self.world.curl(asked["url"], {"approved": True})
            must(status == 200, f"The yes to {asked['title']} is answered with {status}: {answer}")
            tool = tasks.get(asked["task_id"], {}).get("tool") or "no tool"
            done.append(f"{tool}: {asked['title']}: approved")
        for task in plan["tasks"]:
            if task["id"] not in self.told and _is_for_a_person(task, tasks):
                self.told.add(task["id"])
                answer = await self.world.api.patch(f"/api/tasks/{task['id']}", json={"execution_status": "completed"})
                must(answer.status_code == 200, f"{task['title']} cannot be ticked off: {answer.text[:300]}")
                done.append(f"by hand: {task['title']}{_why_by_hand(task)}")
        await self.world.report_runs(self.reported)
        return done + self.done_by_tools(plan)

    def done_by_tools(self, plan: Plan) -> list[str]:
        """The parts that tools have done since it was last looked."""
        found = [one for one in plan["tasks"] if one["tool"] and one["execution_status"] == "completed"]
        new = [one for one in found if f"{one['id']} done" not in self.told]
        self.told.update(f"{one['id']} done" for one in new)
        return [f"{one['tool']}: {one['title']}: done" for one in new]


def _why_by_hand(task: Task) -> str:
    """What the plan would need for a tool to do it, as the task says."""
    needs = re.findall(r"context\.resources\.\w+", str(task["description"]))
    return f" (for a tool it lacks {', '.join(needs)})" if needs else ""


def _is_for_a_person(task: Task, tasks: dict[str, Task]) -> bool:
    """A part without a tool whose time has come."""
    ended = {"completed"}
    return (
        not task["tool"]
        and task["execution_status"] in {"pending", "blocked"}
        and all(tasks[need]["execution_status"] in ended for need in task["depends_on"] if need in tasks)
    )
