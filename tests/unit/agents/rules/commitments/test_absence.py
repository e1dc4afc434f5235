"""Until when somebody is away, by their automatic answer."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agents.rules.commitments.absence import away_until

SENT = datetime(2026, 3, 4, 10, 2, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("subject", "text", "back"),
    [
        ("Automatic reply: Delay", "I am away until 12 March.", "2026-03-13 09:00"),
        ("Out of office", "I will be back on Monday, 16 March. For urgent matters call Ana.", "2026-03-16 09:00"),
        ("Abwesenheit", "Ich bin bis zum 13. März im Urlaub.", "2026-03-14 09:00"),
        ("Abwesenheitsnotiz", "Ich bin vom 2.3. bis 13.3. nicht im Büro und ab dem 16.3. wieder erreichbar.", "2026-03-16 09:00"),
        ("Re: Offer", "I am out of office from 4 March to 10 March with no access to email", "2026-03-11 09:00"),
        ("OOO", "I'm out of the office and return on Tuesday.", "2026-03-10 09:00"),
        ("Automatische Antwort", "Ich bin am 12. März wieder da.", "2026-03-12 09:00"),
        ("Automatic reply", "I am on leave through Friday.", "2026-03-07 09:00"),
        ("Automatic reply", "I am out of the office today.", ""),
        ("Automatic reply", "Thank you for your message. We opened ticket 12 on 4 March.", ""),
        ("Automatic reply", "I was away until 2 March 2020.", ""),
    ],
)  # fmt: skip
def test_an_automatic_answer_says_when_they_are_back(subject: str, text: str, back: str) -> None:
    found = away_until(subject, text, SENT, auto_submitted=True)
    assert (f"{found:%Y-%m-%d %H:%M}" if found else "") == back


def test_a_person_who_writes_of_a_journey_is_not_away_by_it() -> None:
    assert away_until("Re: Offer", "I am away until 12 March", SENT, auto_submitted=False) is None
