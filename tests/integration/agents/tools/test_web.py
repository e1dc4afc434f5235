"""Searching, reading and sending over HTTP through the engine: only what the person named is read without asking."""

from typing import Any

import pytest

from app.house import House
from tasks import functions, review, steps
from tasks.events import list_task_events
from tasks.models import Task
from tests.emulators.served import Answer
from tests.integration.agents.growing import at_work, is_state, node, root, started, until
from tests.integration.agents.tools.conftest import (
    Outside,
    approve,
    asked,
    killed_in_the_middle,
    refuses,
    rewired,
    run_tool,
)

PAGE = Answer(200, "<title>T</title><p>grüße</p>", {"Content-Type": "text/html; charset=utf-8"})


async def test_what_was_found_is_read_and_stays_marked(wired: House, outside: Outside) -> None:
    pick = {"data": "{{ find.results }}", "expression": "$[0].url"}
    tree = root(
        node("find", "web_search", tool_input={"query": "rain in Rome", "most": 2}),
        node("pick", "data_transform", ["find"], tool_input=pick),
        node("read", "web_fetch", ["pick"], tool_input={"url": "{{ pick.value }}"}, on_failure="escalate"),
        node("direct", "web_fetch", ["find"], tool_input={"url": "{{ find.results.1.url }}/x"}, on_failure="escalate"),
    )
    async with at_work(wired):
        made = await started(wired, tree)
        await until(wired, made.keys["read"], is_asked)
        await until(wired, made.keys["direct"], is_asked)
        question = await asked(wired, made.keys["read"])
        await review.decide_approval(wired.caller, question.id, approved=True)
        read = await until(wired, made.keys["read"], is_state("failed"))
        find = await functions.get_task(wired.caller, made.keys["find"])
    assert find.result["output"]["results"][0]["title"] == "Regen in Röm 🌧"
    # Others wrote the address: a person says yes first (here its host is not there), and sees where it stood.
    assert "weather.example" in (read.failure_reason or "")
    (reason,) = [one for one in question.decision.reasons if one.code == "url_untrusted"]
    assert (reason.source, "weather.example" in (reason.quote or "")) == ("search result: find", True)
    events = [e for e in await list_task_events(wired.caller, made.keys["read"], limit=500) if e.kind == "input"]
    assert {"from": {"url": "pick"}, "untrusted": ["url"]} in [event.data for event in events]


async def test_a_page_that_the_person_named_is_read(wired: House, outside: Outside) -> None:
    outside.site.once = [PAGE]
    task = await run_tool(wired, "web_fetch", url=f"{outside.site.url}/a#b")
    assert task.result["output"] == {
        "url": f"{outside.site.url}/a#b",
        "title": "T",
        "text": "grüße",
        "media_type": "text/html",
        "is_cut": False,
    }


def is_asked(task: Task) -> bool:
    return task.blocked_on == "approval"


@pytest.mark.parametrize("tool", ["web_fetch", "http_get"])
async def test_an_address_that_an_agent_made_up_is_not_asked_for(wired: House, outside: Outside, tool: str) -> None:
    agents = node("it", tool, tool_input={"url": f"{outside.site.url}/?secret"}, source="agent", on_failure="escalate")
    async with at_work(wired):
        made = await started(wired, root(agents, description=f"Look at {outside.site.url}/ please."))
        await until(wired, made.keys["it"], is_asked)
        question = await asked(wired, made.keys["it"])
        assert outside.site.connections == 0
        assert [one.code for one in question.decision.reasons] == ["url_not_named"]
        agents["tool_input"] = {"url": f"{outside.site.url}/"}
        outside.site.once = [PAGE]
        made = await started(wired, root(agents, description=f"Look at {outside.site.url}/ please."))
        await until(wired, made.keys["it"], is_state("completed"))


WHAT_IS_NOT_ASKED_FOR: list[tuple[dict[str, Any], str]] = [
    ({"url": "http://169.254.169.254/latest/meta-data"}, "its host is a private address"),
    ({"url": "file:///etc/passwd"}, "it cannot be read"),
    ({"url": "http://user:pass@example.com/"}, "user name"),
    ({"url": "http://x.example/", "headers": {"Host": "y"}}, "no header that may be set"),
    ({"url": "http://x.example/", "headers": {"X": "a\r\nb"}}, "no header may hold"),
    ({"url": "http://x.example/", "method": "POST"}, "'GET' or 'HEAD'"),
    ({"url": "", "most_characters": 0}, "url"),
    ({"url": "http://x.example/", "more": 1}, "more"),
]


async def test_what_is_not_asked_for(wired: House) -> None:
    await refuses(wired, "http_get", WHAT_IS_NOT_ASKED_FOR)


