"""Numbers of cards in words: covered wherever they stand, and nothing else is."""

import pytest

from agents.browsing_masks import without_cards

VISA = "4111111111111111"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (VISA, "•••• 1111"),
        ("4111 1111 1111 1111", "•••• 1111"),
        ("4111-1111-1111-1111", "•••• 1111"),
        ("4111\u00a01111\u00a01111\u00a01111", "•••• 1111"),
        (f"Pay 49 {VISA} 12 30 123", "Pay 49 •••• 1111 12 30 123"),
        (f"{VISA}, {VISA}", "•••• 1111, •••• 1111"),
        (f"{VISA} {VISA}", "•••• 1111 •••• 1111"),
        (f"https://shop.example/pay?card={VISA}&x=1", "https://shop.example/pay?card=•••• 1111&x=1"),
        ("378282246310005", "•••• 0005"),
        ("4222222222222", "•••• 2222"),
        ("٤١١١١١١١١١١١١١١١", "•••• ١١١١"),
    ],
)
def test_a_card_is_covered_but_for_its_last_four_digits(text: str, shown: str) -> None:
    assert without_cards(text) == shown


@pytest.mark.parametrize(
    "text",
    ["", "4111111111111112", "49 €", "0000000000000000", "1" * 12, VISA + "1111", "+49 30 1234567", "🏔 Reykjavík"],
)
def test_other_numbers_stay(text: str) -> None:
    assert without_cards(text) == text


def test_a_text_without_end_of_digits_is_read_through() -> None:
    assert without_cards("7 " * 50_000)
