"""Is a text made of the user's own words: words, numbers, signs, and clauses that keep their sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.own_words import (
    LONGEST_QUOTE,
    closest_line,
    foreign_passages,
    foreign_words,
    says_nothing,
    stem,
    tokens_of,
    turned_around,
    vocabulary,
)

TEXTS = st.text(max_size=200)


def foreign(text: str, *said: str) -> list[str]:
    return foreign_words(text, vocabulary(said))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The draft is ready on Friday.", "tell Dana that the draft will be ready on friday"),
        ("Hello Dana,\nthank you, the draft is ready.\nBest regards", "Dana: the draft is ready"),
        ("We are meeting on Tuesday", "meet on Tuesday"),
        ("Ich komme am Dienstag um 10 Uhr. Viele Grüße", "dass ich am Dienstag um 10 Uhr komme"),
        ("at 15:00", "at 15"),
        ("I can't come", "tell him I cannot come"),
        ("I won't come", "I will not come"),
        ("GRÖSSE", "größe"),
        ("", ""),
        ("👍 it works", "answer with 👍 that it works"),
    ],
)
def test_own_words_with_greetings_and_endings(text: str, said: str) -> None:
    assert foreign(text, said) == []


@pytest.mark.parametrize(
    ("text", "said", "word"),
    [
        ("Transfer the money", "the draft", "transfer"),
        ("not ready", "ready", "not"),
        ("kein Problem", "das Problem", "kein"),
        ("2026-118", "2026-119", "2026-118"),
        ("call 0900", "call 900", "0900"),
        ("approve", "prove", "approve"),
        ("👍", "answer him", "👍"),
        ("⠼⠙", "answer him", "⠼"),
        ("hi\U000e0041", "hi", "\U000e0041"),
        ("hi\u200b", "hi", "\u200b"),
        ("٣٤", "34 or so", "٣٤"),
        ("ѕend", "send", "ѕend"),
        ("我们接受", "answer him", "我们接受"),
        ("send_money", "send", "money"),
    ],
)
def test_one_foreign_word_is_found(text: str, said: str, word: str) -> None:
    assert word in foreign(text, said)


@pytest.mark.parametrize("text", [".-- --- .-.", "!.!!..!!.!", "ok\n-.-. --- -.. ."])
def test_rows_of_marks_could_be_a_code(text: str) -> None:
    assert foreign_passages(text, vocabulary(["ok"])) != []


@pytest.mark.parametrize("text", ["Really?!", "- one\n- one", "well ... one", "(one)", "one --- one", '"one."', ""])
def test_ordinary_punctuation_is_none(text: str) -> None:
    assert foreign_passages(text, vocabulary(["one", "really"])) == []


@pytest.mark.parametrize("text", ["!", "?", ":-)", "+"])
def test_a_text_without_words_is_foreign(text: str) -> None:
    assert foreign_passages(text, vocabulary(["anything"])) == [text]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("We accept the offer.", "Tell Dana that we do not accept the offer"),
        ("I can come on Friday.", "Tell Jonas that I can't come on Friday"),
        ("Ich nehme das Zimmer.", "Schreib, dass ich das Zimmer nicht nehme"),
        ("I can not come on Monday", "I can come on Monday, not on Friday"),
        ("They accept.", "Ask Bob whether they accept"),
        ("Er kommt.", "Frag Jan, ob er kommt"),
        ("No.", "Tell him that it is fine"),
        ("Never!", "Say it is not ready"),
    ],
)
def test_a_meaning_that_is_turned_around_is_found(text: str, said: str) -> None:
    assert turned_around(text, [said]) != [] or foreign(text, said) != []


@pytest.mark.parametrize(
    ("text", "said", "names"),
    [
        ("We do not accept the offer.", "Tell Dana that we do not accept the offer", []),
        (
            "Hi Lea, the train leaves at 9:40.",
            "Don't forget to tell Lea that the train leaves at 9:40",
            ["Lea Hoffmann"],
        ),
        ("Do they accept?", "Ask Bob whether they accept", ["Bob"]),
        ("Monday works.", "I cannot come on Friday, but Monday works", []),
        ("Ich nehme das Zimmer nicht.", "Schreib, dass ich das Zimmer nicht nehme", []),
        ("The demo is at 3.", "Post that the demo is at 3", []),
    ],
)
def test_a_meaning_that_stays_is_none(text: str, said: str, names: list[str]) -> None:
    assert turned_around(text, [said], names) == []


@pytest.mark.parametrize(
    ("text", "said", "is_nothing"),
    [
        ("I would be glad to.", "What does Dana write?", True),
        ("Dana, I would like to have it. Best regards", "What does Dana write?", True),
        ("Ich möchte es gern haben", "Was schreibt Jan?", True),
        ("", "Anything", False),
        ("Hello Dana", "Say hello to Dana", False),
        ("I am late", "Tell Dana I am late", False),
    ],
)
def test_small_words_alone_say_nothing_of_the_users(text: str, said: str, is_nothing: bool) -> None:
    assert says_nothing(text, [said], ["Dana Ortiz"]) is is_nothing


def test_a_text_too_long_to_compare_counts_as_turned() -> None:
    many = "word not.\n" * 1000
    assert len(turned_around(many, [many])) == 1


def test_the_closest_line_is_quoted_in_part() -> None:
    text = "Nothing here.\n" + "Pay the bill today. " * 50
    count, line = closest_line(["pay", "bill"], text)
    assert (count, line[:12], len(line)) == (2, "Pay the bill", LONGEST_QUOTE)
    assert closest_line([], text) == (0, "")


def test_stems_keep_enough_and_numbers_keep_all() -> None:
    assert [stem(word) for word in ("meetings", "bus", "news", "1990s")] == ["meet", "bus", "news", "1990s"]


@given(TEXTS)
def test_everything_that_was_said_is_ones_own(text: str) -> None:
    assert foreign(text, text) == []


@given(TEXTS, TEXTS, TEXTS)
def test_more_words_of_the_user_never_make_a_text_more_foreign(text: str, said: str, more: str) -> None:
    assert set(foreign(text, said, more)) <= set(foreign(text, said))


@given(TEXTS, TEXTS)
def test_any_text_can_be_compared(text: str, said: str) -> None:
    assert all(isinstance(one, str) for one in turned_around(text, [said]))
    assert all(len(one) <= LONGEST_QUOTE for one in foreign_passages(text, vocabulary([said])))
    assert all(tokens_of(text))
