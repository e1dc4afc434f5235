"""The Gantt chart: well-formed, named, readable for few and for many, and never more than a picture."""

import itertools
import re
import xml.etree.ElementTree as ET
from datetime import date

import pytest

from agents.playbooks.document.charts import Point, Range, bars, matrix, ranges
from agents.playbooks.document.dates import Node, dates_of
from agents.playbooks.document.drawing import fitted
from agents.playbooks.document.gantt import gantt, gantt_pages
from agents.playbooks.document.schedule import ScheduleEntry, schedule_of

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</title><script>alert(1)</script>" onload="x\x00\x1b\u202e & <img src=//evil.example>'


def entries(phases: int, tasks: int, days: float = 10) -> list[ScheduleEntry]:
    roots = [
        Node(f"T{p}", f"Phase {p}", tuple(Node(f"T{p}.{t}", f"Task {t}") for t in range(1, tasks + 1)))
        for p in range(1, phases + 1)
    ]
    ids = [child.id for root in roots for child in root.children]
    needs = {one: [before] for before, one in itertools.pairwise(ids)}
    return schedule_of(dates_of(roots, needs, dict.fromkeys(ids, days)), date(2026, 11, 20)).entries


@pytest.mark.parametrize(("phases", "tasks", "days"), [(1, 1, 1), (2, 4, 3), (5, 5, 30), (30, 9, 40), (12, 2, 3650)])
def test_a_chart_of_any_size_is_well_formed_and_named(phases: int, tasks: int, days: float) -> None:
    made = entries(phases, tasks, days)
    root = ET.fromstring(gantt(made, "A plan"))
    assert (root.find(f"{SVG}title"), root.find(f"{SVG}desc")) != (None, None)
    assert root.findtext(f"{SVG}title") == "A plan"
    assert root.get("role") == "img"
    titles = [one.text or "" for one in root.iter(f"{SVG}title")]
    assert sum(title.startswith("T1.1 Task 1: 2026-11-20 to") for title in titles) == 2  # its label and its bar
    labels = [one.text for one in root.iter(f"{SVG}text")]
    assert 2 <= len([word for word in labels if word and (word[-4:].isdigit() or len(word) <= 3)]) < 700
    assert all(float(box.get("width", "1")) > 0 for box in root.iter(f"{SVG}rect"))


def test_a_few_days_of_a_month_do_not_take_the_name_of_the_next() -> None:
    drawn = gantt(entries(2, 6, 15), "A plan")
    labels = [one.text or "" for one in ET.fromstring(drawn).iter(f"{SVG}text")]
    months = [one for one in labels if len(one) == len("Dec 2026") and one[-4:].isdigit()]
    assert months == ["Dec 2026", "Jan 2027", "Feb 2027", "Mar 2027", "Apr 2027", "May 2027"]


def test_what_waits_for_what_leaves_its_row_before_the_words_of_it() -> None:
    root = ET.fromstring(gantt(entries(2, 4, 15), "A plan"))
    labels = [one for one in root.iter(f"{SVG}text") if (one.text or "").endswith(" d")]
    for way in (one.get("d") or "" for one in root.iter(f"{SVG}path") if "edge" in (one.get("class") or "")):
        found = re.match(r"M([\d.]+),([\d.]+) H([\d.]+) V", way)
        assert found
        start, y, end = map(float, found.groups())
        assert not any(
            abs(float(one.get("y", "0")) - y) < 8 and start < float(one.get("x", "0")) < end for one in labels
        )


def test_what_is_critical_is_more_than_a_colour() -> None:
    roots = [Node("T1", "One", (Node("T1.1", "a"), Node("T1.2", "b")))]
    section = schedule_of(dates_of(roots, {}, {"T1.1": 5, "T1.2": 2}), date(2026, 11, 20))
    drawn = gantt(section.entries, "x")
    assert drawn.count("url(#gantt-hatch)") == 2  # the one critical task, and the legend
    assert "Critical: T1.1." in drawn


def test_texts_are_texts() -> None:
    entry = ScheduleEntry(
        id="T1", name=HOSTILE, starts_on=date(2026, 1, 1), ends_on=date.max, days=9, depends_on=["T9", "T1"]
    )
    drawn = gantt([entry], HOSTILE)
    root = ET.fromstring(drawn)
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {
        "svg", "title", "desc", "style", "defs", "pattern", "line", "marker", "path", "rect", "text", "g", "polygon",
    }  # fmt: skip
    assert "<script" not in drawn
    assert "\u202e" not in drawn
    assert "onload=&quot;" in drawn
    assert "nothing in the schedule" in gantt([], "Empty")
    assert gantt_pages([], "Empty") == []
    assert fitted("工作坊" * 9, 10) == "工作坊工…"


def test_pages_hold_all_rows_with_one_scale() -> None:
    made = entries(8, 9)
    pages = gantt_pages(made, "Schedule", rows=30)
    assert len(pages) == 3
    assert sum(page.count('class="strong"') for page in pages) == 8
    assert all("<style" not in page for page in pages)
    assert "part 3 of 3" in pages[-1]
    assert {ET.fromstring(page).get("id") for page in pages} == {"gantt-1", "gantt-2", "gantt-3"}


def test_other_charts_show_every_entry() -> None:
    many = [Point(0, 0, f"R{n}", HOSTILE) for n in range(40)]
    drawn = matrix("m", "Risks", ("Likelihood", "Severity"), ("low", "high"), ("low", "high"), many)
    ET.fromstring(drawn)
    assert "+" in "".join(one.text or "" for one in ET.fromstring(drawn).iter(f"{SVG}text"))
    ET.fromstring(bars("b", "Team", [("Mechanic", 2), ("Nobody", 0)]))
    assert "Mechanic: 2; Nobody: 0" in bars("b", "Team", [("Mechanic", 2), ("Nobody", 0)])
    ET.fromstring(ranges("r", "Days", [Range("a", 1, 2.5, 9), Range("b", 0, 0, 0)]))
    ET.fromstring(ranges("r", "Days", []))
