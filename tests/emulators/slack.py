"""The Slack emulator as the tests of Slack need it: a bot of its own, requests signed as Slack signs them.

The emulator simulates neither interactions nor Socket Mode: what Slack would send is made here and sent to the app.
It has no faults; `FaultySlack` is a small fake in front of it that answers with one, or cuts the line.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode
from uuid import uuid4

import httpx
from slack_sdk.signature import SignatureVerifier

from integrations.slack.web import SlackWeb
from tests.emulators.outside_servers import SLACK_SIGNING_SECRET, OutsideServers

BOT_TOKEN, ROBIN_TOKEN, ALEX_TOKEN, WEAK_TOKEN = "xoxb-steward", "xoxp-robin", "xoxp-alex", "xoxb-weak"
SCOPES = [
    "chat:write",
    "channels:read",
    "channels:history",
    "channels:join",
    "groups:read",
    "groups:history",
    "groups:write",
    "im:read",
    "im:history",
    "im:write",
    "mpim:read",
    "users:read",
    "users:read.email",
    "channels:manage",
]
SEED: dict[str, Any] = {
    "team": {"name": "Vega", "domain": "vega"},
    "users": [
        {"name": "steward", "real_name": "Steward", "email": "steward-bot@vega.example"},
        {"name": "robin", "real_name": "Robin Vega", "email": "robin@vega.example"},
        {"name": "alex", "real_name": "Alex Moreno", "email": "alex@vega.example"},
        {"name": "kim", "real_name": "Kim Lang", "email": "kim@vega.example"},
    ],
    "channels": [{"name": "general", "topic": "Everything"}, {"name": "orders"}, {"name": "old"}],
    "tokens": [
        {"token": BOT_TOKEN, "type": "bot", "user": "steward", "scopes": SCOPES},
        {"token": ROBIN_TOKEN, "type": "user", "user": "robin", "scopes": SCOPES},
        {"token": ALEX_TOKEN, "type": "user", "user": "alex", "scopes": SCOPES},
        {"token": WEAK_TOKEN, "type": "bot", "user": "steward", "scopes": ["channels:read"]},
    ],
    "signing_secret": SLACK_SIGNING_SECRET,
    "strict_scopes": True,
}


@dataclass
class SlackServer:
    """The workspace: who is in it, what is said there."""

    api_url: str
    team: str = ""
    users: dict[str, str] = field(default_factory=dict[str, str])
    channels: dict[str, str] = field(default_factory=dict[str, str])

    def web(self, token: str = BOT_TOKEN) -> SlackWeb:
        return SlackWeb(token, self.api_url)

    async def say(self, text: str, *, channel: str = "general", token: str = ALEX_TOKEN, **more: object) -> str:
        """Somebody writes; the message's id."""
        place = self.channels.get(channel, channel)
        return str((await self.web(token).act("chat.postMessage", channel=place, text=text, **more))["ts"])

    async def messages(self, channel: str = "general", token: str = BOT_TOKEN) -> list[dict[str, Any]]:
        """What stands in a channel, oldest first, answers in threads included."""
        place = self.channels.get(channel, channel)
        answer = await self.web(token).read("conversations.history", channel=place, include_all_metadata=True)
        found: list[dict[str, Any]] = []
        for one in answer["messages"][::-1]:
            thread = await self.web(token).read("conversations.replies", channel=place, ts=one["ts"])
            found += thread["messages"]
        return found

    async def direct(self, user: str = "robin") -> list[dict[str, Any]]:
        """What the bot wrote to somebody directly."""
        opened = await self.web().act("conversations.open", users=self.users[user])
        return await self.messages(opened["channel"]["id"])

    async def trigger(self, user: str = "robin") -> str:
        """A trigger for a modal, as a click brings it."""
        answer = await self.web().act("views.generateTriggerId", user_id=self.users[user])
        return str(answer["trigger_id"])

    async def eventually(self, count: int, user: str = "robin", seconds: float = 15) -> list[dict[str, Any]]:
        """The direct messages as soon as there are so many."""
        until = time.monotonic() + seconds
        while True:
            found = await self.direct(user)
            if len(found) >= count or time.monotonic() > until:
                return found
            await asyncio.sleep(0.05)


async def fresh_slack(outside: OutsideServers, **parts: Any) -> SlackServer:
    """The emulator begun anew, and what is in it."""
    await asyncio.to_thread(outside.reset, slack={**SEED, **parts})
    server = SlackServer(f"{outside.slack}/api/")
    web = server.web()
    server.team = str((await web.read("auth.test"))["team_id"])
    server.users = {one["name"]: one["id"] for one in (await web.read("users.list"))["members"]}
    listed = await web.read("conversations.list", types="public_channel,private_channel")
    server.channels = {one["name"]: one["id"] for one in listed["channels"]}
    return server


def signed(body: bytes, *, secret: str = SLACK_SIGNING_SECRET, at: float | None = None) -> dict[str, str]:
    """The headers that Slack would send with this body."""
    stamp = str(int(time.time() if at is None else at))
    try:
        signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body) or ""
    except UnicodeDecodeError:  # the library signs text alone
        words = b"v0:" + stamp.encode() + b":" + body
        signature = f"v0={hmac.new(secret.encode(), words, hashlib.sha256).hexdigest()}"
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}


