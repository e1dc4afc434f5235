"""Today: what has no day is not shown there, and can be reached from there."""

from datetime import timedelta

import httpx
import psycopg

from app.house import House
from tasks import functions, reminders, review, runs
from tests.conftest import NOW


async def test_today_says_how_many_tasks_are_open_beside_those_that_it_shows(
    client: httpx.AsyncClient, house: House
) -> None:
    await functions.create_tasks(house.caller, [{"title": "Some day"}])
    alone = (await client.get("/")).text
    assert "Nothing is due and nothing waits for you." in alone
    await functions.create_tasks(house.caller, [{"title": "Soon", "due_at": (NOW + timedelta(days=2)).isoformat()}])
    page = (await client.get("/")).text
    assert "Soon" in page
    assert "Some day" not in page
    assert 'In all: <a href="/tasks">2 open tasks</a>' in page


async def test_a_task_whose_draft_waits_is_drafted_and_not_done(
    client: httpx.AsyncClient, house: House, database_url: str
) -> None:
    task = (await functions.create_tasks(house.caller, [{"title": "Write to Sara"}]))[0]
    await runs.start_task_execution(house.caller, task.id, None)
    content = {"to_recipients": [{"address": "sara@example.com"}], "subject": "Hello", "body": "Dear Sara"}
    draft = await review.create_draft(house.caller, task.id, content)
    done = await functions.update_task(house.caller, task.id, {"execution_status": "completed"})
    assert done.execution_status == "completed"
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("update public.tasks set completed_at = %s", (NOW,))
    tasks = (await client.get("/tasks?group=all")).text
    assert f'class="task" data-row id="task-{task.id}"' in tasks  # not struck through
    row = tasks.split(f'id="task-{task.id}"')[1].split("</li>")[0]
    assert '<span class="badge blocked">drafted</span>' in row
    assert f'href="/review/{draft.id}"' in row
    today = (await client.get("/")).text
    assert f'href="/review/{draft.id}"' in today  # it waits there, and is said once
    assert "Done today" not in today
    assert draft.approval
    await review.decide_approval(house.caller, draft.approval.id, approved=False)
    assert "Done today" in (await client.get("/")).text


async def test_a_wrong_tick_is_taken_back_from_the_list_and_from_the_page(
    client: httpx.AsyncClient, house: House
) -> None:
    (task,) = await functions.create_tasks(house.caller, [{"title": "Buy milk"}])
    for is_list in (True, False):
        back = "/tasks?group=all" if is_list else f"/tasks/{task.id}"
        await functions.update_task(house.caller, task.id, {"execution_status": "completed"})
        page = (await client.get(back)).text
        assert 'value="reopen"' in page
        token = page.split('name="csrf_token" value="')[1].split('"')[0]
        form = {"action": "reopen", "back": back, "csrf_token": token}
        answer = await client.post(f"/tasks/{task.id}/act", data=form)
        old, task = task, (await functions.list_tasks(house.caller, functions.TaskFilter(status=["pending"]))).items[0]
        assert (answer.status_code, task.supersedes_task_id) == (303, old.id)
        assert answer.headers["location"] == f"/tasks/{task.id}"
        replaced = (await client.get(f"/tasks/{old.id}")).text
        assert (f'href="/tasks/{task.id}"' in replaced, 'id="edit"' in replaced) == (True, False)
        form = {"title": "Other", "csrf_token": token}
        refused = await client.post(f"/tasks/{old.id}", data=form)
        assert (refused.status_code, str(task.id) in refused.text) == (409, True)
    again = await client.post(f"/api/tasks/{old.id}/reopen")
    told = f"Another task took this one's place: The newer one is {task.id}"
    changed = await client.patch(f"/api/tasks/{old.id}", json={"title": "Other words"})
    assert (changed.status_code, changed.json()["detail"]) == (409, told)
    assert (again.status_code, again.json()["detail"]) == (409, told)


async def test_of_what_is_done_no_reminder_comes(client: httpx.AsyncClient, house: House) -> None:
    (task,) = await functions.create_tasks(house.caller, [{"title": "Call Ana"}])
    now = house.clock.now()
    await reminders.set_reminder(house.caller, task.id, now + timedelta(days=1), "early", now=now)
    assert "A reminder comes" in (await client.get(f"/tasks/{task.id}")).text
    await functions.update_task(house.caller, task.id, {"execution_status": "completed"})
    page = (await client.get(f"/tasks/{task.id}")).text
    assert ("A reminder comes" in page, 'id="later"' in page) == (False, False)
