"""The states of executions: each way a root task can be is one of them, and a list asked for a state finds exactly those."""

from pathlib import Path
from typing import cast, get_args

from hypothesis import given
from hypothesis import strategies as st

from tasks.executions import NEXT, STATES, WAITS_FOR, Facts, all_facts, facts_of, state_of
from tasks.models import BlockedOn, ExecutionStatus

STATUSES = cast("tuple[ExecutionStatus, ...]", get_args(ExecutionStatus))
REASONS = cast("tuple[BlockedOn, ...]", get_args(BlockedOn))
PAGE = Path(__file__).parents[3] / "docs" / "guide" / "executions.md"
anything = st.builds(
    Facts, st.sampled_from(STATUSES), st.none() | st.sampled_from(REASONS), st.booleans(), st.booleans()
)


def possible(facts: Facts) -> Facts:
    """The same without what a root of that status cannot be."""
    return facts._replace(
        blocked_on=facts.blocked_on if facts.status == "blocked" else None,
        is_redone=facts.is_redone and facts.status == "completed",
    )


@given(anything)
def test_every_root_is_in_one_state_and_is_found_under_it_alone(facts: Facts) -> None:
    state = state_of(facts)
    assert state in STATES
    assert state_of(possible(facts)) == state
    assert [one for one in STATES if possible(facts) in facts_of(one)] == [state]


@given(anything)
def test_a_pause_stops_whatever_has_not_ended(facts: Facts) -> None:
    paused = state_of(facts._replace(is_paused=True))
    before = state_of(facts._replace(is_paused=False))
    assert paused == (before if before in {"completed", "failed", "cancelled"} else "paused")
    assert ("paused" in NEXT[before]) == (paused == "paused" != before)


def test_every_state_is_reached_and_nothing_is_said_twice() -> None:
    assert len(set(all_facts())) == len(all_facts()) == sum(len(facts_of(state)) for state in STATES)
    assert all(facts_of(state) for state in STATES)
    assert {state for state in STATES if not NEXT[state]} == {"completed", "failed", "cancelled"}
    assert set(WAITS_FOR) == set(REASONS) - {"subtasks"}


def rows_under(heading: str) -> list[list[str]]:
    """The rows of the table below a heading of the page, without backquotes."""
    text = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_guide_says_the_same_both_ways() -> None:
    told: dict[str, set[Facts]] = {}
    for state, status, blocked_on, is_paused, is_redone in rows_under("States"):
        for facts in all_facts():
            fits = (
                facts.status == status
                and (blocked_on == "any" or (facts.blocked_on or "nothing") in blocked_on.split(", "))
                and is_paused in {"any", "yes" if facts.is_paused else "no"}
                and is_redone in {"any", "yes" if facts.is_redone else "no"}
            )
            if fits:
                assert facts not in told.setdefault(state, set()), facts
                told[state].add(facts)
    assert told == {state: set(facts_of(state)) for state in STATES}
    next_states = {state: tuple(one for one in words.split(", ") if one) for state, words in rows_under("Controls")}
    assert next_states == NEXT
