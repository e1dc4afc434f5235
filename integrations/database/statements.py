"""Is a statement of SQL one that only reads? A first look at its words; the database itself holds the rest.

Lexical rules: https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

import re

from core.outside.errors import Refused

FIRST_WORDS = {"select", "with", "values", "table"}
LONGEST = 20_000
# What reaches beyond the tables, or could put other statements past the ones that were looked at.
CLOSED = re.compile(
    r"set_config|pg_notify|pg_(?:terminate|cancel)_backend|pg_reload_conf|pg_rotate_logfile|pg_(?:try_)?advisory\w*|pg_read_\w+"
    r"|pg_ls_\w+|pg_stat_file|pg_(?:current_)?logfile\w*|pg_logical_\w+|pg_replication_\w+|pg_(?:create|drop|copy)_\w+|pg_switch_wal"
    r"|pg_wal_\w+|pg_promote|pg_stat_reset\w*|pg_backup_\w+|pg_file_\w+|lo_\w+|loread|lowrite|dblink\w*|nextval|setval|txid_current"
    r"|(?:query|table|schema|database|cursor)_to_xml\w*|copy|pg_execute_server_program|pg_import_system_collations|pg_export_snapshot"
)
TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*)
      | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?\$)
      | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
      | (?P<text>(?:[uU]&|[bBxXnN])?'(?:[^']|'')*')
      | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
      | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
      | (?P<end>;)
      | (?P<open>['"])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def one_reading_statement(statement: str) -> str:
    """The statement without a closing semicolon. Raises Refused for anything but one that begins as reading does."""
    if len(statement) > LONGEST or "\x00" in statement:
        raise Refused(f"A statement has at most {LONGEST} characters, and no U+0000")
    words: list[str] = []
    end: int | None = None
    place = 0
    while place < len(statement):
        match = TOKEN.match(statement, place)
        assert match is not None  # nosec B101 # narrows the type
        kind, text, start, place = match.lastgroup, match[0], match.start(), match.end()
        if text == "/*":
            place = _comment_end(statement, start)
        elif kind == "dollar":
            place = statement.find(text, place) + len(text)
            if place < start + 2 * len(text):
                raise Refused("A quoted text in the statement is not closed")
        elif kind == "open":
            raise Refused("A quoted text in the statement is not closed")
        if kind == "comment" or text.isspace():
            continue
        if end is not None:
            raise Refused(
                "Only one statement is put to the database", detail=f"after the first: {statement[start:][:100]}"
            )
        if kind == "end":
            end = start
        elif kind in {"word", "quoted"}:
            words.append(text.strip('"').casefold() if kind == "quoted" else text.casefold())
    if not words or words[0] not in FIRST_WORDS:
        raise Refused(
            f"A statement that begins with {words[0] if words else 'nothing'!r} is not put to the database",
            detail="allowed: select, with, values, table",
        )
    if re.search(r"[uU]&\"", statement):
        raise Refused("Names with Unicode escapes are not put to the database")
    for word in words:
        if CLOSED.fullmatch(word):
            raise Refused(f"{word} is not put to the database: it does more than read tables")
    return statement[: end if end is not None else len(statement)].strip()


def _comment_end(statement: str, start: int) -> int:
    """Where a block comment ends; they nest."""
    depth, place = 0, start
    while place < len(statement):
        if statement.startswith("/*", place):
            depth, place = depth + 1, place + 2
        elif statement.startswith("*/", place):
            depth, place = depth - 1, place + 2
            if depth == 0:
                return place
        else:
            place += 1
    raise Refused("A comment in the statement is not closed")
