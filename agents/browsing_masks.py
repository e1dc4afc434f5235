"""Numbers of cards in words that are shown or recorded: all but the last four digits are covered."""

import re

RUN = re.compile(r"\d(?:[\s\-–]{0,2}\d){12,}")
DIGITS = re.compile(r"\d+")
COVERED = re.compile(r"•{4} \d{4}")
LENGTHS = range(13, 20)


def without_cards(text: str) -> str:
    """The text with every number of 13 to 19 digits that passes the Luhn check as "•••• 1111"; spaces and dashes may part it."""
    return RUN.sub(lambda run: _covered(run[0]), text)


def is_covered(text: str) -> bool:
    """Does a covered number of a card stand here?"""
    return COVERED.search(text) is not None


def is_card(digits: str) -> bool:
    """Digits of a length that cards have, the last of which checks the others (Luhn)."""
    values = [int(digit) for digit in reversed(digits)]
    total = sum(value if at % 2 == 0 else sum(divmod(value * 2, 10)) for at, value in enumerate(values))
    return len(values) in LENGTHS and any(values) and total % 10 == 0


def _covered(run: str) -> str:
    """A run of groups of digits; a card begins and ends with a group, and others may stand beside it."""
    groups = list(DIGITS.finditer(run))
    shown, done, first = "", 0, 0
    while first < len(groups):
        found = _card_from(groups, first)
        if found is None:
            first += 1
            continue
        after, digits = found
        shown += f"{run[done : groups[first].start()]}•••• {digits[-4:]}"
        done, first = groups[after - 1].end(), after
    return shown + run[done:]


def _card_from(groups: list[re.Match[str]], first: int) -> tuple[int, str] | None:
    """The card that begins with this group: the number of the group after it, and its digits."""
    digits = ""
    for at in range(first, len(groups)):
        digits += groups[at][0]
        if len(digits) >= LENGTHS.stop:
            return None
        if is_card(digits):
            return at + 1, digits
    return None
