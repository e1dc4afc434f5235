from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app._view.scale import scale_of
from app._view.timeline import LEFT, NARROWEST, WIDTH, chart_of, stretches_of
from tasks.functions import TaskNode
from tests.unit.app._view.nodes import NOW, id_of, node


def ran(name: str, *events: tuple[str, float], state: str = "completed", **more: Any) -> TaskNode:
    """A task with a log: what happened how many seconds after NOW."""
    log = [{"event": event, "timestamp": (NOW + timedelta(seconds=at)).isoformat()} for event, at in events]
    return node(name, state=state, execution_log=log, **more)


def test_a_log_becomes_stretches() -> None:
    task = ran("a", ("created", 0), ("queued", 1), ("started", 2), ("blocked", 5), ("resumed", 9), ("completed", 10))
    found = [(one.state, (one.end - one.start).total_seconds()) for one in stretches_of(task, NOW)]
    assert found == [("queued", 1), ("completed", 3), ("blocked", 4), ("completed", 1)]
    going = ran("b", ("started", 0), state="in_progress")
    later = NOW + timedelta(seconds=7)
    assert [(one.state, one.end) for one in stretches_of(going, later)] == [("in_progress", later)]
    assert stretches_of(node("c"), NOW) == []


def test_a_long_wait_is_drawn_short_and_a_short_task_is_seen() -> None:
    tree = node(
        "root",
        ran("a", ("queued", 0), ("started", 1), ("completed", 31)),
        ran("gate", ("started", 31), ("blocked", 31), ("completed", 7231), tool="approval_gate"),
        ran("b", ("queued", 7231), ("started", 7231), ("completed", 7241)),
        ran("blink", ("started", 7240), ("completed", 7240)),
        node("later"),
        state="completed",
    )
    chart = chart_of(tree, [id_of("a"), id_of("b")], NOW + timedelta(hours=9))
    assert chart
    assert [row.label for row in chart.rows] == ["a", "gate", "b", "blink"]
    assert ([one.words for one in chart.breaks], chart.now, chart.waiting) == (["2 h"], None, 1)
    a, gate, b, blink = chart.rows
    assert sum(bar.width for bar in a.bars) > 3 * gate.bars[-1].width
    assert a.bars[-1].width == pytest.approx(3 * b.bars[-1].width, rel=0.05)
    assert blink.bars[0].width == NARROWEST
    assert gate.diamond == pytest.approx(b.bars[0].x, abs=1)
    assert gate.said == "gate: done, waited 2 h"
    assert [row.is_critical for row in chart.rows] == [True, False, True, False]
    assert all(LEFT <= bar.x <= bar.x + bar.width <= chart.width for row in chart.rows for bar in row.bars)


def test_what_goes_on_ends_at_the_line_of_now() -> None:
    now = NOW + timedelta(minutes=3)
    tree = node("root", ran("a", ("started", 0), state="in_progress"), state="blocked")
    chart = chart_of(tree, [], now)
    assert chart
    assert chart.now == WIDTH
    assert chart.rows[0].bars[0].x + chart.rows[0].bars[0].width == LEFT + WIDTH
    assert [tick.words for tick in chart.ticks][:2] == ["09:30:00", "09:30:30"]
    assert chart_of(node("root", node("a")), [], now) is None


SECONDS = st.integers(0, 400_000)


@given(st.lists(st.tuples(SECONDS, SECONDS), max_size=12), SECONDS)
def test_a_scale_never_goes_back_and_stays_within_its_width(spells: list[tuple[int, int]], longest: int) -> None:
    moments = [NOW + timedelta(seconds=second) for pair in spells for second in pair]
    busy = [tuple(sorted(moments[at : at + 2])) for at in range(0, len(moments), 2)]
    start, end = min([NOW, *moments]), max([NOW + timedelta(seconds=longest), *moments])
    scale = scale_of(start, end, [(a, b) for a, b in busy], WIDTH)
    places = [scale.at(moment) for moment in sorted([start, *moments, end, datetime(2030, 1, 1, tzinfo=UTC)])]
    assert places == sorted(places)
    assert 0 <= places[0] <= places[-1] <= WIDTH + 0.5
    ticks = scale.ticks(UTC)
    assert 1 <= len(ticks) <= 40
    assert all(0 <= tick.x <= WIDTH + 0.5 for tick in ticks)
