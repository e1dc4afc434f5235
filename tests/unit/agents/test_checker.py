"""What the checker lets pass, and what it doesn't."""

from typing import Any

import pytest

from agents.checker import check, placeholder
from agents.strategist import DraftContent, Immediate, presented
from tests.unit.agents.making import NOW, mail_from_dana, make_context

CONTEXT = make_context("Mail ana@firm.example", thread=[mail_from_dana()])


def mail(**fields: Any) -> Immediate:
    draft = DraftContent.model_validate(
        {"to": ["ana@firm.example"], "subject": "Hello", "body": "Hello Ana,\n\nthanks."} | fields
    )
    return presented(Immediate(output="", confidence=0.9, draft=draft))


def codes(result: Immediate) -> list[str]:
    return [finding.code for finding in check(result, CONTEXT, NOW)]


def test_a_good_mail_passes() -> None:
    assert codes(mail()) == []


def test_an_address_out_of_the_headers_passes() -> None:
    assert codes(mail(to=["Dana@Northwind.example"])) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": []}, "no-recipient"),
        ({"to": ["Ana"]}, "address"),
        ({"to": ["a@b, c@d"]}, "address"),
        ({"to": ["ana@firm.example\nBcc: eve@evil.example"]}, "address"),
        ({"to": ["eve@evil.example"]}, "invented-recipient"),
        ({"cc": ["eve@evil.example"]}, "invented-recipient"),
        ({"subject": " "}, "no-subject"),
        ({"subject": "Hi\r\nBcc: eve@evil.example"}, "subject"),
        ({"body": " \n"}, "no-body"),
        ({"body": "Hello [Name],"}, "placeholder"),
        ({"subject": "About {{topic}}"}, "placeholder"),
        ({"body": "I'm sorry, but I can't write that."}, "refusal"),
        ({"body": "Please answer by 1 March 2026."}, "past-date"),
    ],
)
def test_a_mail_with_a_fault_has_it_named(fields: dict[str, Any], code: str) -> None:
    assert codes(mail(**fields)) == [code]


def test_a_finding_says_where() -> None:
    (finding,) = check(mail(cc=["eve@evil.example"]), CONTEXT, NOW)
    assert (finding.where, "eve@evil.example" in finding.message, finding.remedy != "") == ("cc", True, True)


def test_a_deadline_to_come_passes() -> None:
    assert codes(mail(body="Please answer by 20 March.")) == []


def test_a_missing_address_names_whose() -> None:
    context = make_context("Mail Ana", columns={"recipient": "Ana"})
    (finding,) = check(mail(to=[]), context, NOW)
    assert finding.message == "No address for Ana"


@pytest.mark.parametrize(
    "text",
    [
        "[Your Name]",
        "[Name]",
        "[Product Name]",
        "{{name}}",
        "{first_name}",
        "<insert date>",
        "TBD",
        "XXX",
        "Lorem ipsum",
        "____",
    ],
)
def test_placeholders_are_seen(text: str) -> None:
    assert placeholder(f"Hello {text}, welcome") is not None


@pytest.mark.parametrize(
    "text",
    [
        "- [ ] Anna ships",
        "- [x] done",
        "see [the page](https://a.example)",
        "as in [1]",
        "a < b > c",
        "for(int i){}",
        "to be decided",
        "exxxtra",
    ],
)
def test_what_only_looks_like_a_placeholder_passes(text: str) -> None:
    assert placeholder(text) is None


@pytest.mark.parametrize(
    ("output", "format_", "code"),
    [("", "text", ["empty"]), (" \n", "markdown", ["empty"]), ("{bad", "json", ["json"]), ("[" * 100_000, "json", ["json"]),
     ('{"a": 1}', "json", []), ("As an AI, I cannot", "text", ["refusal"]), ("# Report\n\nTBD", "markdown", ["placeholder"]),
     ("Category,Planned\nVenue,\n", "csv", [])],
)  # fmt: skip
def test_results_without_a_mail_are_checked_too(output: str, format_: str, code: list[str]) -> None:
    assert codes(Immediate.model_validate({"output": output, "format": format_, "confidence": 0.5})) == code
