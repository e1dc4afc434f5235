"""/insights and /api/insights: empty, seeded, pinned; somebody else's; a program's token."""

import re
from datetime import UTC, datetime, timedelta

import httpx

from app.house import House
from core.database import Caller, Identity
from jobs.calibrating import calibrate
from tasks import model_calls, thresholds
from tests.integration.tasks.test_insights import drafted, seeded


async def worker_of(house: House) -> Caller:
    profile = await house.caller.call("get_profile")
    return house.database.acting_as(Identity.service(profile["organization"]["id"]))


async def test_an_empty_house_says_what_will_be_here(client: httpx.AsyncClient) -> None:
    page = await client.get("/insights")
    assert page.status_code == 200
    assert "Nothing to count yet" in page.text
    answer = (await client.get("/api/insights")).json()
    assert (answer["done"]["tasks"], answer["cost"]["usd"], answer["calibration"]) == (0, 0, [])
    for days in ("0", "401", "many"):
        assert (await client.get(f"/api/insights?days={days}")).status_code == 422


async def test_figures_charts_and_a_pinned_threshold(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House
) -> None:
    service = await worker_of(house)
    task, _ = await drafted(house.caller, service, 0.8, source="proactive")
    call = {"purpose": "strategy", "provider": "openai", "model": "<b>m</b>", "cost_usd": 0.25}
    await model_calls.record_llm_interaction(service, task.id, call)
    await seeded(house.database, house.caller, 0.9, 20, 2)
    await calibrate(service, datetime.now(UTC) + timedelta(seconds=1))
    text = (await client.get("/insights?days=7")).text
    assert "The clock is moved: figures go by the real time of each record" in text  # to 4 March
    known = (await client.get("/api/insights?days=7")).json()
    since, until = (datetime.fromisoformat(known[name]) for name in ("since", "until"))
    assert (until - since, known["is_clock_moved"]) == (timedelta(days=7), True)
    assert abs(until - datetime.now(UTC)) < timedelta(minutes=5)
    assert re.findall(r'<svg [^>]*id="([a-z0-9-]+)"', text) == ["chart-cost", "reliability-0"]
    for words in (
        "<strong>$0.25</strong> went into work that nobody asked for",
        "It may cost $1.00 a day",
        "said 90%, right 91% of 22",
        "It is about as sure as it may be",
        "It counts as sure from <strong>60%</strong>",
        "&lt;b&gt;m&lt;/b&gt;",
    ):
        assert words in text, words
    assert "Nothing to count yet" in (await stranger.get("/insights")).text

    form = {"stream": "nudge:travel", "days": "7", "button": "pin"}
    done = await client.post("/insights", data={**form, "threshold": "80"})
    assert (done.status_code, done.headers["location"]) == (303, "/insights?days=7")
    assert "where you pinned it" in (await client.get("/insights")).text
    assert await thresholds.threshold_of(house.caller, "nudge:travel", 0.6) == 0.8
    for wrong in ({"threshold": "50"}, {"threshold": "nan"}, {"threshold": "high"}, {"threshold": "80", "stream": "x"}):
        answer = await client.post("/insights", data={**form, **wrong})
        assert answer.status_code == 422, wrong
        assert 'role="alert"' in answer.text
    await client.post("/insights", data={**form, "button": "release"})
    assert (await thresholds.list_calibrations(house.caller))[0].is_pinned is False
