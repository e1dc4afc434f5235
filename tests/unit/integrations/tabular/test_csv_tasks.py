"""Tables as people export them: read whole, or refused with the cells that are wrong."""

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Invalid, NotFound, StewardError, TooLarge
from integrations.tabular.csv_tasks import CsvTask, read_csv


def table(folder: Path, text: str | bytes) -> list[CsvTask]:
    path = folder / "tasks.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_csv(path)


def test_a_table_is_read(tmp_path: Path) -> None:
    first, second = table(
        tmp_path,
        'Title,Due,Priority,Labels,Notes,Status\n"Call Ana, today",2026-03-05 14:30,P1,"home, Work",Ring twice,open\nBuy milk,,,,,done\n',
    )
    assert first == CsvTask(
        line=2,
        title="Call Ana, today",
        description="Ring twice",
        due_at=datetime(2026, 3, 5, 14, 30),
        due_is_all_day=False,
        priority="critical",
        labels=("home", "work"),
    )
    assert (second.title, second.is_done, second.due_at, second.priority) == ("Buy milk", True, None, "medium")


@pytest.mark.parametrize(
    "header", ["title", "Task", "NAME", "Summary", "Aufgabe", "Titel", "  Task name ", "task_name", "To-do"]
)
def test_a_title_goes_by_many_names(tmp_path: Path, header: str) -> None:
    assert table(tmp_path, f"{header}\nRun\n")[0].title == "Run"


def test_german_semicolons_and_days(tmp_path: Path) -> None:
    (task,) = table(tmp_path, "Aufgabe;Fällig;Priorität;Notizen;Erledigt\nMiete, Juni;3.4.2026;hoch;Konto 5;nein\n")
    assert (task.title, task.due_at, task.priority) == ("Miete, Juni", datetime(2026, 4, 3, 23, 59, 59), "high")
    assert task.due_is_all_day


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_any_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    assert table(tmp_path, "title\tdue\nGrüße an Jürgen\t2026-03-05\n".encode(encoding))[0].title == "Grüße an Jürgen"


@pytest.mark.parametrize(
    ("cell", "due"),
    [
        ("2026-03-05", datetime(2026, 3, 5, 23, 59, 59)),
        ("2026/3/5", datetime(2026, 3, 5, 23, 59, 59)),
        ("2026-03-05T14:30", datetime(2026, 3, 5, 14, 30)),
        ("05.03.2026", datetime(2026, 3, 5, 23, 59, 59)),
        ("05.03.26 14:30 Uhr", datetime(2026, 3, 5, 14, 30)),
        ("25/03/2026", datetime(2026, 3, 25, 23, 59, 59)),
        ("03/25/2026", datetime(2026, 3, 25, 23, 59, 59)),
        ("05/05/2026", datetime(2026, 5, 5, 23, 59, 59)),
        ("5 March 2026", datetime(2026, 3, 5, 23, 59, 59)),
        ("Mar 5, 2026 2pm", datetime(2026, 3, 5, 14)),
        ("5. März 2026", datetime(2026, 3, 5, 23, 59, 59)),
    ],
)
def test_a_date_is_read(tmp_path: Path, cell: str, due: datetime) -> None:
    assert table(tmp_path, f'title,due\nRun,"{cell}"\n')[0].due_at == due


def test_an_offset_is_kept(tmp_path: Path) -> None:
    due = table(tmp_path, "title,due\nRun,2026-03-05T14:30+02:00\n")[0].due_at
    assert due
    assert due.isoformat() == "2026-03-05T14:30:00+02:00"


@pytest.mark.parametrize(
    "cell", ["soon", "2026-02-30", "31.02.2026", "March", "2026", "5 March", "13/13/2026", "=1+1", "2026-03-05 25:00"]
)
def test_what_is_no_date_is_told_with_its_place(tmp_path: Path, cell: str) -> None:
    with pytest.raises(Invalid) as caught:
        table(tmp_path, f"title,Due date\nRun,2026-03-05\nWalk,{cell}\n")
    assert caught.value.errors[0]["field"] == "line 3, column “Due date”"
    assert caught.value.errors[0]["value"] == cell


def test_a_day_that_may_be_two_is_refused_unless_other_rows_prove_the_order(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="wrong") as caught:
        table(tmp_path, "title,due\nRun,03/04/2026\n")
    assert "2026-04-03" in caught.value.errors[0]["message"]
    proven = table(tmp_path, "title,due\nRun,03/04/2026\nWalk,25/04/2026\n")
    assert proven[0].due_at == datetime(2026, 4, 3, 23, 59, 59)
    american = table(tmp_path, "title,due\nRun,03/04/2026\nWalk,04/25/2026\n")
    assert american[0].due_at == datetime(2026, 3, 4, 23, 59, 59)
    with pytest.raises(Invalid):
        table(tmp_path, "title,due\nRun,03/04/2026\nWalk,25/04/2026\nSit,04/25/2026\n")


def test_all_wrong_cells_are_counted_and_ten_are_named(tmp_path: Path) -> None:
    rows = "".join(f"Task {n},soon,someday,perhaps\n" for n in range(20))
    with pytest.raises(Invalid, match="60 cells are wrong") as caught:
        table(tmp_path, f"title,due,priority,status\n{rows}")
    assert len(caught.value.errors) == 10
    assert "and 50 more" in (caught.value.detail or "")


def test_a_row_without_a_title_is_wrong_and_an_empty_row_is_none(tmp_path: Path) -> None:
    assert len(table(tmp_path, "title,due\n\n,\nRun,\n   ,  \n")) == 1
    with pytest.raises(Invalid) as caught:
        table(tmp_path, "title,due\n,2026-03-05\n")
    assert caught.value.errors[0]["field"] == "line 2, column “title”"


@pytest.mark.parametrize("cell", ["=1+1", "+49 30 123", "-x", "@ana", "\t=1", "=HYPERLINK(0)"])
def test_cells_that_look_like_formulas_stay_text(tmp_path: Path, cell: str) -> None:
    assert table(tmp_path, f'title,notes\n"{cell}","{cell}"\n')[0].title == cell.strip()


def test_short_rows_long_rows_and_line_breaks_in_cells(tmp_path: Path) -> None:
    tasks = table(tmp_path, 'title,due,notes\nRun\nWalk,2026-03-05,"two\nlines",more,and more\n')
    assert [(t.line, t.title, t.description) for t in tasks] == [(2, "Run", ""), (4, "Walk", "two\nlines")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n  \n", "is empty"),
        ("when,who\n1,2\n", "no column of titles"),
        ('title\n"open\n', "line"),
        ("title\n" + "x" * 400 + "\n", "wrong"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        table(tmp_path, text)


def test_headers_alone_are_no_tasks(tmp_path: Path) -> None:
    assert table(tmp_path, "title,due\n") == []


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_csv(tmp_path / "no.csv")
    with pytest.raises(Invalid):
        read_csv(tmp_path)


def test_too_many_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="50,000"):
        table(tmp_path, "title\n" + "Run\n" * 100_000)
    assert len(table(tmp_path, "title\n" + "Run\n" * 50_000)) == 50_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.text(max_size=30), max_size=12))
def test_any_table_is_read_or_refused(tmp_path: Path, cells: list[str]) -> None:
    body = "\n".join(",".join(cells[n : n + 3]) for n in range(0, len(cells), 3))
    try:
        table(tmp_path, f"title,due,priority\n{body}\n".encode(errors="replace"))
    except StewardError as error:
        assert error.message  # noqa: PT017
