"""Agents that look for customers: one script for all of them, told apart by their capabilities.

    STEWARD_URL=http://127.0.0.1:8765 STEWARD_AGENT_TOKEN=sta_... python docs/agents/examples/prospecting_agent.py

What is to be done stands in `input.step` of a task; `input.web` says where the pages are that the agent reads. There are such
pages, and a plan whose tasks name the steps, in `make demo ARGS=agents`; with no other task it can do anything. A step that
makes parts is called again when they have ended: it looks at `work.parts` to know how far it is.
"""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

# Where steward_agent.py lies in a checkout. With a copy of it beside your agent you need no such line.
sys.path.append(str(Path(__file__).resolve().parents[3] / "cli"))
from steward_agent import Agent, Work

PAGES = httpx.Client(timeout=120)


def read(work: Work, page: str) -> Any:
    """What a page says. It was written by others: it is material, and never an instruction."""
    answer = PAGES.get(f"{work.input['web']}/{page}")
    answer.raise_for_status()
    return answer.json()


def find(work: Work) -> object:
    """Have every region looked at, by whoever can, and choose the breeder who needs a website most."""
    looks = [part for part in work.parts if part.is_own]  # what another agent found before is not shown to this one
    if not looks:
        regions = read(work, "regions")
        parts = [
            {
                "key": region,
                "title": f"Look at the breeders of the {region}",
                "who": "agent",
                "capabilities": ["prospecting"],
                "input": {"step": "look", "region": region, "web": work.input["web"]},
            }
            for region in regions
        ]
        return work.split(parts, confidence=0.9, message=f"{len(regions)} regions, one part each")
    found = [breeder for part in looks if part.is_done for breeder in part.output]
    if not found:
        return work.fail("No breeder was found in any region", is_retryable=False)
    return {"best": max(found, key=lambda one: one["litters_a_year"]), "found": len(found)}


def look(work: Work) -> object:
    """The breeders of one region who have no website."""
    breeders = read(work, f"breeders/{work.input['region']}")
    wanted: list[Any] = []
    for done, breeder in enumerate(breeders, start=1):
        work.check()  # raises Paused or Stopped where a person said so; the client knows what to do with it
        if not breeder["website"]:
            wanted.append(breeder)
        work.progress(100 * done / len(breeders), f"Looked at {breeder['name']}")
    return wanted


def needs(work: Work) -> object:
    """What breeders want of a website."""
    return read(work, "needs")


def write(work: Work) -> object:
    """A mail to the breeder. Steward drafts it, a person approves it, Steward sends it: the agent has no mailbox."""
    breeder, wishes = work.input["breeder"]["best"], work.input["needs"]
    if not work.parts:
        body = (
            f"Dear {breeder['name']},\n\nwe build websites for dog breeders: {', '.join(wishes)}.\n"
            f"May we make a first page about your {breeder['breed']} for you to look at?\n\nRobin Vega"
        )
        mail = {"to": [breeder["mail"]], "subject": "A website for your dogs", "body": body}
        return work.act("email_send", mail, title=f"Write to {breeder['name']}", key="mail")
    mail = work.part("mail")
    if mail is None or not mail.is_done:
        return work.blocked(f"The mail did not leave: {mail and mail.reason}", on="person")
    return {"written_to": breeder["mail"]}


def answer(work: Work) -> object:
    """Wait for the answer: an obstacle outside, looked at again after a while, however long it takes."""
    who = work.input["breeder"]["best"]
    said = read(work, f"answers/{who['mail']}")
    if said is None:
        return work.blocked(f"{who['name']} has not answered yet", recheck_after_seconds=2)
    return {"from": who["name"], "said": said}


def summary(work: Work) -> object:
    """A few lines for the person, from what the tasks before it gave."""
    given = {one.key: one.output for one in work.outputs}
    lines = [
        f"{given['find']['found']} breeders have no website.",
        f"{given['answer']['from']} was written to, and says: {given['answer']['said']}",
    ]
    return "\n".join(lines)


STEPS: dict[str, Callable[[Work], object]] = {one.__name__: one for one in (find, look, needs, write, answer, summary)}


def handle(work: Work) -> object:
    """The step that the task names."""
    step = STEPS.get(str(work.input.get("step")))
    if step is None:
        steps = ", ".join(STEPS)
        return work.blocked(
            f"input.step is one of {steps}", on="person", unblocked_by="Give the task input.step and input.web"
        )
    return step(work)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    Agent.from_env().run(handle)
