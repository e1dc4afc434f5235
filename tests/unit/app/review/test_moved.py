"""What changed between two versions of a draft, line by line."""

from app.review._moved import WRITE_ANEW, Line, line_diff


def test_lines_that_changed_stand_between_their_neighbours() -> None:
    before = "Re: Friday\n\nHello Ana,\nFriday suits me.\nI bring the offers.\n\nRobin"
    after = before.replace("Friday suits me.", "Monday suits me.")
    assert line_diff(before, after, around=1) == [
        Line("left_out", ""),
        Line("same", "Hello Ana,"),
        Line("removed", "Friday suits me."),
        Line("added", "Monday suits me."),
        Line("same", "I bring the offers."),
    ]


def test_the_same_words_have_no_lines() -> None:
    assert line_diff("a\nb", "a\nb") == []


def test_a_text_that_was_empty_is_all_new() -> None:
    assert line_diff("", "a\nb") == [Line("added", "a"), Line("added", "b")]


def test_what_is_asked_for_has_no_words_of_others() -> None:
    assert "{" not in WRITE_ANEW
