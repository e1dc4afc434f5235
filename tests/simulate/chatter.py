"""The mails of a month that want nothing of a person ahead of being asked: requests, talk, news, notices; and proposed times."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from core.outside.mail import MailAddress
from tests.simulate.making import DAY, Maker, at, own_words, say_day, signed, working_day
from tests.simulate.people import COLLEAGUES, EVERYBODY, OUTSIDE, OWNER, WRITE_DAILY

HOURS = timedelta(hours=1)


def request(maker: Maker, number: int) -> None:
    """Others ask; the person answers within a day or two, somebody else does, or nobody."""
    somebody, other = maker.random.sample(EVERYBODY, 2)
    language = maker.language()
    topic = maker.topic(language)
    asked_at = maker.moment(maker.day(0, 27))
    text = {
        "en": maker.random.choice(
            (
                f"can you send me {topic} by Friday?",
                f"could you have a look at {topic} please?",
                f"did {topic} reach you?",
            )
        ),
        "de": maker.random.choice(
            (f"kannst du mir {topic} bis Freitag schicken?", f"könntest du bitte {topic} ansehen?")
        ),
    }[language]
    cc = [other.mail] if number % 6 == 4 else []
    asked = maker.mail(
        asked_at, somebody.mail, OWNER, maker.subject(topic, language), signed(text, somebody, language), cc=cc
    )
    answered_at = asked_at + HOURS * maker.random.choice((1, 4, 20, 30))
    if number % 6 < 4:
        maker.answer(
            asked,
            answered_at,
            OWNER,
            own_words({"en": "here you are.", "de": "hier, bitte."}[language], somebody, language),
            language,
        )
    elif cc:
        does = {"en": f"I have it here, see below: {topic}.", "de": f"das liegt bei mir: {topic}."}[language]
        maker.mail(answered_at, other.mail, [somebody.mail, OWNER], f"Re: {asked.subject}", does, answers=asked)


def talk(maker: Maker) -> None:
    """Three speak about something; the person is one of many, and nothing of it waits for them."""
    people, language = maker.random.sample(COLLEAGUES, 3), maker.language()
    topic, sent_at = maker.topic(language), maker.moment(maker.day(0, 24))
    lines = {
        "en": (
            f"{people[1].first}, where do you keep {topic}?",
            "In the old folder, I think.",
            "No, it was moved last week.",
            f"Thanks, {people[2].first}, found it.",
        ),
        "de": (
            f"{people[1].first}, wo liegt {topic}?",
            "Im alten Ordner, glaube ich.",
            "Nein, das wurde letzte Woche verschoben.",
            f"Danke, {people[2].first}, gefunden.",
        ),
    }[language]
    cc = [people[2].mail, OWNER]
    last = maker.mail(
        sent_at,
        people[0].mail,
        people[1].mail,
        maker.subject(topic, language),
        f"{lines[0]}\n\n{people[0].first}",
        cc=cc,
    )
    for place, line in enumerate(lines[1:], 1):
        sent_at += timedelta(minutes=maker.random.choice((20, 90, 240)))
        who = people[place % 3]
        last = maker.answer(last, sent_at, who.mail, f"{line}\n\n{who.first}", language, cc=cc)


def proposed_times(maker: Maker, number: int) -> None:
    """Somebody proposes times; of three the person answers the next morning."""
    somebody, language = maker.random.choice(OUTSIDE), maker.language()
    topic = maker.topic(language)
    sent_at = maker.moment(maker.day(1, 23))
    one, other = working_day(sent_at.date() + 4 * DAY), working_day(sent_at.date() + 5 * DAY)
    text = {
        "en": f"shall we talk about {topic}? I could do {one:%A} {say_day(one, 'en', by_date=True)} at 15:00 or {other:%A} {say_day(other, 'en', by_date=True)} at 10:00.",
        "de": f"wollen wir sprechen ({topic})? Bei mir ginge {say_day(one, 'de', by_date=False)}, {say_day(one, 'de', by_date=True)} um 15 Uhr oder {say_day(other, 'de', by_date=True)} um 10 Uhr.",
    }[language]
    asked = maker.mail(sent_at, somebody.mail, OWNER, maker.subject(topic, language), signed(text, somebody, language))
    if number < 3:
        yes = {"en": "the first one suits me.", "de": "der erste passt mir."}[language]
        maker.answer(
            asked, at(working_day(sent_at.date() + DAY), 9), OWNER, own_words(yes, somebody, language), language
        )
    maker.want("time_proposal", asked.thread_key, sent_at, at(other, 10))


def daily(maker: Maker, number: int) -> None:
    """Those who write a lot, about this and that."""
    somebody, language = WRITE_DAILY[number % len(WRITE_DAILY)], maker.language()
    text = {
        "en": maker.random.choice(
            (
                "the coffee machine is fixed.",
                "have a look at the photo wall when you pass.",
                "the train was late again today.",
                "good news: the stand looks great.",
            )
        ),
        "de": maker.random.choice(
            (
                "die Kaffeemaschine geht wieder.",
                "der Zug hatte wieder Verspätung.",
                "gute Nachricht: der Stand sieht toll aus.",
            )
        ),
    }[language]
    maker.mail(
        maker.moment(maker.day()),
        somebody.mail,
        OWNER,
        maker.subject("this and that", language),
        signed(text, somebody, language),
    )


def fillers() -> Iterator[Callable[[Maker], None]]:
    while True:
        yield from (_newsletter, _notice, _newsletter, _information, _newsletter, _accepted, _notice)


def _newsletter(maker: Maker) -> None:
    name = maker.random.choice(
        ("Widget Weekly", "Garden Post", "Data Digest", "City Events", "Shop News", "Reisebrief", "Stadtblatt")
    )
    sender = MailAddress(f"news@{name.replace(' ', '').lower()}.example", name)
    in_german = name in {"Reisebrief", "Stadtblatt"}
    subject = maker.random.choice(
        ("10 Ideen für den Frühling", "Letzte Chance", "Was meinen Sie?")
        if in_german
        else ("10 things for this spring", "Don't miss this week", "Can you guess the number?", "Last chance")
    )
    ends = (
        "Was meinen Sie? Sagen Sie uns Ihre Meinung!\n\nAbmelden"
        if in_german
        else "What do you think? Tell us your opinion!\n\nUnsubscribe"
    )
    maker.mail(maker.moment(maker.day(works=False)), sender, OWNER, subject, f"{subject}. {ends} any time.", bulk=True)


def _notice(maker: Maker) -> None:
    name = maker.random.choice(("bank", "parcel", "railway", "cloud", "phone"))
    text = maker.random.choice(
        (
            "Your statement is ready. You don't need to do anything.",
            "Your parcel was delivered today.",
            "Your backup has ended without errors.",
            "Ihr Kontoauszug liegt bereit. Sie müssen nichts tun.",
            "Ihre Sendung wurde heute zugestellt.",
        )
    )
    maker.mail(
        maker.moment(maker.day(works=False)),
        MailAddress(f"no-reply@{name}.example", ""),
        OWNER,
        text.split(".")[0],
        text,
        automatic=True,
    )


def _information(maker: Maker) -> None:
    """To many, for their information: also what is called notes and is none of a meeting."""
    somebody, language = maker.random.choice(COLLEAGUES), maker.language()
    topic = maker.topic(language)
    text = {
        "en": f"for your information: {topic} was updated yesterday.",
        "de": f"zur Info: {topic} wurde gestern aktualisiert.",
    }[language]
    cc = [OWNER, *(one.mail for one in maker.random.sample(COLLEAGUES, 2))]
    to = maker.random.choice([one for one in COLLEAGUES if one != somebody]).mail
    maker.mail(
        maker.moment(maker.day()), somebody.mail, to, f"FYI: {topic}", f"Hi all,\n\n{text}\n\n{somebody.first}", cc=cc
    )


def _accepted(maker: Maker) -> None:
    """A calendar says that somebody comes."""
    held = [
        one
        for one in maker.month.arrivals
        if one.entry and one.entry.organizer == OWNER.address and one.entry.attendees
    ]
    one = maker.random.choice(held)
    guest = maker.random.choice(one.entry.attendees) if one.entry else None
    if one.entry and guest:
        text = f"{guest.name} has accepted this invitation."
        maker.mail(
            one.at + timedelta(minutes=30),
            MailAddress(guest.address, guest.name),
            OWNER,
            f"Accepted: {one.entry.title}",
            text,
            automatic=True,
        )
