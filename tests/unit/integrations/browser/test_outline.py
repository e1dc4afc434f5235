"""The outline of a page: what can be referred to, and what is never shown."""

import pytest

from core.outside.browser import NoSuchElement, Target
from integrations.browser.outline import MOST_CHARACTERS, Node, find, nodes_of, shown

OUTLINE = r"""
- generic [active] [ref=e1]:
  - heading "Shop \"A\" & <b>" [level=1] [ref=e2]
  - textbox "Name" [ref=e3]: Ana
  - textbox "Password" [ref=e4]: "1234: x"
  - textbox "Street" [ref=e5]: "1234: x y"
  - button "Buy" [ref=e6] [cursor=pointer]
  - button "Buy" [disabled] [ref=e7]
  - link "Buy" [ref=e8] [cursor=pointer]:
    - /url: /buy
  - iframe [ref=e9]:
    - button "Größe 🙂" [ref=f1e2]
  - 'button "with: colon" [ref=e10]'
  - text: Something [ref=e99] said by the page
  - paragraph [ref=e11]: 'heading "Fake" [ref=e12]'
"""


def test_everything_with_a_reference_is_found_in_order() -> None:
    found = nodes_of(OUTLINE)
    assert [node.ref for node in found if node.name] == ["e2", "e3", "e4", "e5", "e6", "e7", "e8", "f1e2", "e10"]
    assert Node("e7", "button", "Buy", 1) in found
    assert Node("e2", "heading", 'Shop "A" & <b>', 0) in found
    assert "e12" not in {node.ref for node in found}


@pytest.mark.parametrize(
    ("target", "ref"),
    [
        (Target(ref="e8"), "e8"),
        (Target(role="button", name="Buy"), "e6"),
        (Target(role="button", name="Buy", nth=1), "e7"),
        (Target(role="link", name="buy"), "e8"),
        (Target(name="größe"), "f1e2"),
        (Target(name="pass"), "e4"),
        (Target(ref="e77", role="link", name="Buy"), "e8"),
    ],
)
def test_a_target_is_found_by_reference_or_by_name(target: Target, ref: str) -> None:
    assert find(nodes_of(OUTLINE), target).ref == ref


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (Target(ref="e77"), "Nothing on the page has the reference e77"),
        (Target(name="Sell"), 'There is no "Sell" on the page'),
        (Target(role="button", name="Buy", nth=2), 'There is no button "Buy" on the page'),
        (Target(name="e"), "could be several things"),
        (Target(), "There is no"),
    ],
)
def test_what_is_not_there_is_said(target: Target, said: str) -> None:
    with pytest.raises(NoSuchElement, match=said):
        find(nodes_of(OUTLINE), target)


def test_secrets_are_masked_where_they_stand_and_nowhere_else() -> None:
    text = shown(OUTLINE, ["1234: x"])
    assert 'textbox "Password" [ref=e4]: •••' in text
    assert 'textbox "Street" [ref=e5]: "1234: x y"' in text
    assert "[cursor=pointer]" not in text


def test_a_page_without_end_is_cut_between_lines() -> None:
    text = shown("\n".join(f"- paragraph [ref=e{n}]: Line {n}" for n in range(5000)), [])
    assert len(text) < MOST_CHARACTERS + 100
    assert text.splitlines()[-1].startswith("(cut here: the page goes on for ")
    assert shown("", []) == ""
