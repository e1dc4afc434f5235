"""Tasks from a table (CSV): generous with headers, delimiters and encodings, strict with values: all rows or none."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Literal

from dateutil import parser as dates
from pydantic import BaseModel, ConfigDict

from core.errors import Invalid, NotFound, TooLarge

LARGEST_FILE_BYTES = 50 * 1024 * 1024
MOST_ROWS = 50_000
MOST_ERRORS = 10
LONGEST_TITLE = 300
LONGEST_TEXT = 100_000
LONGEST_CELL = 1_000_000
Priority = Literal["critical", "high", "medium", "low"]
Field = Literal["title", "due", "priority", "labels", "description", "done"]
HEADERS: dict[str, Field] = {
    **dict.fromkeys(["title", "task", "taskname", "name", "summary", "subject", "todo", "item", "content"], "title"),
    **dict.fromkeys(["aufgabe", "titel", "betreff", "vorgang", "bezeichnung"], "title"),
    **dict.fromkeys(["due", "duedate", "duedatetime", "dueat", "date", "deadline", "dueon", "dueby", "end", "enddate"], "due"),
    **dict.fromkeys(["fällig", "fälligam", "fälligkeit", "fälligkeitsdatum", "datum", "frist", "termin", "bis"], "due"),
    **dict.fromkeys(["priority", "prio", "importance", "priorität", "wichtigkeit", "dringlichkeit"], "priority"),
    **dict.fromkeys(["labels", "label", "tags", "tag", "categories", "category", "kategorie", "kategorien", "schlagwörter", "etiketten"], "labels"),
    **dict.fromkeys(["notes", "note", "description", "details", "comment", "comments", "body"], "description"),
    **dict.fromkeys(["notiz", "notizen", "beschreibung", "bemerkung", "kommentar"], "description"),
    **dict.fromkeys(["status", "done", "completed", "complete", "state", "erledigt", "abgeschlossen", "zustand"], "done"),
}  # fmt: skip
PRIORITIES: dict[str, Priority] = {
    **dict.fromkeys(["critical", "urgent", "highest", "p1", "1", "a", "kritisch", "dringend", "sehr hoch", "!!!"], "critical"),
    **dict.fromkeys(["high", "important", "p2", "2", "b", "hoch", "wichtig", "!!"], "high"),
    **dict.fromkeys(["", "medium", "normal", "p3", "3", "c", "mittel", "none", "keine", "!"], "medium"),
    **dict.fromkeys(["low", "lowest", "p4", "4", "5", "d", "niedrig", "gering"], "low"),
}  # fmt: skip
DONE = {"done", "completed", "complete", "yes", "true", "1", "x", "✓", "✔", "closed", "finished", "erledigt", "ja", "fertig", "abgeschlossen", "wahr"}  # fmt: skip
OPEN = {
    *(
        "",
        "open",
        "todo",
        "to do",
        "to-do",
        "not started",
        "pending",
        "no",
        "false",
        "0",
        "new",
        "in progress",
        "waiting",
    ),
    *("needs-action", "backlog", "offen", "nein", "neu", "in arbeit", "falsch", "blocked", "next", "doing"),
}
ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\d{1,2}:\d{2}.*))?")
NUMERIC = re.compile(
    r"(\d{1,2})(?P<separator>[./-])(\d{1,2})[./-](\d{4}|\d{2})(?:,?\s+(?:um\s+)?(\d{1,2}[:.]\d{2}.*))?"
)
GERMAN_MONTHS = {
    "januar": "January", "jänner": "January", "februar": "February", "märz": "March", "mär": "March", "mai": "May", "juni": "June",
    "juli": "July", "oktober": "October", "okt": "October", "dezember": "December", "dez": "December",
}  # fmt: skip
NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class CsvTask(BaseModel):
    """A row of the table. `due_at` has no zone when the cell has none: the reader's zone is meant.

    Cells are text, whatever they begin with: "=1+1" stays "=1+1".
    """

    model_config = ConfigDict(frozen=True)
    line: int
    title: str
    description: str = ""
    due_at: datetime | None = None
    due_is_all_day: bool = True
    priority: Priority = "medium"
    labels: tuple[str, ...] = ()
    is_done: bool = False


def read_csv(path: Path) -> list[CsvTask]:
    """The tasks of a table with a header line, in order; empty rows are passed over.

    Raises NotFound, TooLarge beyond 50 MB or 50,000 rows, and Invalid: for an empty file, for headers without a title,
    and one for all wrong cells, which names line and column of the first ten.
    """
    text = _text(path)
    rows = _rows(text, path.name)
    header = _header(rows[0][1], path.name)
    found: list[tuple[int, dict[Field, str]]] = []
    for line, cells in rows[1:]:
        if len(found) >= MOST_ROWS:
            raise TooLarge(f"{path.name} has more than {MOST_ROWS:,} rows", hint="Split the file.")
        values: dict[Field, str] = {field: _cell(cells, position) for position, (field, _) in header.items()}
        if any(values.values()):
            found.append((line, values))
    day_first = _day_first([values.get("due", "") for _, values in found])
    columns: dict[Field, str] = dict(header.values())
    tasks: list[CsvTask] = []
    errors: list[dict[str, str]] = []
    for line, values in found:
        problems = _Errors(line, columns, errors)
        task = _task(line, values, problems, day_first=day_first)
        if task:
            tasks.append(task)
    if errors:
        first = "; ".join(f"{error['field']}: {error['message']}" for error in errors[:MOST_ERRORS])
        more = f"; and {len(errors) - MOST_ERRORS:,} more" if len(errors) > MOST_ERRORS else ""
        raise Invalid(
            f"{path.name} was not imported: {len(errors):,} cell{'s are' if len(errors) != 1 else ' is'} wrong",
            detail=first + more,
            errors=errors[:MOST_ERRORS],
        )
    return tasks


class _Errors:
    """The wrong cells of one row."""

    def __init__(self, line: int, columns: dict[Field, str], all_errors: list[dict[str, str]]) -> None:
        self._line = line
        self._columns = columns
        self._all = all_errors

    def add(self, field: Field, message: str, value: str = "") -> None:
        place = f"line {self._line}, column “{self._columns.get(field, field)}”"
        self._all.append({"field": place, "message": message, "value": value[:200]})


def _task(line: int, values: dict[Field, str], errors: _Errors, *, day_first: bool | None) -> CsvTask | None:
    title = " ".join(values.get("title", "").split())
    if not title:
        errors.add("title", "there is no title")
    elif len(title) > LONGEST_TITLE:
        errors.add("title", f"the title has {len(title)} characters; {LONGEST_TITLE} are allowed", title)
    description = values.get("description", "")
    if len(description) > LONGEST_TEXT:
        errors.add("description", f"the text has {len(description):,} characters; {LONGEST_TEXT:,} are allowed")
    due = _due(values.get("due", ""), errors, day_first=day_first)
    priority = PRIORITIES.get(values.get("priority", "").casefold())
    if priority is None:
        errors.add(
            "priority",
            f"{values['priority'][:60]!r} is no priority; critical, high, medium and low are",
            values["priority"],
        )
    status = values.get("done", "").casefold()
    if status not in DONE and status not in OPEN:
        errors.add("done", f"{values['done'][:60]!r} is no status; “done” and “open” are", values["done"])
    labels = [label.strip().lstrip("#").casefold()[:50] for label in re.split(r"[,;|]", values.get("labels", ""))]
    if not title or len(title) > LONGEST_TITLE or priority is None:
        return None
    return CsvTask(
        line=line,
        title=title,
        description=description[:LONGEST_TEXT],
        due_at=due[0] if due else None,
        due_is_all_day=due[1] if due else True,
        priority=priority,
        labels=tuple(dict.fromkeys(label for label in labels if label)),
        is_done=status in DONE,
    )


def _due(cell: str, errors: _Errors, *, day_first: bool | None) -> tuple[datetime, bool] | None:
    """The moment of a cell and whether it names no time; None for an empty or a wrong cell."""
    if not cell:
        return None
    try:
        if match := ISO.fullmatch(cell):
            return _moment(date(int(match[1]), int(match[2]), int(match[3])), match[4])
        if match := NUMERIC.fullmatch(cell):
            first, second = int(match[1]), int(match[3])
            if match["separator"] != "." and first <= 12 and second <= 12 and first != second and day_first is None:
                errors.add("due", f"{cell!r} may mean two days; write it as 2026-04-03 (year-month-day)", cell)
                return None
            is_day_first = match["separator"] == "." or first > 12 or (second <= 12 and day_first is not False)
            day, month = (first, second) if is_day_first else (second, first)
            year = int(match[4]) + (2000 if len(match[4]) == 2 else 0)
            return _moment(date(year, month, day), match[5])
        return _written_out(cell)
    except (ValueError, OverflowError):
        errors.add("due", f"{cell[:60]!r} is no date; write it as 2026-04-03 or 2026-04-03 14:30", cell)
        return None


def _moment(day: date, at: str | None) -> tuple[datetime, bool]:
    if not at:
        return datetime.combine(day, time(23, 59, 59)), True
    words = re.sub(r"\s*(?:Uhr|h)\s*$", "", at.strip(), flags=re.IGNORECASE)
    words = re.sub(r"^(\d{1,2})\.(\d{2})$", r"\1:\2", words)
    read = dates.parse(words, default=datetime.combine(day, time()))
    if read.date() != day:
        raise ValueError("the time names another day")
    return read, False


def _written_out(cell: str) -> tuple[datetime, bool]:
    """ "3 March 2026", "Mar 3, 2026 2pm", "3. März 2026": day, month by name and year must all be there."""
    words = re.sub(r"[^\W\d_]+", lambda m: GERMAN_MONTHS.get(m[0].casefold(), m[0]), cell)
    words = re.sub(r"(\d)\.(?=\s)", r"\1", words)
    if not re.search(r"\d{4}", words) or not re.search(r"[^\W\d_]{3}", words):
        raise ValueError("not a whole date")
    one = dates.parse(words, default=datetime(2000, 1, 1))  # noqa: DTZ001 - the cell has no zone
    other = dates.parse(words, default=datetime(2001, 2, 2, 1, 1))  # noqa: DTZ001
    if one.date() != other.date():
        raise ValueError("not a whole date")
    if one.hour != other.hour:
        return datetime.combine(one.date(), time(23, 59, 59)), True
    return one, False


def _day_first(cells: Sequence[str]) -> bool | None:
    """What the other cells of the column prove of 03/04/2026: True, False, or None when they prove nothing or both."""
    proofs: set[bool] = set()
    for cell in cells:
        match = NUMERIC.fullmatch(cell)
        if match and match["separator"] != ".":
            if int(match[1]) > 12:
                proofs.add(True)
            elif int(match[3]) > 12:
                proofs.add(False)
    return proofs.pop() if len(proofs) == 1 else None


def _header(cells: Sequence[str], name: str) -> dict[int, tuple[Field, str]]:
    """The columns that are understood; of two for one field the first counts."""
    found: dict[int, tuple[Field, str]] = {}
    for position, cell in enumerate(cells):
        field = HEADERS.get(re.sub(r"[\W_]+", "", cell.casefold()))
        if field and field not in {known for known, _ in found.values()}:
            found[position] = (field, cell.strip())
    if "title" not in {field for field, _ in found.values()}:
        shown = ", ".join(repr(cell.strip()[:40]) for cell in cells[:10])
        raise Invalid(
            f"{name} has no column of titles; its first line is {shown}",
            hint="The first line names the columns: title (or task, name, Aufgabe), due, priority, labels, notes, status.",
        )
    return found


def _rows(text: str, name: str) -> list[tuple[int, list[str]]]:
    """The rows that are not blank with the line each ends on."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((reader.line_num, row))
            if len(rows) > MOST_ROWS + 1:
                raise TooLarge(f"{name} has more than {MOST_ROWS:,} rows", hint="Split the file.")
    except csv.Error as error:
        raise Invalid(f"{name}, line {reader.line_num}: {error}", hint="Is a quotation mark not closed?") from error
    if not rows:
        raise Invalid(f"{name} is empty")
    return rows


def _delimiter(text: str) -> str:
    """The one of comma, semicolon and tab that the first line has most of, outside quotation marks."""
    first = re.sub(r'"[^"]*"', "", next((line for line in text.splitlines() if line.strip()), ""))
    return max(",;\t", key=lambda mark: (first.count(mark), mark == ","))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}") from error
    except OSError as error:
        raise Invalid(f"{path} cannot be read", detail=error.strerror) from error
    if len(raw) > LARGEST_FILE_BYTES:
        raise TooLarge(f"{path.name} has more than {LARGEST_FILE_BYTES:,} bytes")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif raw[:200].count(b"\x00") > len(raw[:200]) // 4:
        encodings = ["utf-16-le" if raw[1:2] == b"\x00" else "utf-16-be"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return NOT_TEXT.sub("", raw.decode(encoding))
        except UnicodeDecodeError:
            continue
    return NOT_TEXT.sub("", raw.decode("latin-1" if "cp1252" in encodings else encodings[0], errors="replace"))


def _cell(cells: Sequence[str], position: int) -> str:
    return cells[position].strip() if position < len(cells) else ""
