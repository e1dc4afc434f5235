"""Which methods of the services act: whatever reaches beyond the house, or changes something there.

Every method of every Protocol in this folder stands in one of the two tables; a test walks the code and lets act methods be
called from the few places alone that lie behind the gate. Whoever adds a method says here what it is.
"""

from collections.abc import Mapping
from typing import Any

from agents.services.browser import Browser, BrowserSession
from agents.services.calendar import Calendar
from agents.services.chat import Chat
from agents.services.code import CodeHost, Pipelines
from agents.services.mail import Mailbox, Mailboxes
from agents.services.records import ApiRecords, CustomerRecords, Records, SqlQueries, TableQueries, TableRecords
from agents.services.remote import RemoteTools
from agents.services.tickets import Tickets
from agents.services.web import HttpClient, PageReader, WebSearch

ACTS: Mapping[type[Any], frozenset[str]] = {
    Mailbox: frozenset({"label", "move", "mark", "prepare", "sending"}),
    Calendar: frozenset({"create_event", "update_event", "cancel_event", "respond"}),
    Chat: frozenset({"post"}),
    Pipelines: frozenset({"request"}),
    Records: frozenset({"update"}),
    Tickets: frozenset({"create", "update", "move"}),
    RemoteTools: frozenset({"call"}),
    HttpClient: frozenset({"send"}),
    PageReader: frozenset({"read"}),
    WebSearch: frozenset({"search"}),
    BrowserSession: frozenset({"navigate", "submit", "by_hand", "upload"}),
}
LOOKS: Mapping[type[Any], frozenset[str]] = {
    Mailbox: frozenset({"addresses", "signature", "sync", "get", "search", "thread", "attachment", "labels", "find"}),
    Mailboxes: frozenset({"open", "usual_account"}),
    Calendar: frozenset({"list_events", "get_event", "free_busy", "working_hours"}),
    Chat: frozenset({"find_place", "find_mentions", "find", "read"}),
    CodeHost: frozenset({"get_pull_request", "get_commit"}),
    Pipelines: frozenset({"read_report"}),
    Records: frozenset({"get"}),
    CustomerRecords: frozenset(),
    TableRecords: frozenset(),
    ApiRecords: frozenset(),
    SqlQueries: frozenset({"query"}),
    TableQueries: frozenset({"select"}),
    Tickets: frozenset({"find_created", "get", "list_transitions"}),
    Browser: frozenset({"session", "seal", "unseal", "secret"}),
    BrowserSession: frozenset(
        # Within the sites that the session may reach; the browser itself sends no form for these.
        {"look", "screenshot", "back", "resolve", "click", "type", "select", "download", "wait", "table", "text_of"}
        | {"form_of", "allow", "stored", "close"}
    ),
}
