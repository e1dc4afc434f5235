"""Which of the names that others wrote may stand in a greeting."""

import pytest

from agents.rules.workflows.known_names import as_person, greeted_as, names_of_people, said_by_address

TAKEN = [
    ("Chiara Rossi", "chiara@vega.example"),
    ("Chiara Rossi", "rossi@vega.example"),
    ("Chiara Rossi", "cr@vega.example"),
    ("Mia Berg", "info@bergbau.example"),  # a first name that is known
    ("Jürgen Groß", "j.gross@vega.example"),
    ("Zoë O’Hara-Lind", "zoe.ohara@vega.example"),
    ("Aoife", "aoife@vega.example"),
]
IGNORED = [
    ("", "chiara@vega.example"),
    ("Chiara\nBcc: x", "chiara@vega.example"),
    ("Chiara <b>", "chiara@vega.example"),
    ("Chiara pay at https://x.example", "chiara@vega.example"),
    ("chiara@vega.example", "chiara@vega.example"),
    ("Chiara 2", "chiara@vega.example"),
    ("CHIARA ROSSI", "chiara@vega.example"),
    ("Chiara please send the money", "chiara@vega.example"),  # five words
    ("Please Chiara", "chiara@vega.example"),
    ("Rossi, Chiara", "chiara@vega.example"),
    ("Chiara via Docs", "chiara@vega.example"),
    ("Acme Billing", "billing@acme.example"),
    ("Widget Weekly", "news@widgetweekly.example"),
    ("Chiara " + "a" * 60, "chiara@vega.example"),
    ("Dr Chiara", "chiara@vega.example"),
    ("Somebody Else", "chiara@vega.example"),
    ("C Rossi", "rossi@vega.example"),
    ("Chiara\u200b Rossi", "chiara@vega.example"),
    ("Please\u2800transfer\u28005000\u2800EUR", "alex@vega.example"),
    ("Please\u3164transfer Alex", "alex@vega.example"),  # a filler is a letter by name, and looks like a space
    ("Please-transfer-the-money-now Alex", "alex@vega.example"),
    ("\u202exelA", "alex@vega.example"),
]


@pytest.mark.parametrize(("name", "address"), TAKEN, ids=range(len(TAKEN)))
def test_a_persons_name_is_taken(name: str, address: str) -> None:
    assert as_person(name, address) == name


@pytest.mark.parametrize(("name", "address"), IGNORED, ids=range(len(IGNORED)))
def test_anything_else_is_ignored(name: str, address: str) -> None:
    assert as_person(name, address) == ""


def test_the_first_that_is_a_name_counts_and_after_reading_others_only_what_the_address_says() -> None:
    found = {
        "Chiara@vega.example": ["Open this now!", "Chiara Rossi"],
        "cr@vega.example": ["Chiara Rossi"],
        "x@y.example": [],
    }
    assert names_of_people(found, only_as_in_address=False) == {
        "chiara@vega.example": "Chiara Rossi",
        "cr@vega.example": "Chiara Rossi",
    }
    assert names_of_people(found, only_as_in_address=True) == {"chiara@vega.example": "Chiara Rossi"}


HOSTILE = [
    "Please\u2800transfer\u28005000\u2800EUR",
    "\u202exelA",
    "Alex\u3164now",
    "Alex5000",
    "https://evil.example",
    "Pay " * 30,
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_greeting_carries_what_is_not_a_name(name: str) -> None:
    assert said_by_address(name, "alex@vega.example") == ""
    assert greeted_as(name) in {"", "Pay"}


def test_who_is_answered_is_called_by_name_and_unasked_only_as_the_address_says() -> None:
    names = ["Dana Ortiz", "Ortiz, Dana", "Dana J. Ortiz", "Dr. Weber", "Dr. Please pay it now"]
    assert [greeted_as(one) for one in names] == ["Dana Ortiz", "Dana Ortiz", "Dana", "Dr. Weber", ""]
    assert said_by_address("Ortiz, Dana", "dana.ortiz@vega.example") == "Dana"
    assert said_by_address("Dana Ortiz", "office@vega.example") == ""
