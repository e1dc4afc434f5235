"""Four objectives: three as an outside document words them, one with everything connected; gates decided in a browser."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.demo.persons_share import PersonsShare, Plan, Task
from tests.demo.plans_browser import Person
from tests.demo.plans_world import PlansWorld, connected, listed
from tests.demo.report import Report, must

GATE = "approval_gate"
LINK = re.compile(r"\[(.*?)\]\(/[^)]*\)")
OVER = {"completed", "failed", "cancelled"}
FEATURE_LAUNCH: dict[str, Any] = {
    "objective": "Launch feature X across three teams",
    "context": {"stakeholders": ["pm@company.com", "eng@company.com"], "priority": "high"},
}
FINANCIAL_CLOSE: dict[str, Any] = {
    "objective": "Process Q4 financial close",
    "context": {"stakeholders": ["cfo@company.com"], "priority": "critical", "domain": "finance"},
}
INCIDENT: dict[str, Any] = {
    "objective": "Respond to production outage",
    "context": {"stakeholders": ["oncall@company.com"], "priority": "critical", "domain": "incident-response"},
}
REJECTED = "Not before the auditors have seen the intercompany accounts"


@dataclass
class ObjectivesWalk:
    """The steps, and what is known so far. `decided` counts the answers given at gates."""

    report: Report
    world: PlansWorld
    person: Person
    approved: int = 0
    rejected: int = 0
    plans: list[str] = field(default_factory=list[str])
    seen: dict[str, int] = field(default_factory=lambda: defaultdict[str, int](int))

    @cached_property
    def share(self) -> PersonsShare:
        return PersonsShare(self.world)

    async def all(self) -> None:
        """From the first request to the last report. Raises WalkFailed."""
        launch = await self.accepted("feature launch", FEATURE_LAUNCH)
        close = await self.accepted("financial close", FINANCIAL_CLOSE)
        incident = await self.accepted("incident response", INCIDENT)
        for plan_id in (launch, close, incident):
            await self.to_gate(plan_id)
        await self.outside()
        await self.person.look(f"/plans/{launch}", "plan-at-its-gate")
        await self.approved_in_browser(launch)
        await self.rejected_in_browser(close)
        await self.approved_by_curl(incident)
        await self.everything_connected()

    async def accepted(self, name: str, body: dict[str, Any]) -> str:
        """The request by curl; the plan's id."""
        status, told = await self.world.curl("/api/plans/execute", body)
        must(status == 202, f"The {name} is answered with {status}: {told}")
        self.plans.append(str(told["planId"]))
        self.report.say(
            f"curl POST /api/plans/execute: {name}, “{body['objective']}”",
            f"{status} planId {told['planId']}, status {told['status']}",
            told["message"],
        )
        return str(told["planId"])

    async def plan(self, plan_id: str) -> Plan:
        return await self.world.get(f"/api/plans/{plan_id}")

    # Section: what only a person can do

    async def to_gate(self, plan_id: str) -> tuple[Plan, Task]:
        """Do a person's share until the plan asks at its gate; the plan, and the task of the gate."""
        done: list[str] = []

        async def asked() -> tuple[Plan, Task] | None:
            plan = await self.plan(plan_id)
            must(plan["state"] not in OVER, f"{plan['title']} ended before its gate: {plan['reason']}")
            gate = next((one for one in plan["tasks"] if one["tool"] == GATE), None)
            waiting = {one["task_id"] for one in plan["waiting"]}
            if gate and gate["id"] in waiting and _is_quiet(plan, gate):
                return plan, gate
            done.extend(await self.share.do(plan, gate))
            return None

        plan, gate = await self.world.until(f"the gate of {plan_id}", asked)
        done.extend(self.share.done_by_tools(plan))
        begun = [one["title"] for one in plan["tasks"] if one["execution_status"] == "pending" and one["started_at"]]
        must(not begun, f"Begun though the gate is closed: {listed(begun)}")
        self.report.say(
            f"“{plan['title']}” waits at its gate, {plan['percent']:g} % done (playbook {plan['playbook']}, {len(plan['tasks'])} tasks)",
            *done,
            f"asks: {next(one['title'] for one in plan['waiting'] if one['task_id'] == gate['id'])}",
            f"after it: {listed([one['title'] for one in plan['tasks'] if one['execution_status'] == 'pending'])}",
        )
        return plan, gate

    async def to_end(self, plan_id: str, state: str) -> Plan:
        """Do a person's share until the plan is over, in this state."""
        done: list[str] = []

        async def ended() -> Plan | None:
            plan = await self.plan(plan_id)
            if plan["state"] in OVER:
                done.extend(self.share.done_by_tools(plan))
                return plan
            done.extend(await self.share.do(plan, None))
            return None

        plan = await self.world.until(f"the end of {plan_id}", ended)
        must(plan["state"] == state, f"{plan['title']} is {plan['state']}, not {state}: {plan['reason']}")
        counts = ", ".join(f"{count} {name}" for name, count in plan["counts"].items())
        self.report.say(
            f"“{plan['title']}” is {plan['state']}: {counts}", *done, *([plan["reason"]] if plan["reason"] else [])
        )
        return plan

    # Section: gates

    async def approved_in_browser(self, plan_id: str) -> None:
        """Yes, pressed on the page of the plan; it goes on to its end."""
        plan = await self.plan(plan_id)
        question = _question(plan)
        stands = await self.person.decide(plan_id, question, yes=True, notes="Ship it")
        self.approved += 1
        self.report.say(f"In the browser, /plans/{plan_id}: “{question}” Yes", f"the page says: {stands}")
        await self.to_end(plan_id, "completed")
        await self.outside()
        await self.read_report(plan_id, question, "Ship it")

    async def rejected_in_browser(self, plan_id: str) -> None:
        """No, with notes; the plan ends with those words."""
        question = _question(await self.plan(plan_id))
        stands = await self.person.decide(plan_id, question, yes=False, notes=REJECTED)
        self.rejected += 1
        self.report.say(f"In the browser, /plans/{plan_id}: “{question}” No, “{REJECTED}”", f"the page says: {stands}")
        plan = await self.to_end(plan_id, "failed")
        must(REJECTED in (plan["reason"] or ""), f"The plan does not say why it ended: {plan['reason']}")
        left = [one["title"] for one in plan["tasks"] if one["execution_status"] == "cancelled"]
        self.report.say("What came after the gate was never begun", listed(left))
        await self.read_report(plan_id, question, REJECTED)
        await self.person.look(f"/plans/{plan_id}?view=report", "report-of-the-rejected")
        await self.stakeholders_are_told(plan["title"])

    async def stakeholders_are_told(self, title: str) -> None:
        """A critical part ended the plan: a mail to the stakeholders waits for a yes, gets it, and leaves."""
        before = len(await self.world.mails())

        async def written() -> dict[str, Any] | None:
            drafts: list[dict[str, Any]] = (await self.world.get("/api/drafts"))["items"]
            return next((one for one in drafts if title in one["subject"] and REJECTED in one["body"]), None)

        draft = await self.world.until("a mail about the failure", written)
        must(len(await self.world.mails()) == before, "It was sent before anybody said yes")
        status, told = await self.world.curl(f"/api/drafts/{draft['id']}/approve", {"digest": draft["digest"]})
        must(status == 200, f"The yes to the mail is answered with {status}: {told}")

        async def sent() -> dict[str, Any] | None:
            mails = await self.world.mails()
            return mails[-1] if len(mails) > before else None

        mail = await self.world.until("the mail about the failure at Resend", sent)
        self.report.say(
            "The gate was critical: a mail to the stakeholders was drafted, approved, and has left",
            f"{mail['subject']} → {', '.join(mail['to'])}",
        )

    async def approved_by_curl(self, plan_id: str) -> None:
        """Yes, as the outside document has it: approved, approvedBy, notes."""
        plan = await self.plan(plan_id)
        gate = next(one for one in plan["tasks"] if one["tool"] == GATE)
        body = {"approved": True, "approvedBy": "admin", "notes": "Approved for production"}
        status, told = await self.world.curl(f"/api/plans/{plan_id}/tasks/{gate['id']}/approve", body)
        must(status == 200, f"The yes is answered with {status}: {told}")
        self.approved += 1
        again, _ = await self.world.curl(
            f"/api/plans/{plan_id}/tasks/{gate['id']}/approve", {**body, "approved": False}
        )
        must(again == 409, f"A no after the yes is answered with {again}")
        self.report.say(
            f"curl POST /api/plans/{plan_id}/tasks/{gate['id']}/approve",
            f"{status} {told['state']}; a no after it: {again}",
        )
        await self.to_end(plan_id, "completed")
        await self.outside()
        await self.read_report(plan_id, _question_of(gate), "Approved for production")

    async def everything_connected(self) -> None:
        """The feature launch once more, with resources: tickets, checks, deployments and messages by tools."""
        context = {**FEATURE_LAUNCH["context"], "resources": connected(self.world)}
        body = {**FEATURE_LAUNCH, "context": context, "callbackUrl": f"{self.world.site.url}/callback"}
        status, told = await self.world.curl("/api/plans/execute", body)
        must(status == 202, f"The connected launch is answered with {status}: {told}")
        plan_id, secret = str(told["planId"]), str(told["callbackSecret"])
        self.plans.append(plan_id)
        self.report.say(
            "The feature launch once more, with context.resources that connect Jira, GitHub and the pipeline",
            ", ".join(f"{name}: {value}" for name, value in context["resources"].items()),
            f"{status} planId {plan_id}, and a callbackSecret",
        )
        plan, _ = await self.to_gate(plan_id)
        by_hand = [one["title"] for one in plan["tasks"] if not one["tool"]]
        must(not by_hand, f"Left to a person though everything is connected: {', '.join(by_hand)}")
        await self.outside()
        question = _question(plan)
        stands = await self.person.decide(plan_id, question, yes=True, notes="Staging looked at")
        self.approved += 1
        self.report.say(f"In the browser, /plans/{plan_id}: “{question}” Yes", f"the page says: {stands}")
        await self.to_end(plan_id, "completed")
        await self.outside()
        must(len(self.world.jira.issues) == 3, f"{len(self.world.jira.issues)} tickets were made, not three")
        places = [one["parameters"]["environment"] for one in self.world.pipeline.runs.values()]
        must(places == ["staging", "production"], f"Deployed to {places}")
        await self.read_report(plan_id, question, "Staging looked at")
        await self.called_back(plan_id, secret)
        await self.person.look(f"/plans/{plan_id}", "plan-completed")

    # Section: what there is to see

    async def outside(self) -> None:
        """What has happened at the services since it was last looked."""
        world = self.world
        happened = {
            "Jira": [f"{key} {one['fields']['summary']}" for key, one in world.jira.issues.items()],
            "GitHub": [f"{one.method} {one.path}" for one in world.github.served.got],
            "pipeline": [
                f"{one['pipeline']} to {one['parameters']['environment']}, {one['parameters']['ref'][:8]}"
                for one in world.pipeline.runs.values()
            ],
            "#general": await world.in_channel(),
            "Resend": [f"{one['subject']} → {', '.join(one['to'])}" for one in await world.mails()],
            "the service": [f"{one.method} {one.path}" for one in world.site.got if one.path != "/callback"],
        }
        lines = [f"{name}: {one}" for name, all_of_it in happened.items() for one in all_of_it[self.seen[name] :]]
        self.seen.update({name: len(all_of_it) for name, all_of_it in happened.items()})
        self.report.say("Outside", *(lines or ["nothing new"]))

    async def read_report(self, plan_id: str, *words: str) -> None:
        """The report as HTML and Markdown; it has these words in it."""
        html = await self.world.api.get(f"/api/plans/{plan_id}/report")
        told = await self.world.api.get(f"/api/plans/{plan_id}/report", headers={"Accept": "text/markdown"})
        must((html.status_code, told.status_code) == (200, 200), f"No report: {html.status_code}, {told.status_code}")
        for wanted in words:
            must(wanted in told.text, f"The report does not say “{wanted}”")
        name = f"plan-{self.plans.index(plan_id) + 1}.md"
        (self.person.pictures / name).write_text(told.text, encoding="utf-8")
        decisions = told.text.partition("## Decisions\n")[2].partition("\n## ")[0]
        self.report.say(
            f"Its report: {len(html.content)} bytes of HTML; {name}, {len(told.content)} bytes of Markdown",
            "what was decided by whom:",
            *(LINK.sub(r"\1", line) for line in decisions.splitlines() if line.strip()),
        )

    async def called_back(self, plan_id: str, secret: str) -> None:
        """The signed messages to callbackUrl, the last one about the end."""

        async def last() -> list[dict[str, Any]] | None:
            found = self.world.callbacks(secret)
            return found if found and "completed" in str(found[-1]) else None

        found = await self.world.until("the callback about the end", last)
        kinds = [str(one["type"]) for one in found]
        self.report.say(f"callbackUrl got {len(found)} signed messages", listed(list(dict.fromkeys(kinds))))
        must(all(plan_id in str(one) for one in found), "A message is about another plan")


def _question_of(gate: Task) -> str:
    return str(gate["tool_input"]["question"])


def _question(plan: Plan) -> str:
    """What the plan's gate asks."""
    return _question_of(next(one for one in plan["tasks"] if one["tool"] == GATE))


def _is_quiet(plan: Plan, gate: Task) -> bool:
    """Does nothing but the gate move?"""
    return (
        all(one["execution_status"] in {"completed", "pending"} for one in plan["tasks"] if one["id"] != gate["id"])
        and len(plan["waiting"]) == 1
    )
