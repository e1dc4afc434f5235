"""Two days of the simulated month, in a database of one's own."""

from pathlib import Path

from tests.simulate.life import live_in


async def test_two_days_are_lived_through(database_url: str, tmp_path: Path) -> None:
    outcome = await live_in(database_url, 1, 2, tmp_path)
    figures = outcome.figures
    assert (figures.seed, figures.days) == (1, 2)
    assert figures.mails > 20
    assert figures.nudges > 0
    assert 0 < figures.nudge_precision <= 1
    assert 0 < figures.nudge_recall <= 1
    assert figures.most_a_day <= 5
    assert figures.drafts >= 4
    assert (figures.cost_usd, figures.proactive_cost_usd) == (0, 0)
    assert outcome.lines[0].split() == ["kind", "told", "right", "wanted", "precision", "recall"]
