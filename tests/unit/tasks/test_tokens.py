"""Scopes as they are read, and what of a token is kept."""

import pytest

from core.errors import Invalid
from tasks.tokens import DEFAULT_SCOPES, FORM, SCOPE_WORDS, SCOPES, hash_of, read_scopes


def test_scopes_are_read_once_each_without_spaces() -> None:
    assert read_scopes([" tasks:read", "tasks:read", "mail:read "]) == ["tasks:read", "mail:read"]


@pytest.mark.parametrize("given", [[], ["tasks"], ["*"], ["tasks:read", ""], ["TASKS:READ"]])
def test_what_is_no_scope_is_named_with_those_there_are(given: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        read_scopes(given)
    assert caught.value.errors[0]["field"] == "scopes"
    assert "review:write" in caught.value.errors[0]["message"]


def test_deciding_is_never_given_by_default_and_every_scope_is_explained() -> None:
    assert "review:write" not in DEFAULT_SCOPES
    assert set(SCOPE_WORDS) == set(SCOPES)


@pytest.mark.parametrize("text", ["stw_", "stw_" + "a" * 42, "stw_" + "a" * 44, "stw_" + "é" * 43, "x" + "a" * 46])
def test_only_the_form_of_a_token_is_looked_up(text: str) -> None:
    assert FORM.fullmatch(text) is None


def test_of_a_token_its_sha256_is_kept() -> None:
    assert hash_of("stw_a") == "fefe45250a152409308b8702f7777094c4cc0ce437ea0dea3011204207dc7d17"
