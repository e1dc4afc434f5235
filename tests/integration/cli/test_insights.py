"""steward insights: an empty house, figures after work, thresholds pinned and let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Steward


def test_insights(steward: Steward) -> None:
    assert steward("insights").stdout == "Nothing to count in the last 30 days.\n"
    found = steward.json("insights", "--pin", "plan=0.9", "--compute", "--days", "7")
    assert [(one["stream"], one["threshold"], one["is_pinned"]) for one in found["calibration"]] == [
        ("plan", 0.9, True)
    ]
    told = steward("insights").stdout
    assert "saved      0 minutes" in told
    assert "plan" in told
    assert "90% (pinned)" in told
    assert steward.json("insights", "--release", "plan")["calibration"][0]["threshold"] == 0.6
    for wrong in (["--pin", "plan=high"], ["--release", "x"]):
        assert steward("insights", *wrong).returncode == 2, wrong
    assert steward("insights", "--pin", "plan=0.5").returncode == 1
