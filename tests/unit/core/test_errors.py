"""The tree of errors, and the one shape they leave in."""

import inspect
import re

import pytest

from core import errors
from core.errors import Conflict, Invalid, OutcomeUnknown, StewardError, TooLarge

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, StewardError)]


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn = dict(re.findall(r"(\w+) \((\d{3})\)", errors.__doc__ or ""))
    assert drawn == {kind.__name__: str(kind.status) for kind in KINDS}


def test_no_two_kinds_share_a_type() -> None:
    assert len({kind.type for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_a_problem(kind: type[StewardError]) -> None:
    problem = kind("what happened").problem()
    hint = problem.pop("hint", None)
    assert (hint is not None) == (kind is OutcomeUnknown)  # it alone always says what to do first
    assert problem == {
        "type": f"urn:steward:problem:{kind.type}",
        "title": kind.title,
        "status": kind.status,
        "detail": "what happened",
    }


def test_a_problem_carries_hint_detail_and_errors_where_there_are_some() -> None:
    wrong = [{"field": "due_at", "value": "soon", "message": "a time is allowed"}]
    problem = Invalid("due_at is wrong", detail="it is 'soon'", hint="Give a time.", errors=wrong).problem()
    assert problem["detail"] == "due_at is wrong: it is 'soon'"
    assert problem["hint"] == "Give a time."
    assert problem["errors"] == wrong


def test_only_what_may_pass_by_itself_is_worth_trying_again() -> None:
    assert {kind.__name__ for kind in KINDS if kind("x").is_retryable} == {
        "TooMany",
        "Unavailable",
        "OutcomeUnknown",  # by a run, whose journal knows what it did; never by a key, nor by a tool that acts
    }


def test_too_large_is_a_kind_of_invalid_and_a_conflict_is_not() -> None:
    assert issubclass(TooLarge, Invalid)
    assert not issubclass(Conflict, Invalid)
