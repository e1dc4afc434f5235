"""The sample mailbox and calendar, rules alone: exactly the tasks that are worth it, prepared, once."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from app.house import House
from core.postgres import postgres
from jobs.watching import watch_all, watch_for
from jobs.worker import Worker, working
from tasks import commitments, functions, review
from tasks.commitments import CommitmentFilter
from tasks.functions import TaskFilter
from tests.conftest import NOW
from tests.integration.agents.growing import is_state, until
from tests.integration.cli.conftest import a_steward

SAMPLES = Path(__file__).parents[3] / "data" / "samples"
THREE = ["Draft meeting agenda: Quarterly review", "Follow up: Launch sync", "Prepare brief: Quarterly review"]
FRIDAY = datetime(2026, 3, 6, 9, 0, tzinfo=NOW.tzinfo)


async def imported(house: House, tmp_path: Path) -> str:
    """As a person imports it, in a house with their address; what was printed."""
    program = a_steward(tmp_path, STEWARD_DATABASE_URL=postgres(house.database).url, COLUMNS="120")
    done = await asyncio.to_thread(program, "import", str(SAMPLES / "calendar.ics"), str(SAMPLES / "inbox.mbox"))
    assert done.returncode == 0, done.stderr
    return done.stdout


async def proactive(house: House) -> dict[str, functions.Task]:
    found = await functions.list_tasks(house.caller, TaskFilter(source="proactive"), limit=200)
    return {task.title: task for task in found.items}


async def test_exactly_three_and_on_friday_one_more(house: House, tmp_path: Path) -> None:
    said = await imported(house, tmp_path)
    assert sorted(line.partition(": ")[2] for line in said.splitlines() if line.startswith("Ahead of")) == THREE
    assert sorted(await proactive(house)) == THREE
    assert [one.title for one in (await watch_for(house.given, house.caller, NOW)).made] == []
    looks = (
        watch_all(house.given),
        watch_all(house.given),
        watch_for(house.given, house.caller, NOW + timedelta(hours=1)),
    )
    await asyncio.gather(*looks)
    assert sorted(await proactive(house)) == THREE
    made = (await watch_for(house.given, house.caller, FRIDAY)).made
    assert [one.title for one in made if one.task_id] == ["Draft meeting agenda: Launch sync"]
    assert sorted(await proactive(house)) == ["Draft meeting agenda: Launch sync", *THREE]


async def test_they_are_prepared_out_of_what_is_there(house: House, tmp_path: Path) -> None:
    await imported(house, tmp_path)
    tasks = await proactive(house)
    async with working(Worker(house.database, house.equipment, concurrency=4)):
        done = {title: await until(house, task.id, is_state("completed", "blocked")) for title, task in tasks.items()}
    assert {task.execution_status for task in done.values()} == {"completed"}, [t.blocked_reason for t in done.values()]
    agenda, follow_up, brief = (done[title] for title in THREE)
    drafts = {draft.task_id: draft for draft in (await review.list_drafts(house.caller, states=["draft"])).items}
    assert sorted(drafts) == sorted([agenda.id, follow_up.id])
    assert sorted(drafts[agenda.id].to_recipients) == [
        "dana@northwind.example",
        "omar@vega.example",
        "priya@vega.example",
    ]
    assert "NW-2231" not in drafts[agenda.id].body
    assert "NW-2231" in brief.result["output"]
    assert "**Dana Ortiz** (dana@northwind.example): last wrote on 3 March" in brief.result["output"]
    assert sorted(drafts[follow_up.id].to_recipients) == [
        "lena@vega.example",
        "omar@vega.example",
        "priya@vega.example",
    ]
    assert "import bug" in drafts[follow_up.id].body
    assert follow_up.result["output"].count("there already") == 2  # the mail made the one, the calendar has the other
    assert follow_up.subtask_count == 0
    theirs = await commitments.all_commitments(house.caller, CommitmentFilter(is_mine=False, state="open"))
    assert {(one.person_address, one.source_kind) for one in theirs} >= {("omar@vega.example", "notes")}
