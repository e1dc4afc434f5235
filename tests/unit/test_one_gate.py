"""Nothing leaves but through the gate: a walk over the whole code, from the methods of the services that act.

The database refuses what has no leave; this shows that nobody has a way around the database.
"""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from agents import services
from agents.services.effects import ACTS, LOOKS
from agents.tools.built_in import BUILT_IN_TOOLS
from agents.tools.tool import Tool
from tasks.actions import ALWAYS_ASK, Effect

ROOT = Path(__file__).parents[2]
FOLDERS = ("agents", "app", "jobs", "cli", "tasks", "core")

# Act method -> the modules that may call it. Each lies behind a used approval, a draft in `sending`, or a judged read.
PLACES: dict[tuple[str, str], set[str]] = {
    ("Mailbox", "prepare"): {"agents/sending.py"},
    ("Mailbox", "sending"): {"agents/sending.py"},
    ("Mailbox", "label"): set(),
    ("Mailbox", "move"): set(),
    ("Mailbox", "mark"): set(),
    ("Calendar", "create_event"): {"agents/tools/calendar_acts.py"},
    ("Calendar", "update_event"): {"agents/tools/calendar_acts.py"},
    ("Calendar", "cancel_event"): {"agents/tools/calendar_acts.py"},
    ("Calendar", "respond"): {"agents/tools/calendar_acts.py"},
    ("Chat", "post"): {"agents/sending_chat.py"},
    ("Pipelines", "request"): {"agents/tools/cicd.py"},
    ("Records", "update"): {"agents/tools/records.py"},
    ("Tickets", "create"): {"agents/tools/jira.py"},
    ("Tickets", "update"): {"agents/tools/jira.py"},
    ("Tickets", "move"): {"agents/tools/jira.py"},
    ("RemoteTools", "call"): {"agents/tools/remote.py"},
    ("HttpClient", "send"): {"agents/tools/http.py"},
    ("PageReader", "read"): {"agents/tools/web.py"},
    ("WebSearch", "search"): {"agents/tools/web.py"},
    ("BrowserSession", "navigate"): {"agents/browsing_page.py", "agents/browsing_sending.py"},
    ("BrowserSession", "submit"): {"agents/browsing_sending.py"},
    ("BrowserSession", "by_hand"): {"agents/browsing_sending.py", "agents/browsing.py"},
    ("BrowserSession", "upload"): {"agents/browsing_page.py"},
}
# The same word for something else, with what it is.
OTHER_THINGS: dict[tuple[str, str], str] = {
    ("agents/asking.py", "request"): "asks a language model",
    ("agents/answering.py", "call"): "a read tool of the toolbox, which is judged there",
    ("agents/browsing.py", "search"): "the Sender of browsing_sending, which judges it",
    ("agents/base_agent.py", "read"): "a result in its place",
    ("agents/orchestrator.py", "read"): "a plan in its place",
    ("agents/orchestrator_run.py", "call"): "a base agent, which only writes a result",
    ("app/dependencies.py", "read"): "the cookie of a session",
    ("app/session.py", "read"): "the cookie of a session",
    ("cli/base_agents.py", "call"): "a base agent, which only writes a result",
    ("agents/sequencer.py", "prepare"): "sorts a graph",
    ("core/database.py", "call"): "the database",
    ("core/postgrest.py", "send"): "the database over HTTP",
    ("agents/browsing.py", "send"): "the Sender of browsing_sending, which asks",
    ("agents/tools/mail.py", "search"): "a mailbox looks among its mails",
    ("agents/tools/slack.py", "read"): "a chat's messages are read",
    ("agents/sending_threads.py", "read"): "a chat's messages are read",
    ("app/api/events/_streams.py", "send"): "the WebSocket of who listens",
    ("jobs/plan_callbacks.py", "post"): "tells who asked for a plan, at the address they gave with it, how it stands",
    ("jobs/mail_alerts.py", "prepare"): "tells those whom the settings name what waits, in no words of others",
    ("jobs/mail_alerts.py", "sending"): "tells those whom the settings name what waits, in no words of others",
    ("jobs/google_sync.py", "call"): "Gmail's profile and sync calls, which read",
}
# Who may speak to a service without an agent: what Steward says to its own person, and what only reads.
INTEGRATION_USERS: dict[str, str] = {
    "app/_plans": "the form of a callback's address, its secret, a report as PDF",
    "app/_slack": "answers to the person who spoke, in their own Slack",
    "app/slack.py": "the Slack door",
    "app/api/integrations": "signing in",
    "app/api/mail/accounts": "tries a mailbox that is being connected",
    "app/api/calendar": "renders events",
    "app/calendar": "renders events",
    "app/settings": "signing in and out",
    "app/main.py": "signing in",
    "app/owner.py": "has Auth make the owner's account",
    "app/person_session.py": "signing in and out",
    "app/sign_in": "signing in",
    "app/sign_up": "signing in",
    "app/_view": "renders mail",
    "app/tasks": "renders mail",
    "app/mail": "renders mail",
    "cli": "reads files, tries connections",
    "jobs/outside": "wires the services to their Protocols",
    "app/aws_lambda_agents.py": "results of base agents in a bucket, calls of base agents, secrets of a function of AWS",
    "jobs/answered.py": "takes what is new out of one's own mail",
    "jobs/calendar_push.py": "keeps watch on a calendar",
    "jobs/calendar_sync.py": "reads calendars",
    "jobs/google_sync.py": "reads mail, clears away drafts that were never sent",
    "jobs/learning.py": "takes what is new out of one's own mail",
    "jobs/mail_reading.py": "reads mail",
    "jobs/promises.py": "takes what is new out of mail",
    "jobs/situation.py": "expands series of events, takes what is new out of mail",
    "jobs/mail_sync.py": "reads mail",
    "jobs/plan_callbacks.py": "tells who asked for a plan, at the address they gave with it, how it stands",
    "jobs/slack_brought_up.py": "what is brought up, to the person it is for",
    "jobs/slack_cards.py": "cards to the person whose question it is",
    "jobs/slack_socket.py": "the Slack door",
    "jobs/slack_work.py": "cards and answers to the person whom they are for",
}
LIBRARIES = [
    "httpx",
    "httpx2",
    "smtplib",
    "aiosmtplib",
    "imaplib",
    "slack_sdk",
    "slack_bolt",
    "googleapiclient",
    "aiohttp",
    "requests",
    "urllib3",
    "ftplib",
    "telnetlib",
    "playwright",
    "tavily",
    "paramiko",
    "websockets",
]
LIBRARY_USERS = {
    "agents/thinking.py": "language models, at the address of the settings",
    "agents/models.py": "language models, at the address of the settings",
    "agents/asking.py": "language models, at the address of the settings",
    "agents/answering.py": "language models, at the address of the settings",
    "core/auth.py": "keys of the sign-in service of the settings",
    "core/bounded_answers.py": "the database over HTTP, at the address of the settings",
    "core/postgrest.py": "the database over HTTP, at the address of the settings",
    "core/postgrest_answers.py": "the database over HTTP, at the address of the settings",
    "jobs/outside": "clients for the integrations",
    "app/_slack": "the Slack door",
    "app/slack.py": "the Slack door",
    "app/api/integrations": "signing in",
    "jobs/slack_socket.py": "the Slack door",
    "cli": "the installation's own server, tried connections",
}


