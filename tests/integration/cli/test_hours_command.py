"""A person's time zone and working hours, through the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.cli.conftest import Steward


def test_a_zone_is_chosen_gone_by_and_given_back(steward: Steward) -> None:
    assert "Europe/Berlin (the installation's), Wednesday 2026-03-04 09:" in steward("hours").stdout
    told = steward.json("hours", "--zone", "America/New_York", "--working", "Mon-Thu 08:00-12:00")
    assert (told["timezone"], told["working_hours"]) == ("America/New_York", "mon-thu 08:00-12:00")
    assert "America/New_York (yours), Wednesday 2026-03-04 03:" in steward("hours").stdout
    assert steward.json("add", "call Ana tomorrow at 9am")["task"]["due_at"] == "2026-03-05T14:00:00Z"
    for wrong, words in ((["--zone", "Mars"], "--zone 'Mars'"), (["--working", "always"], "--working 'always'")):
        refused = steward("hours", *wrong)
        assert refused.returncode != 0
        assert words in refused.stderr
    assert steward.json("hours", "--defaults")["chosen"] == []
