"""Places with the minutes to them, as the setting has them."""

import pytest

from core.errors import Invalid
from core.settings import load_settings
from core.settings_attention import read_places


def test_places_are_read_by_their_names_however_they_are_written() -> None:
    assert read_places("Northwind  HQ: 45; Bahnhof:20;; Gate 7: B:0") == {
        "northwind hq": 45,
        "bahnhof": 20,
        "gate 7: b": 0,
    }
    assert read_places("") == {}


@pytest.mark.parametrize("text", ["HQ", "HQ: soon", ": 5", "HQ: -5", "HQ: 1441", "HQ: 5 min"], ids=range(6))
def test_a_place_without_its_minutes_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("STEWARD_TRAVEL_PLACES", text)
    with pytest.raises(Invalid, match="STEWARD_TRAVEL_PLACES"):
        load_settings()
