"""All rules together: one that fails takes no other along."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from agents.proactive import watch
from agents.proactive.situation import Situation
from tasks.nudges import Finding
from tests.unit.agents.proactive.looking import meeting, situation


def test_a_rule_that_fails_is_logged_without_words_and_counts_as_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Situation) -> Iterator[Finding]:
        yield from ()
        raise ValueError("the words of a mail")

    monkeypatch.setattr(watch, "RULES", {**watch.RULES, "brief": fails})
    with capture_logs() as logged:
        seen = watch.watch(situation(meeting()))
    assert [one.kind for one in seen.findings] == ["agenda"]
    assert set(watch.RULES) - set(seen.looked_at) == {"brief"}
    (line,) = logged
    assert (line["event"], line["rule"], "words" in str(line)) == ("rule_failed", "brief", False)
