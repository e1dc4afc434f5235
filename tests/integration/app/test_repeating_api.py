"""Recurring tasks, reminders and snoozed tasks over the API: what is there at once, what wakes what, what is refused."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from app._attention.rules import rules_of
from app.house import House
from jobs.repeating import bring_back
from jobs.worker import working
from tasks import capture, commitments, functions, nudges, reminders, repeating, snoozing
from tests.conftest import NOW
from tests.integration.app.test_api import is_problem


async def add(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post(
        "/api/tasks", json=fields if "text" in fields else {"title": "Send the report", **fields}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def titles(client: httpx.AsyncClient, **query: Any) -> list[str]:
    return [task["title"] for task in (await client.get("/api/tasks", params=query)).json()["items"]]


def mail(sender: str, name: str, number: int, *, thread: str = "t1", **more: Any) -> dict[str, Any]:
    sent = NOW + timedelta(minutes=number)
    return {"message_id": f"{number}@x", "thread_key": thread, "from_address": sender, "from_name": name,
            "subject": f"Re: figures {number}", "sent_at": sent.isoformat(), **more}  # fmt: skip


async def test_ticking_off_cancelling_and_skipping_leave_the_next_one(client: httpx.AsyncClient) -> None:
    task = await add(client, recurrence="RRULE:freq=weekly;byday=fr", due_at="2026-03-06T09:00:00+01:00", labels=["x"])
    assert task["recurrence"] == "FREQ=WEEKLY;BYDAY=FR"
    seen: list[tuple[int, str, list[str]]] = []
    for path, body in (("", None), ("/cancel", {}), ("/skip", {}), ("/api/tasks/bulk", {"action": "complete"})):
        here = f"/api/tasks/{task['id']}"
        if body is None:
            answer = await client.patch(here, json={"execution_status": "completed"})
        elif path.startswith("/api"):
            answer = await client.post(path, json={"ids": [task["id"]], **body})
        else:
            answer = await client.post(here + path)
        assert answer.status_code == 200, answer.text
        series = (await client.get(f"{here}/repeat")).json()
        task = (await client.get(f"/api/tasks/{series['next_task_id']}")).json()
        seen.append((series["number"], task["due_at"][:10], task["labels"]))
    assert seen == [
        (1, "2026-03-13", ["x"]),
        (2, "2026-03-20", ["x"]),
        (3, "2026-03-27", ["x"]),
        (4, "2026-04-03", ["x"]),
    ]
    here = f"/api/tasks/{task['id']}"
    body = {"recurrence": "FREQ=DAILY;INTERVAL=3", "due_at": "2026-04-03T07:00:00+02:00", "repeats_from": "completion"}
    assert (await client.put(f"{here}/repeat", json=body)).json()["repeats_from"] == "completion"
    shown = (await client.get(f"{here}/repeat")).json()
    assert (shown["in_words"], shown["goes_on"]) == ("every 3 days after it is done", True)
    assert datetime.fromisoformat(shown["next_due_at"]) == datetime.fromisoformat("2026-03-07T07:00:00+01:00")
    assert (await client.delete(f"{here}/repeat")).status_code == 200
    assert (await client.get(f"{here}/repeat")).json()["goes_on"] is False
    is_problem(await client.post(f"{here}/skip"), 409)
    events = (await client.get(f"{here}/events")).json()["items"]
    assert "It does not repeat any more" in [event["message"] for event in events]


async def test_a_worker_goes_on_with_what_nobody_ticked_off_here(house: House) -> None:
    item = {"title": "x", "recurrence": "FREQ=DAILY", "due_at": "2026-03-04T09:00:00+01:00", "due_is_all_day": False}
    [task] = await functions.create_tasks(house.caller, [item])
    for _ in range(3):
        await functions.update_task(house.caller, task.id, {"execution_status": "completed"})
        async with working(await house.worker()):
            while (following := (await repeating.get_series(house.caller, task.id)).next_task_id) is None:
                await asyncio.sleep(0.05)
        task = await functions.get_task(house.caller, following)
        house.clock.starts_at = task.due_at
    assert task.due_at == datetime.fromisoformat("2026-03-07T09:00:00+01:00")


async def test_a_rule_that_no_task_can_follow_is_refused_everywhere(client: httpx.AsyncClient) -> None:
    fields = {"title": "x", "due_at": "2026-03-06T09:00:00+01:00"}
    task = await add(client, **fields)
    for rule in ("FREQ=SECONDLY", "FREQ=DAILY;BYHOUR=1", "every friday", "", "FREQ=DAILY;INTERVAL=0", "x" * 501):
        is_problem(await client.post("/api/tasks", json={**fields, "recurrence": rule}), 422)
        is_problem(await client.patch(f"/api/tasks/{task['id']}", json={"recurrence": rule}), 422)
        is_problem(await client.put(f"/api/tasks/{task['id']}/repeat", json={"recurrence": rule}), 422)


async def test_an_answer_by_mail_wakes_what_waits_for_it_and_no_other(client: httpx.AsyncClient, house: House) -> None:
    await capture.import_mail(
        house.caller,
        [
            mail("ana@example.com", "Ana Costa", -60),
            mail("ana@other.example", "Ana Lima", -50, thread="t9"),
            mail("bob@example.com", "Bob", -40, thread="t2"),
        ],
        [],
    )
    task = await add(client, title="wait")
    here = f"/api/tasks/{task['id']}/snooze"
    several = is_problem(await client.post(here, json={"reply_from": "Ana"}), 422)
    assert "Ana Costa <ana@example.com>" in several["detail"]
    assert "ana@other.example" in several["detail"]
    nobody = is_problem(await client.post(here, json={"reply_from": "Zoe"}), 422)
    assert "no mail from anybody of that name" in nobody["title"] + nobody.get("detail", "")
    snoozed = (await client.post(here, json={"reply_from": "ana costa", "thread_key": "t1"})).json()
    assert snoozed["snoozed_for"]["reply_from"] == "ana@example.com"
    assert await titles(client) == []
    assert await titles(client, snoozed="true") == await titles(client, q="wait") == ["wait"]
    assert (await client.get("/api/tasks/execute")).json()["items"] == []
    for early in (
        mail("ana@example.com", "Ana Costa", 5, thread="t7"),  # elsewhere
        mail("bob@example.com", "Bob", 6),  # somebody else
        mail("ana@example.com", "Ana Costa", 7, headers={"auto_submitted": "auto-replied"}),  # a machine
        mail("ana@example.com", "Ana Costa", -30),  # from before
        mail("ana@example.com", "Me", 8, is_from_me=True),
    ):
        await capture.import_mail(house.caller, [early], [])
    assert await titles(client) == []
    for _ in range(2):
        await capture.import_mail(house.caller, [mail("Ana@example.com", "A. Costa", 9)], [])
    assert await titles(client) == ["wait"]
    events = (await client.get(f"/api/tasks/{task['id']}/events")).json()["items"]
    assert [event["message"] for event in events if event["kind"] == "woken"] == ["Ana Costa replied: Re: figures 9"]


async def test_whole_words_alone_name_who_is_waited_for(client: httpx.AsyncClient, house: House) -> None:
    people = [("dana@example.com", "Dana Ortiz"), ("lena@fox.example", "Lena Fox"), ("no-reply@bank.example", "Bank"),
              ("jm@example.de", "Müller, Jörg"), ("anna@example.de", "Anna-Lena Groß"), ("info@kg.example", "")]  # fmt: skip
    await capture.import_mail(
        house.caller, [mail(to, name, -n - 1, thread=f"t{n}") for n, (to, name) in enumerate(people)], []
    )
    task = await add(client, title="wait")
    here = f"/api/tasks/{task['id']}/snooze"
    for nobody in ("Ana", "a", "an", "reply", "no", "Ortiz Fox", "Lena Ortiz", "Gro", "@", ".", "%", "x" * 320, "Анна"):
        refused = is_problem(await client.post(here, json={"reply_from": nobody}), 422)
        assert "no mail from anybody of that name" in str(refused), nobody
    for who, address in (("dana", "dana@example.com"), ("ORTIZ", "dana@example.com"), ("Lena", "lena@fox.example"),
                         ("Jörg Müller", "jm@example.de"), ("Joerg", "jm@example.de"), ("Herr Mu\u0308ller", "jm@example.de"),
                         ("anna-lena", "anna@example.de"), ("GROSS", "anna@example.de"), ("Info", "info@kg.example"),
                         ("no-reply", "no-reply@bank.example"), ("JM@example.de", "jm@example.de")):  # fmt: skip
        answer = await client.post(here, json={"reply_from": who})
        assert answer.status_code == 200, (who, answer.text)
        assert answer.json()["snoozed_for"]["reply_from"] == address, who


async def test_a_time_wakes_and_so_does_the_person(
    client: httpx.AsyncClient, house: House, stranger: httpx.AsyncClient
) -> None:
    task = await add(client, title="later")
    here = f"/api/tasks/{task['id']}/snooze"
    until = (NOW + timedelta(hours=2)).isoformat()
    assert (await client.post(here, json={"until": until})).status_code == 200
    await bring_back(house.database, house.clock)
    assert await titles(client) == []
    house.clock.starts_at = NOW + timedelta(hours=3)
    assert await titles(client) == ["later"]  # over, though nobody woke it yet
    await bring_back(house.database, house.clock)
    assert (await client.get(f"/api/tasks/{task['id']}")).json()["snoozed_until"] is None
    is_problem(await client.post(here, json={"until": until}), 422)  # over
    for body in (
        {},
        {"until": "2027-01-01T00:00:00"},
        {"thread_key": "t"},
        {"until": "9999-12-31T23:59:59Z"},
        {"wake": 1},
    ):
        is_problem(await client.post(here, json=body), 422)
    for method, path in (("POST", "snooze"), ("DELETE", "snooze"), ("GET", "repeat"), ("DELETE", "repeat"), ("POST", "skip"), ("GET", "reminders")):  # fmt: skip
        body = {"until": "2027-01-01T00:00:00Z"} if method == "POST" and path == "snooze" else None
        is_problem(await stranger.request(method, f"/api/tasks/{task['id']}/{path}", json=body), 404)
    assert (await client.post(here, json={"until": "2027-01-01T00:00:00Z"})).status_code == 200
    assert (await client.delete(here)).json()["snoozed_until"] is None
    assert (await client.delete(here)).status_code == 200
    await client.post(here, json={"until": "2027-01-01T00:00:00Z"})
    done = (await client.patch(f"/api/tasks/{task['id']}", json={"execution_status": "completed"})).json()
    assert done["snoozed_until"] is None
    is_problem(await client.post(here, json={"until": "2027-01-01T00:00:00Z"}), 409)


async def test_reminders_are_told_once_and_not_of_what_is_done(client: httpx.AsyncClient, house: House) -> None:
    task = await add(client, text="remind me on Friday at 9 to call Ana")
    assert task["title"] == "Call Ana"
    here = f"/api/tasks/{task['id']}/reminders"
    [first] = (await client.get(here)).json()["items"]
    assert datetime.fromisoformat(first["at"]) == datetime.fromisoformat("2026-03-06T09:00:00+01:00")
    body = {"at": "2026-03-05T08:00:00Z", "note": "bring the figures ☎"}
    made = [(await client.post(here, json=body)).json()["id"] for _ in range(2)]
    assert made[0] == made[1]
    for wrong in (
        {"at": "2026-03-01T08:00:00Z"},
        {"at": "soon"},
        {"at": "2026-03-05T08:00:00"},
        {**body, "note": "x" * 1001},
    ):
        is_problem(await client.post(here, json=wrong), 422)
    other = await add(client, title="done", reminder_at="2026-03-05T08:00:00Z")
    await client.patch(f"/api/tasks/{other['id']}", json={"execution_status": "completed"})
    at = NOW + timedelta(days=1, hours=6)
    found = await reminders.find_due_reminders(house.caller, at)
    assert [(one.key, one.kind, one.title, one.is_urgent) for one in found] == [
        (f"reminder:{made[0]}", "reminder", "Call Ana: bring the figures ☎", True)
    ]
    assert await reminders.find_due_reminders(house.caller, at) == found
    assert await reminders.mark_reminders_told(house.caller, found, at) == 1
    assert await reminders.mark_reminders_told(house.caller, found, at) == 0
    assert await reminders.find_due_reminders(house.caller, at) == []
    assert (await client.delete(f"{here}/{first['id']}")).status_code == 204
    is_problem(await client.delete(f"{here}/{first['id']}"), 404)
    is_problem(await client.delete(f"{here}/{uuid4()}"), 404)


async def test_a_snooze_past_the_due_time_says_so_and_names_the_promise(
    house: House, client: httpx.AsyncClient
) -> None:
    ticket = {"title": "Figures", "due_at": "2026-03-04T12:00:00+01:00", "due_is_all_day": False}
    [task] = await functions.create_tasks(house.caller, [ticket])
    promise = commitments.NewCommitment(
        is_mine=True, person_name="Omar", quote="I will send them", title="Send figures", said_at=NOW, task_id=task.id,
        due_at=NOW, source_kind="manual",
    )  # fmt: skip
    await commitments.record_commitments(house.caller, [promise])
    before = await snoozing.snooze_task(house.caller, task.id, house.clock, until=NOW + timedelta(hours=1))
    assert await snoozing.missed_by_snooze(house.caller, before, NOW) == []
    after = await snoozing.snooze_task(house.caller, task.id, house.clock, until=NOW + timedelta(days=1))
    assert await snoozing.missed_by_snooze(house.caller, after, NOW) == [
        "It is due today 12:00, before that.",
        "You promised it to Omar by today: “Send figures”.",
    ]
    assert "It is due today 12:00, before that." in (await client.get(f"/tasks/{task.id}")).text


async def test_an_old_reminder_leaves_today_and_stays_among_the_nudges(house: House, client: httpx.AsyncClient) -> None:
    task = await add(client, title="Pay invoice")
    await reminders.set_reminder(house.caller, UUID(task["id"]), NOW + timedelta(hours=1), "bring figures", now=NOW)
    at = NOW + timedelta(hours=2)
    rules = rules_of(house)
    await nudges.offer_nudges(house.caller, await reminders.find_due_reminders(house.caller, at), at, rules)
    for later, is_there in ((timedelta(hours=3), True), (timedelta(days=2), False)):
        house.clock.starts_at = NOW + later
        assert ("Pay invoice: bring figures" in (await client.get("/")).text) is is_there
        assert "Pay invoice: bring figures" in (await client.get("/nudges")).text
