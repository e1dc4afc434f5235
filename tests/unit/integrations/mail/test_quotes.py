"""What is new in a mail, told from what it quotes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.mail.quotes import split_quoted


@pytest.mark.parametrize(
    "rest",
    [
        "On Tue, 3 Mar 2026 at 09:12, Dana Ortiz wrote:\n> Hello\n> there",
        "On Tue, 3 Mar 2026 at 09:12, Dana Ortiz <dana@northwind.example>\nwrote:\n> Hello",
        "Am 03.03.2026 um 09:12 schrieb Dana Ortiz:\n> Hallo",
        "Am Di., 3. März 2026 um 09:12 Uhr schrieb Dana Ortiz <\ndana@northwind.example>:\n> Hallo",
        "-----Original Message-----\nFrom: Dana\nHello",
        "-----Ursprüngliche Nachricht-----\nVon: Dana\nHallo",
        "---------- Forwarded message ---------\nFrom: Dana\nHello",
        "From: Dana Ortiz\nSent: Tuesday\nTo: Robin\nSubject: Hi\n\nHello",
        "Von: Dana Ortiz\nGesendet: Dienstag\nAn: Robin\nBetreff: Hi\n\nHallo",
        "Dana Ortiz <dana@northwind.example> schrieb am Di., 3. März 2026, 09:12:\n> Hallo",
        "On Mar 3, 2026, Dana wrote:\nHello without marks",
        "> Hello\n> there",
    ],
)
def test_the_quoted_rest_is_cut(rest: str) -> None:
    new, quoted = split_quoted(f"My answer.\n\nRobin\n\n{rest}")
    assert new == "My answer.\n\nRobin"
    assert quoted == rest


def test_answers_between_quoted_lines_are_kept() -> None:
    text = "On 3 March 2026 Dana wrote:\n> When?\nOn Friday.\n> Where?\nHere."
    new, quoted = split_quoted(text)
    assert new == "On Friday.\nHere."
    assert quoted == "> When?\n> Where?"


@pytest.mark.parametrize(
    "end", ["-- \nRobin\nVega Ltd", "--\nRobin", "Sent from my phone", "Von meinem iPhone gesendet"]
)
def test_a_signature_is_cut(end: str) -> None:
    assert split_quoted(f"My answer.\n\n{end}") == ("My answer.", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello",
        "On Friday we wrote:\nit works.",
        "I wrote: hi",
        "Am Freitag passt es.\nGruß",
        "From: here to there\nit is far",
    ],
)
def test_what_quotes_nothing_stays_whole(text: str) -> None:
    assert split_quoted(text) == (text, "")


@given(text=st.text(alphabet="On Amwroteschib:>\n-12@.<", max_size=200))
def test_any_text_is_split(text: str) -> None:
    new, quoted = split_quoted(text)
    assert len(new) + len(quoted) <= len(text)