@cache
def modules() -> dict[str, ast.Module]:
    """Every module but the integrations and tests, by its path."""
    found: dict[str, ast.Module] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            found[path.relative_to(ROOT).as_posix()] = ast.parse(path.read_text())
    return found


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str, str, bool]]:
    """Each call of a method: the call, what it is called on, the method's name, and whether it is awaited."""
    awaited = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Await)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node, ast.unparse(node.func.value), node.func.attr, id(node) in awaited


def protocols() -> Iterator[type[Any]]:
    for info in pkgutil.iter_modules(services.__path__):
        module = importlib.import_module(f"agents.services.{info.name}")
        for one in vars(module).values():
            if inspect.isclass(one) and getattr(one, "_is_protocol", False) and one.__module__ == module.__name__:
                yield one


def is_below(path: str, known: dict[str, str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in known)


def test_every_method_of_a_service_says_whether_it_acts() -> None:
    for one in protocols():
        methods = {name for name, value in vars(one).items() if callable(value) and not name.startswith("_")}
        acts, looks = ACTS.get(one, frozenset()), LOOKS.get(one, frozenset())
        assert methods == acts | looks, (
            f"{one.__name__}: say in agents/services/effects.py what {methods ^ (acts | looks)} does"
        )
        assert not acts & looks, one.__name__
    assert {(one.__name__, name) for one, names in ACTS.items() for name in names} == set(PLACES)


def test_act_methods_are_called_from_behind_the_gate_alone() -> None:
    places: dict[str, set[str]] = {}
    for (_, name), where in PLACES.items():
        places.setdefault(name, set()).update(where)
    distinct = {"create_event", "update_event", "cancel_event", "sending", "by_hand", "prepare"}
    wrong: list[str] = []
    used: set[tuple[str, str]] = set()
    for path, tree in modules().items():
        for node, on, name, is_awaited in calls(tree):
            if name not in places or not (is_awaited or name in distinct) or path in places[name]:
                continue
            first = node.args[0] if node.args else None
            is_ours = name == "call" and isinstance(first, ast.Constant)  # a function of the database, by its name
            if not is_ours and (path, name) not in OTHER_THINGS:
                wrong.append(f"{path}:{node.lineno} {on}.{name}")
            used.add((path, name))
    assert not wrong, "\n".join(wrong)
    assert set(OTHER_THINGS) <= used, "what is not there any more is taken out of the list"


def test_control_tools_act_inside_a_step_with_leave_alone() -> None:
    """What a module does by itself stands in a function that is handed to a journaled act."""
    inside = {"agents/sending.py": {"sending", "prepare"}, "agents/sending_chat.py": {"post"}, "agents/tools/cicd.py": {"request"},
              "agents/browsing_sending.py": {"submit", "by_hand"}}  # fmt: skip
    for path, names in inside.items():
        tree = modules()[path]
        journaled = {
            argument.id
            for node, _, name, _ in calls(tree)
            if name in {"begin_and_do", "use_tool"}
            and isinstance(node.args[0], ast.Constant)
            and node.args[0].value == "act"
            for argument in node.args
            if isinstance(argument, ast.Name)
        }
        within = {
            id(call)
            for function in ast.walk(tree)
            if isinstance(function, ast.AsyncFunctionDef) and function.name in journaled
            for call, *_ in calls(function)
        }
        outside = [name for call, _, name, _ in calls(tree) if name in names and id(call) not in within]
        # Getting ready has no effect: what `sending` hands out and `prepare` makes stays at the provider until `send` runs.
        # The search of a site is a question, which is judged where it is put.
        assert set(outside) <= {"sending", "prepare"} | ({"submit"} if "browsing" in path else set[str]()), path


def test_only_the_gate_delivers_drafts_and_only_judged_questions_are_asked() -> None:
    users = {
        "deliver_draft": {"agents/gate.py"},
        "request_act": {"agents/executor.py", "agents/tools/cicd.py", "agents/browsing_sending.py"},
    }
    for path, tree in modules().items():
        for node, _, name, _ in calls(tree):
            if name in users:
                assert path in users[name], f"{path}:{node.lineno} {name}"
                given = {word.arg for word in node.keywords}
                assert name != "request_act" or "decision" in given, f"{path}:{node.lineno} asks without a decision"


def test_tools_are_run_by_the_executor_and_the_toolbox_alone() -> None:
    for path, tree in modules().items():
        for node, on, name, _ in calls(tree):
            if name == "run" and node.args and ast.unparse(node.args[0]) in {"run", "self.run"}:
                assert path in {"agents/executor.py", "agents/toolbox.py"}, f"{path}:{node.lineno} {on}.run"


def test_integrations_are_reached_from_known_places_alone() -> None:
    wrong: list[str] = []
    for path, tree in modules().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in names:
                top = name.partition(".")[0]
                if top == "integrations" and not is_below(path, INTEGRATION_USERS):
                    wrong.append(f"{path}:{node.lineno} {name}")
                if top in LIBRARIES and not is_below(path, LIBRARY_USERS):
                    wrong.append(f"{path}:{node.lineno} {name}")
    assert not wrong, "\n".join(wrong)


def test_every_tool_says_what_it_does_to_the_world() -> None:
    for name, tool in BUILT_IN_TOOLS.items():
        assert tool.effect is not None, f"{name} has no effect"
        judged_elsewhere = {"email_send", "slack_notification", "browser"}  # drafts and moves, each by itself
        if tool.kind == "act" or (
            tool.effect in {Effect.SEND, Effect.WRITE, *ALWAYS_ASK} and name not in judged_elsewhere
        ):
            assert tool.action is not None, f"{name} does not say what an input of it does"
        if tool.kind == "read" and tool.effect is not Effect.READ:
            assert tool.action is not None, f"{name} does not say what it opens or asks"
        assert not tool.only_looks or tool.kind == "read"


def test_what_says_nothing_asks() -> None:
    fields = {"name": "x", "description": "", "run": None, "input": None}
    assert Tool(**fields, kind="read").only_looks  # pyright: ignore[reportArgumentType]
    assert not Tool(**fields, kind="act").only_looks  # pyright: ignore[reportArgumentType]
    assert Tool(**fields, kind="act").asks_first  # pyright: ignore[reportArgumentType]
