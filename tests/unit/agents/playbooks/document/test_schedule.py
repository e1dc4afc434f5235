"""Dates: what waits comes after, what has time to spare is not critical, and what cannot be kept is said."""

import csv
import io
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.playbooks.document.dates import Dates, Node, dates_of
from agents.playbooks.document.schedule import CreateSchedule, csv_of, fill_schedule, schedule_of
from agents.playbooks.document.stage import StageMissing
from core.errors import Invalid
from tests.unit.agents.playbooks.document.scripted import earlier_of

DAY_ZERO = date(2026, 11, 20)
DIAMOND = [
    Node("T1", "One", (Node("T1.1", "a"), Node("T1.2", "b"))),
    Node("T2", "Two", (Node("T2.1", "c"), Node("T2.2", "d"))),
]
EDGES = {"T1.2": ["T1.1"], "T2.1": ["T1.1"], "T2.2": ["T1.2", "T2.1"]}


def places(dates: Dates) -> dict[str, tuple[int, int, int]]:
    return {task.id: (task.start, task.days, task.slack) for task in dates.tasks}


def test_a_diamond_ends_with_its_longer_side() -> None:
    dates = dates_of(DIAMOND, EDGES, {"T1.1": 2, "T1.2": 5.2, "T2.1": 3, "T2.2": 1})
    assert places(dates) == {
        "T1": (0, 8, 0), "T1.1": (0, 2, 0), "T1.2": (2, 6, 0), "T2": (2, 7, 0), "T2.1": (2, 3, 3), "T2.2": (8, 1, 0),
    }  # fmt: skip
    assert (dates.days, dates.critical_path, dates.assumed, dates.dropped) == (9, ["T1.1", "T1.2", "T2.2"], [], [])
    section = schedule_of(dates, DAY_ZERO)
    assert section.shallow() is None
    last = section.entries[-1]
    assert (last.starts_on, last.ends_on, last.depends_on) == (date(2026, 11, 28), date(2026, 11, 28), ["T1.2", "T2.1"])
    assert (section.starts_on, section.ends_on) == (DAY_ZERO, date(2026, 11, 28))
    assert "T1.1 → T1.2 → T2.2" in section.markdown()
    assert "3 days to spare" in section.markdown()


def test_what_cannot_be_kept_is_left_out_and_said() -> None:
    needs = {**EDGES, "T1.1": ["T2.2", "T1.1", "T1", "T9"], "T9": ["T1.1"], "T2": ["T1"]}
    dates = dates_of(DIAMOND, needs, {"T1.1": 1})
    whys = [(one.task_id, one.depends_on, one.why.split()[0]) for one in dates.dropped]
    assert whys == [
        ("T1.1", "T2.2", "it"),
        ("T1.1", "T1.1", "a"),
        ("T1.1", "T1", "a"),
        ("T1.1", "T9", "there"),
        ("T9", "T1.1", "there"),
    ]
    assert dates.assumed == ["T1.2", "T2.1", "T2.2"]
    assert places(dates)["T2.1"][0] == 2  # a phase waits for the whole of another
    section = schedule_of(dates, DAY_ZERO)
    assert "one day each is assumed" in section.markdown()
    assert "T1.1 after T2.2: it would close a cycle" in section.markdown()


def test_steps_share_the_days_of_their_task() -> None:
    steps = tuple(Node(f"T1.1.{n}", f"s{n}") for n in range(1, 4))
    dates = dates_of(
        [Node("T1", "One", (Node("T1.1", "a", steps),)), Node("T2", "Alone")], {"T2": ["T1.1"]}, {"T1.1": 7, "T2": 2}
    )
    assert [(t.start, t.days) for t in dates.tasks] == [(0, 7), (0, 7), (0, 2), (2, 2), (4, 3), (7, 2)]
    crowded = dates_of([Node("T1", "One", (Node("T1.1", "a", steps),))], {}, {"T1.1": 1})
    assert [(t.start, t.days) for t in crowded.tasks[2:]] == [(0, 1), (0, 1), (0, 1)]


@given(
    st.dictionaries(
        st.sampled_from(["T1.1", "T1.2", "T2.1", "T2.2", "T1", "T2"]),
        st.lists(st.sampled_from(["T1.1", "T1.2", "T2.1", "T2.2", "T1", "T2"]), max_size=4),
    ),
    st.dictionaries(st.sampled_from(["T1.1", "T1.2", "T2.1", "T2.2"]), st.floats(0.1, 40)),
)
def test_whatever_is_asked_all_edges_that_are_kept_hold(needs: dict[str, list[str]], days: dict[str, float]) -> None:
    dates = dates_of(DIAMOND, needs, days)
    by_id = {task.id: task for task in dates.tasks}
    for task in dates.tasks:
        for need in task.depends_on:
            assert by_id[need].start + by_id[need].days <= task.start
    assert max(task.start + task.days for task in dates.tasks) == dates.days
    assert {by_id[one].slack for one in dates.critical_path} == {0}


def test_odd_breakdowns_are_refused_or_laid_out() -> None:
    with pytest.raises(Invalid, match="have the id T1"):
        dates_of([Node("T1", "a"), Node("T1", "b")], {}, {})
    with pytest.raises(Invalid, match="after the year 9999"):
        schedule_of(dates_of([Node("T1", "a")], {}, {"T1": 4e6}), DAY_ZERO)
    assert places(dates_of([Node("T1", "a")], {}, {"T1": float("nan")})) == {"T1": (0, 1, 0)}
    empty = schedule_of(dates_of([], {}, {}), DAY_ZERO)
    assert empty.shallow() == "too few entries (at least 1): entries"


def test_the_table_is_inert_and_the_section_checks_itself() -> None:
    section = schedule_of(
        dates_of([Node("T1", '=HYPERLINK("http://evil.example")'), Node("T2", "b, c")], {}, {}), DAY_ZERO
    )
    rows = list(csv.reader(io.StringIO(csv_of(section.entries))))
    assert [row[1] for row in rows] == ["Task", '\'=HYPERLINK("http://evil.example")', "b, c"]
    data = section.model_dump(mode="json")
    data["entries"][0]["depends_on"] = ["T7"]
    assert CreateSchedule.model_validate(data).shallow() == "T7 is no entry of the schedule"


def test_the_stage_reads_tree_edges_and_durations() -> None:
    tree: dict[str, Any] = {
        "id": "T",
        "description": "x",
        "rows": [],
        "task_children": [
            {"id": "T1", "description": "P", "task_children": [{"id": "T1.1", "description": "a", "task_children": []}]}
        ],
    }
    sections: dict[str, dict[str, Any]] = {
        "start_time": {"server_iso_utc": "2026-11-20T23:30:00+00:00", "server_iso_local": "2026-11-21T00:30:00+01:00", "server_timezone_name": "Europe/Brussels"},
        "wbs_project_level1_and_level2_and_level3": tree,
        "identify_task_dependencies": {"task_dependency_details": []},
    }  # fmt: skip
    section = fill_schedule(earlier_of({}, sections))
    assert (section.starts_on, section.days, section.assumed_days) == (date(2026, 11, 21), 1, ["T1.1"])
    with pytest.raises(StageMissing):
        fill_schedule(
            earlier_of({}, {name: sections[name] for name in sections if name != "identify_task_dependencies"})
        )
