"""A friendly reminder, drafted without a model."""

from typing import Any

import pytest

from agents.rules.workflows.reminder import draft_reminder
from tests.unit.agents.making import make_context

PROMISE = {
    "of": "promise",
    "quote": "I will send the contract on Friday.",
    "at": "2026-03-03",
    "address": "dana@northwind.example",
    "name": "Dana Ortiz",
}
SUBJECT = "Re: Contract"


def drafted(source: str = "proactive", **change: Any) -> Any:
    columns = {"source": source, "source_ref": {"subject": SUBJECT, "reminder": PROMISE | change}}
    return draft_reminder(make_context("Remind Dana Ortiz: Contract", "reply", columns=columns))


def test_it_quotes_the_promise_with_its_day() -> None:
    draft = drafted().draft
    assert draft
    assert (draft.to, draft.cc, draft.subject) == (["dana@northwind.example"], [], "Re: Contract")
    assert "on 3 March you wrote “I will send the contract on Friday.” Could you tell me how it stands?" in draft.body
    assert "Dana" in draft.body.splitlines()[0]
    assert draft.body.rstrip().endswith("Robin Vega")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"of": "question", "quote": "Can you send me the list?"}, "I am coming back to my message of 3 March: “Can you send me the list?”"),
        ({"quote": "Den Entwurf bekommst du am Freitag."}, "Am 3. März hast du geschrieben"),
        ({"quote": "Sie erhalten das Angebot bis Freitag."}, "Am 3. März schrieben Sie"),
        ({"of": "question", "quote": "Können Sie mir bitte die Liste schicken?"}, "Ich freue mich, von Ihnen zu hören."),
    ],
    ids=["question", "du", "Sie", "german question"],
)  # fmt: skip
def test_in_the_language_and_manner_of_the_thread(change: dict[str, str], words: str) -> None:
    assert words in drafted(**change).draft.body


@pytest.mark.parametrize("change", [{"quote": ""}, {"address": ""}])
def test_nothing_is_drafted_where_the_task_does_not_say(change: dict[str, str]) -> None:
    assert drafted(**change) is None
    assert draft_reminder(make_context("Remind Dana", "reply", columns={"source": "proactive"})) is None
    assert drafted("mail") is None  # what mail made has no such word
