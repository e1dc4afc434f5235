"""Bandit finds nothing in our code, and the audit of packages never calls clean what nobody looked at."""

from pathlib import Path
from typing import Any

from tests.safety.audit import bandit, verdict_of


async def test_bandit_finds_nothing_in_our_code() -> None:
    assert await bandit() == []


async def test_bandit_finds_a_hole_where_there_is_one(tmp_path: Path) -> None:
    hole = tmp_path / "hole.py"
    hole.write_text("import subprocess\nsubprocess.run('rm ' + input(), shell=True)\n")

    assert any("B602" in found for found in await bandit(str(hole)))


def test_packages_that_no_service_told_of_are_not_called_clean() -> None:
    told: dict[str, Any] = {"name": "a", "vulns": []}
    skipped = {"name": "b", "skip_reason": "not found"}

    assert verdict_of([told]) == "clean"
    assert verdict_of([told, {"name": "b", "vulns": [{"id": "PYSEC-1"}]}]) == "1 vulnerabilities"
    assert verdict_of([told, skipped]) is None
    assert verdict_of([]) is None
