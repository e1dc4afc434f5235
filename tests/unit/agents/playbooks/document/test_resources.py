"""Comparable projects: none need be known, none counts as verified, and an address stands only where it is certain."""

import copy
from typing import Any

import pytest

from agents.playbooks.document.resources import STAGES, UNVERIFIED, RelatedResources
from tests.emulators.document_answers import answers_of
from tests.unit.agents.playbooks.document.authored import check_entry, entries_of
from tests.unit.agents.playbooks.document.scripted import written

GOOD: dict[str, Any] = answers_of("related_resources")[0]["good"]


@pytest.mark.parametrize(("stage_id", "number"), entries_of(STAGES))
def test_the_good_answer_passes_and_the_bad_one_does_not(stage_id: str, number: int) -> None:
    check_entry("resources", stage_id, number)


def test_nothing_is_presented_as_verified() -> None:
    (section,) = written(STAGES).values()
    text = section.markdown()
    assert text.startswith(UNVERIFIED)
    assert "*Not verified; the model is certain that it exists.*" in text
    assert "*Not verified; the model thinks that it exists.*" in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"home_page": "https://workshop.example.org/about"}, None),
        ({"home_page": "http://[bad"}, "home_page is no web address"),
        ({"home_page": "javascript:alert(1)//a.be"}, "home_page is no web address"),
        ({"home_page": "https://x.example.org", "confidence_it_exists": "likely"}, "not certain to exist"),
        ({"description": "See HTTPS://x.example.org for what it did and where."}, "an address stands in a text"),
        ({"actionable_steps": ["Write to www.example.org and ask"]}, "an address stands in a text"),
        ({"success_metrics": []}, "too few entries (at least 1): success_metrics"),
        ({"project_name": "Ateliers de la  Rue Voot"}, "projects says the same thing twice"),
    ],
)
def test_addresses_stand_only_where_they_are_certain(change: dict[str, Any], says: str | None) -> None:
    answer = copy.deepcopy(GOOD)
    answer["suggestion_list"][0] |= change
    found = RelatedResources.model_validate(answer)
    problem = found.shallow()
    assert problem is None if says is None else says in (problem or "")
    assert ("**Home page, not checked:** https://workshop" in found.markdown()) is (says is None)


def test_who_knows_no_project_says_what_to_search_for() -> None:
    none_known: dict[str, Any] = {**GOOD, "suggestion_list": []}
    assert RelatedResources.model_validate(none_known).shallow() is None
    none_known["what_to_search_for"] = GOOD["what_to_search_for"][:2]
    assert "at least 3" in (RelatedResources.model_validate(none_known).shallow() or "")
