"""Invoices and reminders to pay, in English and German mails."""

import re
from dataclasses import dataclass
from datetime import datetime

from agents.rules.dates import DateMention, find_dates

ANY = re.IGNORECASE
INVOICE = re.compile(
    r"\b(?:invoices?|bill|amount\s+due|balance\s+due|outstanding\s+(?:amount|balance)|payment\s+(?:reminder|due|request)|minimum\s+payment|rechnung\w*|mahnung|zahlungserinnerung|zahlungsaufforderung|rate|beitrag|offene[rn]?\s+betrag)\b",
    ANY,
)
NUMBER = re.compile(
    r"\b(?:invoice|bill|rechnung(?:snummer)?|faktura)s?\s*(?:no\.?|nr\.?|number|nummer|#|-?nr\.?)?\s*:?\s*#?(?P<number>(?=[\w/-]*\d)[A-Z0-9][\w/-]*)",
    ANY,
)
AMOUNT = re.compile(
    r"(?:EUR|USD|GBP|CHF|€|\$|£)\s?(?:\d{1,3}(?:[.,'’ ]\d{3})+|\d+)(?:[.,]\d{1,2})?(?!\d)|(?<![\d.,])(?:\d{1,3}(?:[.,'’]\d{3})+|\d+)(?:[.,]\d{1,2})?\s?(?:EUR|USD|GBP|CHF|€|Euro|euros|Franken|dollars)(?!\w)",
)
ASKS = re.compile(
    r"\b(?:please\s+(?:\w+\s+)?(?:pay|settle|transfer|remit|arrange)|pay(?:able)?\s+(?:by|within|until|before)|(?:is|was|are|falls|now|payment)\s+(?:due|overdue)|due\s+(?:on|by|date|in|within|\d)|overdue|past\s+due|to\s+be\s+paid|"
    r"(?:bitte\s+)?(?:überweis\w*|begleich\w*|bezahl\w*|zahl(?:en|e)\s+sie)|zahlbar|zahlungsziel|fällig\w*|überfällig|mahnung|zahlungserinnerung)",
    ANY,
)  # fmt: skip
SETTLED = re.compile(
    r"\b(?:has\s+been\s+paid|(?:was|is)\s+paid|already\s+paid|paid\s+in\s+full|payment\s+(?:was\s+|has\s+been\s+)?(?:received|successful|confirmation|processed)|received\s+your\s+payment|thank(?:s|\s+you)\s+for\s+your\s+payment|receipt\s+for|credit\s+note|"
    r"will\s+be\s+(?:debited|charged|collected|withdrawn)|direct\s+debit|autopay|auto-?pay|charged\s+(?:to|automatically)|no\s+(?:payment|action)\s+(?:is\s+)?(?:required|due|needed)|"
    r"wird\s+(?:\w+\s+){0,6}(?:abgebucht|eingezogen)|buchen\s+wir\b|ziehen\s+wir\b|lastschrift\w*|sepa-mandat|bereits\s+(?:bezahlt|beglichen)|zahlung\s+(?:ist\s+)?(?:eingegangen|erhalten)|dankend\s+erhalten|gutschrift)",
    ANY,
)  # fmt: skip
NEAR_DUE = re.compile(
    r"\b(?:due|payable|pay|by|until|within|before|fällig\w*|zahlbar|bis|innerhalb|spätestens|zahlungsziel|überweis\w*)\b",
    ANY,
)
LATE = re.compile(r"\b(?:overdue|past\s+due|was\s+due|überfällig|war\s+(?:\w+\s+){0,6}fällig)\b", ANY)


@dataclass(frozen=True)
class Invoice:
    """Something to pay. `amount` and `number` as they stand in the mail, empty where it names none."""

    number: str
    amount: str
    due: DateMention | None
    quote: str


def find_invoice(subject: str, text: str, seen: datetime) -> Invoice | None:
    """The invoice or reminder that a mail is; None when it asks for no payment or says that it is settled."""
    whole = f"{subject}\n\n{text[:20_000]}"
    if not INVOICE.search(whole) or not ASKS.search(whole) or SETTLED.search(whole):
        return None
    number = NUMBER.search(whole)
    lines = [" ".join(line.split()) for line in re.split(r"\n\s*\n|(?<=[.!?])\s+(?=[A-ZÄÖÜ])", whole)]
    asking = [line for line in lines if ASKS.search(line)] or lines
    amount = next((found for line in [*asking, *lines] if (found := AMOUNT.search(line))), None)
    if not number and not amount:
        return None
    due = _due(asking, lines, seen)
    quote = next((line for line in [*asking, *lines] if AMOUNT.search(line)), asking[-1])
    return Invoice(number["number"].strip("/-") if number else "", amount[0] if amount else "", due, quote[:500])


def _due(asking: list[str], lines: list[str], seen: datetime) -> DateMention | None:
    for line in [*asking, *lines]:
        if not NEAR_DUE.search(line):
            continue
        dates = find_dates(line, seen, prefer="past" if LATE.search(line) else "future")
        if dates:
            return next((date for date in dates if date.relation in {"by", "before"}), dates[-1])
    return None
