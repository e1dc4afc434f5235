"""Charts of insights: they fit, describe themselves, and stand for nothing, too."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from app.insights import _words
from app.insights._charts import HEIGHT, WIDTH, Column, amount, columns, reliability
from tasks.thresholds import StoredBin, StoredCalibration

NOW = datetime(2026, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    "given",
    [[], [(0.0,)], [(3.0,)], [(0.0004, 0.0001)], [(1e9, 0.0)] * 100, [(1.0, 2.0, 3.0)] * 7],
    ids=["none", "nothing", "one", "tiny", "huge", "parts"],
)
def test_columns_lie_within_their_chart(given: list[tuple[float, ...]]) -> None:
    parts = ("a", "<b>", "c")[: len(given[0]) if given else 1]
    drawn = columns("c", "Tasks & more", [Column(f"{day} Mar", one) for day, one in enumerate(given)], parts, "$")
    root = ElementTree.fromstring(drawn)  # nosec B314 # made here
    assert {one.tag.partition("}")[2] for one in root[:2]} == {"title", "desc"}
    for rect in re.findall(r'<rect class="part\d" x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"', drawn):
        x, y, wide, high = map(float, rect)
        assert -0.1 <= x <= x + wide <= WIDTH
        assert -0.1 <= y <= y + high <= HEIGHT
    assert drawn.count('class="part1"') == sum(one[0] > 0 for one in given)


def test_a_reliability_diagram_tells_its_figures() -> None:
    one = StoredBin(low=0.8, high=0.9, count=12, confidence=0.85, right=0.5, least=0.25, most=0.75)
    known = StoredCalibration(stream="draft", computed_at=NOW, threshold=0.8, bins=[one], cases=12)
    assert "said 85%, right 50% of 12" in reliability("r", known, "Drafts")
    assert "No case yet" in reliability("r", known.model_copy(update={"bins": []}), "Drafts")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (_words.hours(0), "0 min"),
        (_words.hours(200), "3 h 20 min"),
        (_words.hours(6000), "100 h"),
        (_words.money(0.0042), "$0.0042"),
        (_words.money(12.3), "$12.30"),
        (_words.seconds(None), "–"),
        (_words.seconds(0.12), "0.1 s"),
        (_words.seconds(600), "10 min"),
        (_words.seconds(90_000), "25.0 h"),
        (_words.percent(1, 0), "–"),
        (_words.kind_of_nudge("time_proposal"), "Proposed times"),
        (amount(0.5, "$"), "$0.50"),
        (amount(2.50), "2.5"),
    ],
)
def test_figures_in_words(said: str, words: str) -> None:
    assert said == words
