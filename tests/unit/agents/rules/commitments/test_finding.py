"""Promises in real-looking sentences, English and German; and what only looks like one."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from agents.rules.commitments.finding import find_promises, read_promise

SAID = datetime(2026, 3, 3, 10, 2, tzinfo=ZoneInfo("Europe/Berlin"))  # a Tuesday

PROMISES = [  # sentence, due (day, or day and time; "" for none)
    ("Dana, I'll check with production and get back to you by Thursday noon.", "2026-03-05 12:00"),
    ("I'll get back to you by Thursday noon.", "2026-03-05 12:00"),
    ("I will send the contract on Friday.", "2026-03-06"),
    ("You'll have it tomorrow.", "2026-03-04"),
    ("ich melde mich bis Freitag", "2026-03-06"),
    ("Das bekommst du morgen.", "2026-03-04"),
    ("Bekommst du morgen.", "2026-03-04"),
    ("I'll let you know by end of week.", "2026-03-06"),
    ("Will do by Monday.", "2026-03-09"),
    ("Sure, will send it over tomorrow.", "2026-03-04"),
    ("We will deliver the parts before 12 March.", "2026-03-11"),
    ("I can get it to you by Friday.", "2026-03-06"),
    ("I promise you'll hear from us on Monday.", "2026-03-09"),
    ("You will hear from me next week.", "2026-03-13"),
    ("I'm going to call the supplier tomorrow morning and confirm.", "2026-03-04 09:00"),
    ("I'll check whether it works and let you know tomorrow.", "2026-03-04"),
    ("I'll find out if the room is free and tell you by Thursday.", "2026-03-05"),
    ("Bis Freitag schicke ich dir den Vertrag.", "2026-03-06"),
    ("Ich werde Ihnen das Angebot bis 10. März zusenden.", "2026-03-10"),
    ("Sie erhalten die Unterlagen bis Ende der Woche von uns.", "2026-03-06"),
    ("Wir melden uns am Montag bei Ihnen.", "2026-03-09"),
    ("Ich kläre das und gebe dir morgen Bescheid.", "2026-03-04"),
    ("Sie hören von mir.", ""),
    ("Morgen rufe ich Sie an.", "2026-03-04"),
    ("Ich kümmere mich darum.", ""),
    ("I'll have the draft ready by Monday.", "2026-03-09"),
    ("Let me check, I'll reply tomorrow.", "2026-03-04"),
    ("I'll take care of it.", ""),
    ("You can expect my comments by Wednesday.", "2026-03-04"),
    ("I'll be in touch by Friday.", "2026-03-06"),
    ("I’ll forward you the notes this afternoon.", "2026-03-03 15:00"),
    ("Ich prüfe, ob das geht, und melde mich bis Donnerstag.", "2026-03-05"),
    ("Den Entwurf bekommen Sie am Donnerstag.", "2026-03-05"),
    ("Ich komme bis Freitag auf Sie zu.", "2026-03-06"),
    ("We'll ship it by EOD.", "2026-03-03"),
    ("I will pay the invoice on Monday.", "2026-03-09"),
    ("Ich verspreche, dass du es bis Freitag hast.", "2026-03-06"),
    ("I'll send you the notes from Monday's meeting tomorrow.", ""),
    ("I will review it and get back to you early next week.", "2026-03-13"),
    ("Let me check with legal and come back to you by Wednesday.", "2026-03-04"),
    ("Leave it with me, you'll have an answer by Friday.", "2026-03-06"),
    ("I can have it ready by Monday.", "2026-03-09"),
    ("We are going to send the invoice next week.", "2026-03-13"),
    ("As promised, I'll send the slides later today.", "2026-03-03"),
    ("I'll get the slides to you by end of day.", "2026-03-03"),
    ("I will call you back this afternoon.", "2026-03-03 15:00"),
    ("I'll call you on Monday at 9.", "2026-03-09 09:00"),
    ("Expect my feedback by Thursday.", "2026-03-05"),
    ("I'll do it tomorrow.", "2026-03-04"),
    ("I will not be able to join, but I'll send my notes by Friday.", "2026-03-06"),
    ("I can't do Friday, I'll send it on Monday.", "2026-03-06"),
    ("Sorry for the delay, I'll send it tonight.", "2026-03-03 20:00"),
    ("Wir kümmern uns darum und melden uns bis Mittwoch.", "2026-03-04"),
    ("Das schicke ich Ihnen morgen zu.", "2026-03-04"),
    ("Das Dokument erhalten Sie spätestens am Montag.", "2026-03-09"),
    ("Ich lasse es prüfen und melde mich nächste Woche.", "2026-03-13"),
    ("Danke, das schaue ich mir morgen an.", "2026-03-04"),
    ("Ich gebe Ihnen bis Ende der Woche Rückmeldung.", "2026-03-06"),
    ("Rückmeldung bekommst du bis Donnerstag.", "2026-03-05"),
    ("Ich reiche die Unterlagen morgen nach.", "2026-03-04"),
    ("Ich rufe dich zurück.", ""),
    ("I'll send you an invite.", ""),
    ("Will send tomorrow.", "2026-03-04"),
    ("You'll find the details below and we will send the contract tomorrow.", "2026-03-04"),
    ("I'll ask Ana to send it to you by Friday.", "2026-03-06"),
]
NONE = [
    "Will you send it by Friday?",
    "I won't be able to send it before Friday.",
    "I will not send the contract on Friday.",
    "If legal agrees, I'll send the contract on Friday.",
    "I'll send it once legal signs off.",
    "I'll probably send it on Friday.",
    "I'll try to send it tomorrow.",
    "You said you would send it on Friday.",
    "Dana wrote “I will send it on Friday” last week.",
    "See you on Friday.",
    "I'll see you tomorrow.",
    "I will be in Berlin on Friday.",
    "I'll be out of the office until 12 March.",
    "We promised our customer delivery on 12 March.",
    "Anbei schicke ich dir die Unterlagen.",
    "Ich schicke dir hiermit den Vertrag.",
    "Ich schicke es nicht vor Freitag.",
    "Wenn es klappt, schicke ich es morgen.",
    "Schickst du mir das bis Freitag?",
    "Ich frage mich, ob das morgen geht.",
    "Ich komme aus Hamburg.",
    "Soll ich dir das bis Freitag schicken?",
    "Vielleicht melde ich mich morgen.",
    "I sent it on Friday.",
    "You will love it.",
    "Could you get back to me by Thursday?",
    "You'll find the file attached.",
    "You will receive a confirmation email.",
    "I usually send it on Fridays.",
    "I'll talk to you tomorrow.",
    "Please send it by Friday.",
    "Scope is frozen.",
    "Omar fixes the import bug by Wednesday.",
    "I would send it tomorrow but I'm ill.",
    "Ich würde es dir morgen schicken.",
    "Wir schicken jeden Freitag einen Newsletter.",
    "I don't think I'll send it today.",
    "Our team will send it Friday",
    "I'll admit that is late.",
    "Let me know by Friday.",
    "She said I will get it tomorrow.",
    "Das mache ich mir morgen nicht zur Aufgabe.",
    "I'll be happy to help.",
    "We will be closed on Friday.",
    "I'll keep it short.",
    "I will let Ana handle the contract.",
    "You will get a discount if you order today.",
    "Your package will be delivered tomorrow.",
    "We will inform you about new offers.",
    "I'll send flowers if I must.",
    "We'll meet on Friday at 10.",
    "I will attend the meeting on Friday.",
    "I'll join the call tomorrow.",
    "I should be able to send it Friday.",
    "I'll ping you once I know more.",
    "Once I have the numbers I'll send them by Friday.",
    "I was going to send it on Friday.",
    "I will have sent it by then.",
    "He will send the contract tomorrow.",
    "They'll get back to you by Friday.",
    "I'll do my best.",
    "I'd send it tomorrow.",
    "I'll think about it.",
    "Ich melde mich, sobald ich etwas weiß.",
    "Melde dich bitte bis Freitag.",
    "Ich melde mich heute krank.",
    "Ich bin am Freitag nicht da.",
    "Wir freuen uns, Sie am Montag zu sehen.",
    "Sie erhalten in Kürze eine Bestätigung.",
    "Ich werde am Montag im Urlaub sein.",
    "Ich muss das noch mit Ana klären.",
    "Könntest du mir das schicken?",
    "Ich habe dir den Vertrag gestern geschickt.",
    "Ich wollte dir den Vertrag schicken.",
    "We'll see what happens on Friday.",
    "I'll leave on Friday.",
    "I'll update you when they reply.",
    "Unfortunately I will not make it by Friday.",
    "Thanks, I will.",
    "I'll ask you again tomorrow.",
    "You will have to send it by Friday.",
    "You'll need to confirm by Friday.",
    "Then you'll have two weeks to reply by 20 March.",
]


@pytest.mark.parametrize(("sentence", "due"), PROMISES)
def test_a_promise_is_found_with_its_day(sentence: str, due: str) -> None:
    promise = read_promise(sentence, SAID)
    assert promise
    assert promise.quote == sentence
    told = promise.due_at.strftime("%Y-%m-%d" if promise.due_is_all_day else "%Y-%m-%d %H:%M") if promise.due_at else ""
    assert told == due


@pytest.mark.parametrize("sentence", NONE)
def test_no_promise(sentence: str) -> None:
    assert read_promise(sentence, SAID) is None


def test_titles_are_without_the_date() -> None:
    titles = [
        one.title
        for one in find_promises("I'll send you the contract by Friday.\nIch schicke dir morgen das Angebot.", SAID)
    ]
    assert titles == ["Send you the contract", "Ich schicke dir das Angebot"]


def test_quotes_greeting_and_closing_make_none() -> None:
    text = "Hi Robin,\n\n> I'll send it by Friday.\n\nWill do by Monday.\n\nBest,\nAna"
    assert [one.quote for one in find_promises(text, SAID)] == ["Will do by Monday."]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00",
        "I'll " * 5_000,
        "ich werde " + "ä" * 50_000,
        "I will send it " * 2_000,
        "“" * 3_000,
        "😀 I'll send it? " * 300,
    ],
    ids=["empty", "space", "nul", "long", "umlauts", "again", "marks", "questions"],
)
def test_anything_can_be_read(text: str) -> None:
    assert all(one.quote for one in find_promises(text, SAID))


def test_the_same_words_twice_are_one() -> None:
    assert len(find_promises("I'll send it tomorrow.\n\nI'll send it tomorrow.", SAID)) == 1
