"""Forms as they are shown and hashed."""

from dataclasses import replace
from typing import Any

import pytest

from core.outside.browser import MASK, FormField
from integrations.browser.forms import form_from


def found(**changes: Any) -> dict[str, Any]:
    form = {"has_form": True, "submits": True, "page": "https://a.example/x#part", "action": "https://a.example/order", "method": "post", "role": "",
            "button": "Buy", "text": "Total 49 €", "fields": [field("Name", "Ana")]}  # fmt: skip
    return form | changes


def field(label: str, value: str, kind: str = "text", **more: Any) -> dict[str, Any]:
    return {
        "label": label,
        "name": label.casefold(),
        "kind": kind,
        "value": value,
        "hidden": kind == "hidden",
        "secret": "",
        **more,
    }


def test_secrets_are_masked() -> None:
    form = form_from(
        found(
            fields=[field("Password", "right horse", "password", secret="password"), field("Card", "", secret="card")]
        )
    )
    assert [one.value for one in form.fields] == [MASK, ""]
    assert form.has_password
    assert "horse" not in repr(form)


def test_of_a_card_its_last_four_digits_are_seen() -> None:
    fields = [field("Card number", "4111 1111 1111 1111", secret="card"), field("Card number", "4111", secret="card"),
              field("CVC", "737", secret="payment"), field("IBAN", "DE02120300000000202051", secret="payment")]  # fmt: skip
    form = form_from(found(fields=fields))
    assert [one.value for one in form.fields] == ["•••• 1111", MASK, MASK, MASK]
    assert not form.has_password


def test_tokens_are_no_part_of_what_is_agreed_to_and_other_hidden_fields_are() -> None:
    def with_hidden(name: str, value: str) -> str:
        return form_from(found(fields=[field(name, value, "hidden")])).digest

    assert with_hidden("csrf_token", "1") == with_hidden("csrf_token", "2")
    assert with_hidden("x", "QUJDREVGR0hJSktMTU5PUFFSU1RVVg==") == with_hidden("x", "YUJDREVGR0hJSktMTU5PUFFSU1RVVg==")
    assert with_hidden("amount", "49") != with_hidden("amount", "94")


@pytest.mark.parametrize(
    "change",
    [{"target_url": "https://b.example/order"}, {"method": "get"}, {"button": "Sell"}, {"text": "Total 94 €"}, {"page_url": "https://a.example/y"},
     {"fields": (FormField("Name", "name", "text", "Eva"),)}, {"fields": ()}],
)  # fmt: skip
def test_any_change_changes_the_digest(change: dict[str, Any]) -> None:
    form = form_from(found())
    assert form.page_url == "https://a.example/x"
    assert replace(form, **change).digest != form.digest


@pytest.mark.parametrize(
    ("changes", "is_search"),
    [
        ({"method": "get", "fields": [field("q", "tea")]}, True),
        ({"method": "get", "role": "search", "fields": [field("q", "tea"), field("in", "all", "select-one")]}, True),
        ({"method": "get", "fields": [field("q", "tea", "search")]}, True),
        ({"method": "post", "role": "search"}, False),
        ({"method": "get", "fields": []}, False),
        ({"method": "get", "fields": [field("a", "1"), field("b", "2")]}, False),
        ({"method": "get", "role": "search", "fields": [field("p", "x", "password", secret="password")]}, False),
        ({"method": "get", "fields": [field("e", "a@b.example", "email")]}, False),
        ({"method": "get", "fields": [field("all", "long", "textarea")]}, False),
    ],
)
def test_only_a_search_goes_without_asking(changes: dict[str, Any], is_search: bool) -> None:
    assert form_from(found(**changes)).is_search is is_search
