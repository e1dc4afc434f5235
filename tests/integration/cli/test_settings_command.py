"""`steward settings`: what is set is shown, secrets are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Steward


def test_settings_say_what_they_are_now(steward: Steward) -> None:
    found = {one["variable"]: one for one in steward.json("settings", OPENAI_API_KEY="a-secret", STEWARD_PORT="9001")}
    assert found["STEWARD_PORT"]["value"] == "9001"
    assert found["OPENAI_API_KEY"] == {**found["OPENAI_API_KEY"], "is_set": True, "value": "(not shown)"}
    shown = steward("settings", OPENAI_API_KEY="a-secret")
    assert "a-secret" not in shown.stdout
    assert "Language models" in shown.stdout


def test_a_wrong_setting_is_told(steward: Steward) -> None:
    wrong = steward("settings", STEWARD_PORT="zero")
    assert (wrong.returncode, "STEWARD_PORT" in wrong.stderr) == (1, True)
