"""No cell that is written begins a formula, whatever program reads the file and wherever it splits."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.strategist import Immediate
from app._view.tables import rows_of
from core.spreadsheets import inert_cell, inert_csv, written_csv
from tests.unit.agents.making import make_task


@pytest.mark.parametrize(
    ("cell", "inert"),
    [
        ("=1+1", "'=1+1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\u200b@x", "'\u200b@x"),
        ("a;=1+1", "a;'=1+1"),
        ("a;\t+cmd|' /C calc'!A0", "a;\t'+cmd|' /C calc'!A0"),
        ("a\t@x;-y", "a\t'@x;'-y"),
        ("20;-5;+3,5", "20;-5;+3,5"),
        ("yes; no - perhaps", "yes; no - perhaps"),
        ("-12.5", "-12.5"),
        (7, 7),
    ],
)
def test_a_cell_begins_no_formula(cell: object, inert: object) -> None:
    assert inert_cell(cell) == inert


@given(
    rows=st.lists(st.lists(st.text(alphabet="=+-@a1;\t\r\n\"',|! ＝", max_size=8), min_size=1, max_size=3), max_size=4)
)
def test_no_reader_finds_a_formula(rows: list[list[str]]) -> None:
    text = inert_csv(written_csv(rows))
    for delimiter in ",;\t|":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=csv.QUOTE_MINIMAL):
            for cell in row if delimiter == "," else ():
                assert not cell.strip(" ").startswith(("=", "@"))
    assert inert_csv(text) == text


def test_a_table_of_a_model_is_inert_in_the_result_and_on_the_page() -> None:
    made = Immediate(output='a,b\n=1,"@x"\n', format="csv", confidence=1)
    assert made.output == "a,b\n'=1,'@x\n"
    assert Immediate(output='a,"b', format="csv", confidence=1).output == 'a,"b'
    kept = make_task("x", result={"format": "csv", "output": "a\n=1\n"})
    assert rows_of(kept) == [["a"], ["'=1"]]
