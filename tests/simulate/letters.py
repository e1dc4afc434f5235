"""The 600 mails of a month, and what of them a reasonable person wants to hear of, and why.

- A question of one's own that nobody answered, some days later. It is answered by whoever knows, in its thread or in a new one, or
  in person, which the person's own thanks say. It is not answered by a mail about something else, by "me too", or by a machine.
- What somebody promised and did not bring, half a day after it was due; not if another brings it, or if they asked for more time
  and that is not over. A promise to somebody else of which one had a copy is not one's own business.
- One's own promise, in time to keep it, unless it is kept by then, by oneself or by another; "some time" is no promise.
- Times that somebody proposes. Nothing at all of newsletters, notices, copies, and talk between others.
Where the two sat together in a small round meanwhile, people differ on whether a question is still open: it counts neither way.
"""

from datetime import datetime, timedelta

from core.outside.mail import IncomingMail
from tests.simulate.chatter import daily, fillers, proposed_times, request, talk
from tests.simulate.making import DAY, FIRST, MAILS, Maker, at, later, own_words, say_day, signed, working_day
from tests.simulate.people import COLLEAGUES, EVERYBODY, OUTSIDE, OWNER, WRITE_DAILY, Language, Somebody

HOURS = timedelta(hours=1)


def make_letters(maker: Maker) -> None:
    """Fill the month with its mails."""
    for number in range(36):
        _question(maker, number)
    for number in range(32):
        _promise(maker, number)
    for number in range(16):
        _own_promise(maker, number)
    for number in range(54):
        request(maker, number)
    for _ in range(8):
        talk(maker)
    for number in range(8):
        proposed_times(maker, number)
    for number in range(40):
        daily(maker, number)
    for make in fillers():
        if maker.month.mails >= MAILS:
            return
        make(maker)


def _question(maker: Maker, number: int) -> None:
    """The person asks; what comes of it goes by `number`."""
    somebody, other = maker.random.sample(EVERYBODY, 2)
    language = maker.language()
    topic = maker.topic(language)
    case = number % 12
    if case == 6:
        somebody = maker.random.choice(WRITE_DAILY)
    if case in {2, 9}:
        other = maker.random.choice([one for one in COLLEAGUES if one != somebody])
    asks = {
        "en": f"can you tell me where we stand with {topic}?",
        "de": f"kannst du mir sagen, wie der Stand ist: {topic}?",
    }[language]
    if case == 4:
        asks = {
            "en": f"I moved {topic} to the shared folder. No answer needed.",
            "de": f"Ich habe {topic} abgelegt. Keine Antwort nötig.",
        }[language]
    elif case == 11:
        asks = {
            "en": f"I read {topic} on the train. Quite a piece of work, isn't it? Just so you know.",
            "de": f"ich habe {topic} im Zug gelesen. Ganz schön viel, oder? Nur zur Info.",
        }[language]
    asked_at = maker.moment(maker.day(0, 19))
    cc = [other.mail] if case in {2, 9} else []
    asked = maker.mail(
        asked_at, OWNER, somebody.mail, maker.subject(topic, language), own_words(asks, somebody, language), cc=cc
    )
    soon = asked_at + HOURS * maker.random.choice((2, 5, 20, 26))
    stands = {
        "en": f"we are on time with {topic}, nothing new otherwise.",
        "de": f"{topic}: alles im Plan, sonst nichts Neues.",
    }[language]
    match case:
        case 0 | 1 | 10:
            if case == 1:
                maker.mail(
                    soon, somebody.mail, OWNER, topic[:1].upper() + topic[1:], signed(stands, somebody, language)
                )
            else:
                maker.answer(asked, soon, somebody.mail, signed(stands, somebody, language), language)
        case 2:
            says = {
                "en": f"{somebody.first} is travelling, so from me: {stands}",
                "de": f"{somebody.first} ist unterwegs, daher von mir: {stands}",
            }[language]
            maker.answer(asked, soon, other.mail, signed(says, other, language), language, cc=[somebody.mail])
        case 3:
            thanks = {
                "en": "thanks for the talk just now, that settles it.",
                "de": "danke für das Gespräch eben, damit ist das geklärt.",
            }[language]
            maker.answer(asked, soon, OWNER, own_words(thanks, somebody, language), language)
        case 7:
            back_at = _away(maker, asked, somebody, language)
            maker.answer(asked, back_at + 2 * HOURS, somebody.mail, signed(stands, somebody, language), language)
        case 9:
            too = {"en": "I would like to know that as well.", "de": "das würde mich auch interessieren."}[language]
            maker.answer(asked, soon, other.mail, signed(too, other, language), language, cc=[somebody.mail])
            _want_answer(maker, asked, somebody)
        case 8:
            _want_answer(maker, asked, somebody, since=_away(maker, asked, somebody, language))
        case 5 | 6:
            _want_answer(maker, asked, somebody)
        case _:
            pass


