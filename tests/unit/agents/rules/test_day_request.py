"""A planned day is asked for in so many words, and in no others."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agents.rules.day_request import day_asked_for

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))  # a Wednesday


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("plan my day", 4),
        ("Please plan out my day!", 4),
        ("Plan  tomorrow.", 5),
        ("plan my day for tomorrow", 5),
        ("plan my friday", 6),
        ("plan my day on Friday", 6),
        ("can you make a plan for today?", 4),
        ("what does tomorrow look like?", 5),
        ("Plan meinen Tag", 4),
        ("Plane meinen Tag morgen!", 5),
        ("bitte plane mir den Tag für Freitag", 6),
        ("kannst du meinen Tag planen?", 4),
        ("plane meinen Freitag", 6),
        ("plan morgen", 5),
        ("Was steht heute an?", 4),
        ("was steht morgen an", 5),
        ("was habe ich am Freitag vor?", 6),
        ("Wie sieht mein Tag aus?", 4),
        ("was liegt heute an?", 4),
        ("plane meinen Geburtstag", None),
        ("plane den Tagesausflug nach Rom", None),
        ("plane meinen Tag und ruf Ana an", None),
        ("plane den Umzug morgen", None),
        ("was steht nächste Woche an?", None),
        ("was steht an?", None),
        ("was steht im Vertrag an", None),
        ("plan my birthday", None),
        ("plan the day trip to Rome", None),
        ("plan my day and call Ana", None),
        ("Plan Q4 marketing campaign", None),
        ("plan my week", None),
        ("plan my day next week", None),
        ("plan my day at 3pm", None),
        ("", None),
    ],
)
def test_which_day_is_asked_for(said: str, day: int | None) -> None:
    found = day_asked_for(said, NOW)
    assert found == (NOW.date().replace(day=day) if day else None)
    assert day_asked_for(said + " please" * 5000, NOW) is None