@dataclass
class SlackSender:
    """Sends to the app what Slack would send: a request of its own each time."""

    client: httpx.AsyncClient
    slack: SlackServer

    async def event(self, event: Mapping[str, Any], *, event_id: str | None = None, **more: Any) -> httpx.Response:
        body = {
            "type": "event_callback",
            "team_id": self.slack.team,
            "api_app_id": "A1",
            "event_id": event_id or f"Ev{uuid4().hex}",
            "event": dict(event),
            "nonce": uuid4().hex,  # two requests of one second differ
            **more,
        }
        return await self.post_json("events", body)

    async def mention(self, text: str, user: str = "robin", **more: Any) -> httpx.Response:
        bot = self.slack.users["steward"]
        event = {
            "type": "app_mention",
            "user": self.slack.users.get(user, user),
            "text": f"<@{bot}> {text}",
            "channel": self.slack.channels["general"],
            "ts": f"{time.time():.6f}",
        }
        event_id = more.pop("event_id", None)
        headers = more.pop("headers", {})
        body = {
            "type": "event_callback",
            "team_id": self.slack.team,
            "api_app_id": "A1",
            "event_id": event_id or f"Ev{uuid4().hex}",
            "event": event | more,
            "nonce": uuid4().hex,
        }
        return await self.post_json("events", body, headers)

    async def command(self, text: str, user: str = "robin", **more: Any) -> httpx.Response:
        form = {
            "command": "/steward",
            "text": text,
            "user_id": self.slack.users.get(user, user),
            "team_id": self.slack.team,
            "channel_id": self.slack.channels["general"],
            "trigger_id": uuid4().hex,
            "api_app_id": "A1",
        }
        return await self.post("commands", urlencode(form | more).encode())

    async def interaction(self, payload: Mapping[str, Any], user: str = "robin") -> httpx.Response:
        whole = {
            "user": {"id": self.slack.users.get(user, user), "team_id": self.slack.team},
            "team": {"id": self.slack.team, "domain": "vega"},
            "api_app_id": "A1",
            "token": "unused",
            "nonce": uuid4().hex,
            **payload,
        }
        return await self.post("interactions", urlencode({"payload": json.dumps(whole)}).encode())

    async def click(
        self, message: Mapping[str, Any], channel: str, action: str, user: str = "robin", value: str | None = None
    ) -> httpx.Response:
        """A click on a button of a message."""
        button = next(
            one
            for block in message["blocks"]
            if block["type"] == "actions"
            for one in block["elements"]
            if one["action_id"] == action
        )
        payload: dict[str, Any] = {
            "type": "block_actions",
            "trigger_id": await self.slack.trigger(),
            "container": {"type": "message", "message_ts": message["ts"], "channel_id": channel},
            "channel": {"id": channel, "name": "directmessage"},
            "message": {"ts": message["ts"], "text": message["text"]},
            "actions": [{"type": "button", "block_id": "x", "action_ts": "1", **button}],
        }
        if value is not None:
            payload["actions"][0]["value"] = value
        return await self.interaction(payload, user)

    async def submit(
        self, view: Mapping[str, Any], values: Mapping[str, str | None], user: str = "robin"
    ) -> httpx.Response:
        """A modal is sent with these values by block."""
        state = {
            block["block_id"]: {
                block["element"]["action_id"]: {"type": "plain_text_input", "value": values.get(block["block_id"])}
            }
            for block in view["blocks"]
            if block["type"] == "input"
        }
        shown = {**view, "id": "V1", "state": {"values": state}}
        return await self.interaction({"type": "view_submission", "trigger_id": uuid4().hex, "view": shown}, user)

    async def post_json(self, door: str, body: Mapping[str, Any], headers: Mapping[str, str] = {}) -> httpx.Response:
        raw = json.dumps(body).encode()
        return await self.post(door, raw, {"Content-Type": "application/json", **(headers or {})})

    async def post(self, door: str, raw: bytes, headers: Mapping[str, str] = {}) -> httpx.Response:
        usual = {"Content-Type": "application/x-www-form-urlencoded", **signed(raw)}
        return await self.client.post(
            f"/api/integrations/slack/{door}", content=raw, headers={**usual, **(headers or {})}
        )


@dataclass
class FaultySlack:
    """In front of the emulator, a fake: the next calls of a method get a fault, the others pass.

    A fault is (status, headers, body), `cut` (the line is cut before the call passes) or `cut_after` (after it took
    effect, before the answer).
    """

    behind: str
    api_url: str = ""
    faults: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    calls: list[str] = field(default_factory=list[str])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request on one connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            request, *lines = head.split("\r\n")
            headers = {
                name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            body = await reader.readexactly(int(headers.get("content-length") or 0))
            method = request.split(" ")[1].rpartition("/")[2]
            self.calls.append(method)
            waiting = self.faults.get(method) or []
            fault = waiting.pop(0) if waiting else None
            if fault != "cut":
                answer = cast("Answer", fault) if isinstance(fault, tuple) else await self._pass(method, body, headers)
                if fault != "cut_after":
                    await _write(writer, answer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _pass(self, method: str, body: bytes, headers: dict[str, str]) -> "Answer":
        kept = {name: value for name, value in headers.items() if name in {"authorization", "content-type"}}
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{self.behind}/api/{method}", content=body, headers=kept)
        return answer.status_code, {"Content-Type": "application/json"}, answer.text


Answer = tuple[int, dict[str, str], str]


async def _write(writer: asyncio.StreamWriter, answer: Answer) -> None:
    status, headers, text = answer
    raw = text.encode()
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
    lines += [f"Content-Length: {len(raw)}", "Connection: close", "", ""]
    writer.write("\r\n".join(lines).encode() + raw)
    await writer.drain()


@asynccontextmanager
async def faulty_slack(outside: OutsideServers) -> AsyncGenerator[FaultySlack]:
    """A faulty Slack on loopback for the length of the block."""
    faulty = FaultySlack(outside.slack)
    server = await asyncio.start_server(faulty.serve, "127.0.0.1", 0)
    faulty.api_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/"
    async with server:
        yield faulty