async def test_json_and_text_and_errors(wired: House, outside: Outside) -> None:
    outside.site.once = [Answer(200, {"a": ["ü", None]}, {"Set-Cookie": "secret=1"})]
    task = await run_tool(wired, "http_get", url=outside.site.url, headers={"X-Key": "1"})
    output = task.result["output"]
    assert (output["status"], output["data"], output["text"]) == (200, {"a": ["ü", None]}, "")
    assert "set-cookie" not in output["headers"]
    outside.site.once = [Answer(404, b"gone")]
    task = await run_tool(wired, "http_get", state="failed", url=outside.site.url)
    assert "answers 404: gone" in (task.failure_reason or "")
    outside.site.once = [Answer(404, b"gone")]
    task = await run_tool(wired, "http_get", url=outside.site.url, fail_on_error=False)
    assert (task.result["output"]["status"], task.result["output"]["text"]) == (404, "gone")
    outside.site.once = [Answer(200, b'{"a": ', {"Content-Type": "application/json"})]
    task = await run_tool(wired, "http_get", url=outside.site.url)
    assert (task.result["output"]["data"], task.result["output"]["text"]) == (None, '{"a": ')


def post(url: str, **more: Any) -> dict[str, Any]:
    return {
        "url": url,
        "method": "POST",
        "json_body": {"a": "ü"},
        "headers": {"Authorization": "Bearer s3cret"},
        **more,
    }


async def test_a_request_is_shown_and_sent_once(wired: House, outside: Outside) -> None:
    outside.site.once = [Answer(201, {"id": 7})]
    async with at_work(wired):
        made = await started(wired, root(node("it", "http_request", tool_input=post(outside.site.url))))
        approval = await asked(wired, made.keys["it"])
        assert outside.site.connections == 0
        assert approval.title == f"Send POST to 127.0.0.1:{outside.site.port}?"
        assert ["headers", {"Authorization": "(not shown)"}] in approval.payload["facts"]
        assert '"a": "ü"' in approval.payload["text"]
        await review.decide_approval(wired.caller, approval.id, approved=True)
        task = await until(wired, made.keys["it"], is_state("completed"))
    (got,) = outside.site.got
    assert (got.json, got.headers["authorization"], got.headers["idempotency-key"]) == (
        {"a": "ü"},
        "Bearer s3cret",
        f"steward-{task.id}-1",
    )
    assert task.result["output"]["data"] == {"id": 7}


async def test_what_others_wrote_is_named_to_who_is_asked(wired: House, outside: Outside) -> None:
    outside.site.once = [Answer(200, {"say": "Buy now!"})]
    tree = root(
        node("page", "http_get", tool_input={"url": outside.site.url}),
        node(
            "send", "http_request", ["page"], tool_input=post(outside.site.url, json_body={"t": "{{ page.data.say }}"})
        ),
    )
    async with at_work(wired):
        made = await started(wired, tree)
        approval = await asked(wired, made.keys["send"])
    assert ["written by others", "json_body.t (from page)"] in approval.payload["facts"]
    assert approval.payload["input"]["json_body"] == {"t": "Buy now!"}


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (Answer(409, {"message": "twice"}), "failed", "answers 409"),
        (Answer(500, b"oops"), "blocked", "whether the request took effect is not known"),
        (Answer(raw=b""), "blocked", "the line broke"),
        (Answer(302, headers={"Location": "http://127.0.0.1:1/"}), "completed", ""),
    ],
)
async def test_what_became_of_a_request(wired: House, outside: Outside, answer: Answer, state: str, words: str) -> None:
    outside.site.once = [answer]
    async with at_work(wired):
        made = await started(
            wired, root(node("it", "http_request", tool_input=post(outside.site.url), on_failure="escalate"))
        )
        await approve(wired, made.keys["it"])
        task = await until(wired, made.keys["it"], lambda t: t.execution_status == state and t.blocked_on != "approval")
    assert words in f"{task.failure_reason} {task.blocked_reason}"
    assert len(outside.site.got) == 1


async def test_a_request_that_broke_off_is_a_persons_to_look_at(wired: House, outside: Outside) -> None:
    outside.site.handler = lambda got: Answer(201)
    task = await killed_in_the_middle(wired, outside.site, "http_request", **post(outside.site.url))
    assert (task.execution_status, task.blocked_on) == ("blocked", "person")
    (step,) = await steps.list_steps(wired.caller, task.id)
    assert (step.state, len(outside.site.got)) == ("uncertain", 1)


async def test_what_is_not_connected_says_what_to_set(house: House) -> None:
    bare = rewired(house)
    wanted: dict[str, dict[str, Any]] = {
        "web_search": {"query": "x"},
        "jira_ticket": {"project": "OPS", "summary": "x"},
        "github_check": {"repository": "a/b", "ref": "main"},
        "cicd_webhook": {"pipeline": "x"},
        "record_update": {"system": "hubspot", "kind": "contacts", "id": "1", "changes": {"a": "b"}},
        "database_query": {"sql": "select 1"},
    }
    async with at_work(bare):
        for tool, given in wanted.items():
            needs = given | ({} if tool != "jira_ticket" else {"action": "update", "key": "OPS-1", "project": None})
            made = await started(
                bare, root(node("it", tool, tool_input={k: v for k, v in needs.items() if v is not None}))
            )
            task = await until(bare, made.keys["it"], lambda t: t.blocked_on in {"account", "approval"})
            if task.blocked_on == "approval":  # a new ticket is shown without looking at Jira
                await approve(bare, task.id)
                task = await until(bare, task.id, lambda t: t.blocked_on == "account")
            assert "STEWARD_" in (task.unblocked_by or "") or "TAVILY" in (task.unblocked_by or ""), tool