def _away(maker: Maker, asked: IncomingMail, somebody: Somebody, language: Language) -> datetime:
    """A machine answers at once that they are away; the morning on which they are back."""
    asked_at = asked.sent_at or at(FIRST, 9)
    back = working_day(asked_at.date() + timedelta(days=maker.random.randint(4, 6)))
    says = {
        "en": f"I am out of the office and will be back on {say_day(back, 'en', by_date=True)}. I will read your mail then.",
        "de": f"Ich bin nicht im Büro und am {say_day(back, 'de', by_date=True)} wieder erreichbar. Ihre Mail lese ich dann.",
    }[language]
    maker.answer(asked, asked_at + timedelta(minutes=2), somebody.mail, says, language, automatic=True)
    return at(back, 9)


def _want_answer(maker: Maker, asked: IncomingMail, somebody: Somebody, since: datetime | None = None) -> None:
    """From two working days after it was asked (three from somebody outside), or one after they are back, for two weeks."""
    asked_at = asked.sent_at or at(FIRST, 9)
    begins = later(asked_at, days=3 if somebody in OUTSIDE else 2)
    begins = max(begins, since + 3 * HOURS) if since else begins
    is_open = _met_between(maker, somebody, asked_at, later(begins, days=3))
    maker.want("unanswered", asked.thread_key, begins, begins + timedelta(days=14), is_open=is_open)


def _met_between(maker: Maker, somebody: Somebody, begin: datetime, end: datetime) -> bool:
    """Did the two sit together, with one more at most, in what was not called off?"""
    last = {one.entry.uid: one.entry for one in maker.month.arrivals if one.entry}
    for entry in last.values():
        others = {one.address for one in entry.attendees} - {OWNER.address}
        weeks = range(5) if entry.recurrence and "BYDAY" not in entry.recurrence else range(1)
        starts = [entry.starts_at + timedelta(weeks=week) for week in weeks]
        if (
            entry.status != "cancelled"
            and len(others) < 3
            and somebody.address in others
            and any(begin < one < end for one in starts)
        ):
            return True
    return False


