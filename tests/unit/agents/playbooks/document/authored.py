"""The authored answers of `tests/data/document` as test cases: the good one passes, the bad one is told why not."""

import importlib
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from agents.playbooks.document.stage import Section, Stage
from tests.emulators.document_answers import answers_of

S = TypeVar("S", bound=Section)


def entries_of(stages: Sequence[Stage[Any]]) -> list[tuple[str, int]]:
    """(stage, number of the entry in its file) for each stage that asks a model."""
    asking = [stage.id for stage in stages if stage.needs_model]
    return [(stage_id, number) for stage_id in asking for number in range(len(answers_of(stage_id)))]


def check_entry(group: str, stage_id: str, number: int) -> None:
    """The good answer is accepted and can be read; the bad one is rejected with what it says."""
    entry = answers_of(stage_id)[number]
    form = getattr(importlib.import_module(f"agents.playbooks.document.{group}"), entry["form"])
    good = form.model_validate(entry["good"])
    if isinstance(good, Section):
        assert good.shallow() is None
        assert good.markdown().strip()
    assert entry["says"] in _said_of(form, entry["bad"])


def with_texts(form: type[S], stored: Any, text: str) -> S:
    """A section with every text in it replaced, but for those that only certain words are allowed in."""
    changed = _replaced(stored, text)
    try:
        return form.model_validate(changed)
    except ValidationError as error:
        for problem in error.errors():
            *path, last = problem["loc"]
            old, new = stored, changed
            for key in path:
                old, new = old[key], new[key]
            new[last] = old[last]
        return form.model_validate(changed)


def _replaced(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(inner, text) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_replaced(inner, text) for inner in cast("list[Any]", value)]
    return text if isinstance(value, str) else value


def _said_of(form: Any, answer: dict[str, Any]) -> str:
    try:
        found = form.model_validate(answer)
    except ValidationError as error:
        return str(error)
    return str(found.shallow()) if isinstance(found, Section) else ""
