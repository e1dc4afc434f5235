"""A planned day and how long tasks took, through the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Steward


def test_a_day_is_planned_and_durations_are_learned(steward: Steward) -> None:
    ids = [steward.json("add", f"call Ana about number {n}")["task"]["id"] for n in range(4)]
    for one in ids[:3]:
        done = steward.json("done", one, "--took", "25")
        assert (done["task"]["execution_status"], done["task"]["actual_duration_minutes"]) == ("completed", 25)
    assert "It took 25 min." in steward("show", ids[0]).stdout
    assert "Takes about 25 min: median of your last 3 calls for" in steward("show", ids[3]).stdout
    made = steward.json("day", "--keep")
    assert [(one["task_ids"], one["minutes"]) for one in made["blocks"]] == [([ids[3]], 25)]
    assert made["kept_blocks"] == 1
    told = steward("day", "today").stdout
    assert "Wednesday, 4 March 2026" in told
    assert "all Ana about number 3" in told
    assert steward.json("day", "--clear")["kept_blocks"] == 0
    for wrong, words in ((["banana"], "is no day"), (["--keep", "--clear"], "contradict")):
        refused = steward("day", *wrong)
        assert refused.returncode != 0
        assert words in refused.stderr
    assert steward("done", ids[3], "--took", "0").returncode != 0