def _promise(maker: Maker, number: int) -> None:
    """Others promise; they keep it, another does, they ask for more time, or nothing comes."""
    somebody, other = maker.random.sample(EVERYBODY, 2)
    language, case = maker.language(), number % 8
    topic = maker.topic(language)
    if case == 5:
        somebody = maker.random.choice([one for one in WRITE_DAILY if one != other])
    said_at = maker.moment(maker.day(0, 18))
    due = working_day(said_at.date() + timedelta(days=maker.random.randint(2, 4)))
    by_date = maker.random.random() < 0.5
    day = say_day(due, language, by_date=by_date)
    word = {
        "en": maker.random.choice(
            (
                f"I will send you {topic} by {day}.",
                f"You will have {topic} by {day}.",
                f"I'll get {topic} over to you by {day}.",
            )
        ),
        "de": maker.random.choice(
            (
                f"ich schicke dir {topic} bis {'zum ' if by_date else ''}{day}.",
                f"du bekommst {topic} bis {'zum ' if by_date else ''}{day} von mir.",
            )
        ),
    }[language]
    to, cc = (OWNER, []) if case != 7 else (other.mail, [OWNER])
    greeted = (
        signed(word, somebody, language)
        if case != 7
        else signed(word, somebody, language).replace("Robin", other.first, 1)
    )
    said = maker.mail(said_at, somebody.mail, to, maker.subject(topic, language), greeted, cc=cc)
    kept_at = max(at(due, 8) - HOURS * maker.random.choice((2, 16, 22)), said_at + 3 * HOURS)
    here = {"en": f"here is {topic}.", "de": f"anbei {topic}."}[language]
    match case:
        case 0 | 1:
            maker.answer(said, kept_at, somebody.mail, signed(here, somebody, language), language)
        case 2:
            sends = {
                "en": f"{somebody.first} asked me to send you this: {here}",
                "de": f"{somebody.first} bat mich, dir das zu schicken: {here}",
            }[language]
            maker.answer(
                said, kept_at, other.mail, signed(sends, other, language), language, cc=[somebody.mail], to=OWNER
            )
        case 3:
            maker.mail(kept_at, somebody.mail, OWNER, topic[:1].upper() + topic[1:], signed(here, somebody, language))
        case 4 | 5:
            _want_promised(maker, said, somebody, at(due, 12))
        case 6:
            due = working_day(due + timedelta(days=maker.random.randint(3, 5)))
            day = say_day(due, language, by_date=True)
            asks = {
                "en": f"I won't make it in time, sorry. You will have {topic} by {day}.",
                "de": f"das schaffe ich leider nicht. Du bekommst {topic} bis zum {day}.",
            }[language]
            maker.answer(said, kept_at, somebody.mail, signed(asks, somebody, language), language)
            _want_promised(maker, said, somebody, at(due, 12))
        case _:
            pass


def _want_promised(maker: Maker, said: IncomingMail, somebody: Somebody, begins: datetime) -> None:
    is_open = _met_between(maker, somebody, begins, later(begins, days=2))
    maker.want("unanswered", said.thread_key, begins, begins + timedelta(days=10), is_open=is_open)


def _own_promise(maker: Maker, number: int) -> None:
    """The person promises."""
    somebody, other = maker.random.sample(EVERYBODY, 2)
    language, case = maker.language(), number % 4
    topic = maker.topic(language)
    said_at = maker.moment(maker.day(0, 22))
    due = working_day(said_at.date() + timedelta(days=maker.random.randint(2, 4)))
    by_date = maker.random.random() < 0.5
    day = say_day(due, language, by_date=by_date)
    word = {
        "en": maker.random.choice((f"I'll send you {topic} by {day}.", f"I will get back to you on {topic} by {day}.")),
        "de": maker.random.choice(
            (
                f"ich schicke dir {topic} bis {'zum ' if by_date else ''}{day}.",
                f"ich melde mich bis {'zum ' if by_date else ''}{day} dazu: {topic}.",
            )
        ),
    }[language]
    if case == 3:
        word = {"en": f"I will have a look at {topic} some time.", "de": f"ich schaue mir {topic} irgendwann an."}[
            language
        ]
    asked = maker.mail(
        said_at - 2 * HOURS,
        somebody.mail,
        OWNER,
        maker.subject(topic, language),
        signed({"en": f"how about {topic}?", "de": f"wie steht es: {topic}?"}[language], somebody, language),
    )
    said = maker.answer(asked, said_at, OWNER, own_words(word, somebody, language), language)
    kept_at = max(at(working_day(due - DAY, -1), 9), said_at + HOURS)
    if case == 0:
        maker.answer(
            said,
            kept_at,
            OWNER,
            own_words({"en": f"here is {topic}.", "de": f"anbei {topic}."}[language], somebody, language),
            language,
        )
    elif case == 2:
        sends = {
            "en": f"I have sent {topic} to {somebody.first} for you.",
            "de": f"ich habe {topic} schon für dich an {somebody.first} geschickt.",
        }[language]
        maker.mail(
            kept_at, other.mail, OWNER, said.subject, signed(sends, other, language), answers=said, cc=[somebody.mail]
        )
    elif case == 1:
        maker.want("promise", said.thread_key, max(at(working_day(due - DAY, -1), 12), said_at), at(due + 2 * DAY, 18))
