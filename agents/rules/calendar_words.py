"""The names of days, months, numbers, units and fixed holidays in English and German. Data, no rules."""

WEEKDAYS = {
    **dict.fromkeys(["monday", "mon", "montag", "mo"], 0),
    **dict.fromkeys(["tuesday", "tues", "tue", "dienstag", "di"], 1),
    **dict.fromkeys(["wednesday", "wed", "mittwoch", "mi"], 2),
    **dict.fromkeys(["thursday", "thurs", "thur", "thu", "donnerstag", "do"], 3),
    **dict.fromkeys(["friday", "fri", "freitag", "fr"], 4),
    **dict.fromkeys(["saturday", "sat", "samstag", "sonnabend", "sa"], 5),
    **dict.fromkeys(["sunday", "sun", "sonntag", "so"], 6),
}
LONG_DAYS = (
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
    "montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag"
)
SHORT_DAYS = "tues|tue|thurs|thur|thu|fri"
MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "januar|jänner|februar|märz|mai|juni|juli|oktober|dezember|"
    "jan|feb|mar|mär|apr|jun|jul|aug|sept|sep|okt|oct|nov|dez|dec"
)
NUMBERS = {
    **{"a couple of": 2, "couple of": 2, "a few": 3, "few": 3, "ein paar": 3, "paar": 3, "a": 1, "an": 1},
    **dict.fromkeys(["one", "ein", "eine", "einem", "einer", "einen"], 1),
    **{"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10},
    **{"eleven": 11, "twelve": 12, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7},
    **{"acht": 8, "neun": 9, "zehn": 10, "elf": 11, "zwölf": 12},
}
UNITS: dict[str, str] = {
    **dict.fromkeys(["minute", "minutes", "min", "mins", "minuten"], "minutes"),
    **dict.fromkeys(["hour", "hours", "hrs", "hr", "stunde", "stunden"], "hours"),
    **dict.fromkeys(["day", "days", "tag", "tage", "tagen"], "days"),
    **dict.fromkeys(["week", "weeks", "woche", "wochen"], "weeks"),
    **dict.fromkeys(["fortnight", "fortnights"], "fortnights"),
    **dict.fromkeys(["month", "months", "monat", "monate", "monaten"], "months"),
    **dict.fromkeys(["year", "years", "jahr", "jahre", "jahren"], "years"),
}
HOLIDAYS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(["christmas eve", "heiligabend"], (12, 24)),
    **dict.fromkeys(["christmas day", "christmas", "xmas", "weihnachten"], (12, 25)),
    **dict.fromkeys(["new year's eve", "silvester"], (12, 31)),
    **dict.fromkeys(["new year's day", "new year", "neujahr"], (1, 1)),
    **dict.fromkeys(["valentine's day", "valentinstag"], (2, 14)),
    "halloween": (10, 31),
}
