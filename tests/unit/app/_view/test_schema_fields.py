from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict

from app._view.schema_fields import OTHERS, fields_of, read_fields, with_text


class Inner(BaseModel):
    name: str


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid")

    to: list[str]
    subject: str
    retries: int | None = None
    share: float = 0.5
    is_urgent: bool = False
    tone: Literal["plain", "warm"] = "plain"
    inner: Inner | None = None


SCHEMA = Given.model_json_schema()
VALUES: dict[str, Any] = {
    "to": ["ana@example.com", "bo@example.com"],
    "subject": "Über die\nMiete",
    "retries": 3,
    "share": 0.25,
    "is_urgent": True,
    "tone": "warm",
    "inner": {"name": "x"},
}


def test_values_come_back_as_they_were() -> None:
    fields = fields_of(SCHEMA, VALUES)
    assert [field.kind for field in fields] == ["lines", "text", "whole", "number", "flag", "choice", "json"]
    assert [field.is_required for field in fields] == [True, True, False, False, False, False, False]
    assert read_fields(fields) == (VALUES, {})


def test_what_is_left_empty_has_no_value_and_what_is_needed_stays_to_be_checked() -> None:
    assert read_fields(fields_of(SCHEMA, {})) == ({"to": [], "subject": ""}, {})


def test_a_template_stands_where_a_number_would() -> None:
    fields = fields_of(SCHEMA, {"retries": "{{ count.number }}", "to": "{{ team.addresses }}"})
    values, errors = read_fields(fields)
    assert (values["retries"], values["to"], errors) == ("{{ count.number }}", "{{ team.addresses }}", {})


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("retries", "many", "a whole number, not 'many'"),
        ("retries", "1.5", "a whole number"),
        ("share", "nan", "a number"),
        ("is_urgent", "perhaps", "yes or no"),
        ("tone", "rude", "allowed: plain, warm"),
        ("inner", '{"name": ', "not JSON"),
        ("inner", "[" * 100_000, "nested too deep"),
    ],
    ids=["word", "fraction", "nan", "flag", "choice", "json", "deep"],
)
def test_what_does_not_fit_says_what_is_allowed(name: str, text: str, says: str) -> None:
    fields = [with_text(one, text) if one.name == name else one for one in fields_of(SCHEMA, VALUES)]
    values, errors = read_fields(fields)
    assert says in errors[name]
    assert name not in values


def test_fields_that_no_schema_knows_are_kept_as_json() -> None:
    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")
        question: str = ""

    fields = fields_of(Open.model_json_schema(), {"question": "Go?", "amount": 7})
    assert [field.name for field in fields] == ["question", OTHERS]
    assert read_fields(fields)[0] == {"question": "Go?", "amount": 7}
    assert "object" in read_fields([with_text(fields[1], "[1]")])[1][OTHERS]
