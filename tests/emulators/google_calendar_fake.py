"""Google Calendar on loopback, as far as the emulator does not have it: a small fake of our own.

The emulator of `outside_servers` has no `events.get`, `patch` or `instances`, ignores `syncToken`, and drops client ids and
recurrence. This fake has them. Which methods, parameters and fields there are is read from the service's discovery
document, as it lies in the installed `googleapiclient`; anything else is answered with 400, as Google does. What the
methods do is written after the reference: it stands in for the service, and is no proof of it.
"""

import json
import re
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import rrulestr

from tests.emulators.google_discovery import Fault, Refusal, answer_of, check_body, error_of, resolve

Json = dict[str, Any]
EVENT_ID = re.compile(r"[a-v0-9]{5,1024}")
INSTANCE = re.compile(r"(?P<series>.+)_(?P<stamp>\d{8}(?:T\d{6}Z)?)")
NOT_WITH_SYNC = ("iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin")  # fmt: skip


class GoogleCalendarFake:
    """The service. `tokens` says whose access token is whose; everybody named there has a calendar.

    `calls` lists (method id, parameters, body); `mails` the notices that Google would send: (kind, event id, to whom).
    """

    def __init__(self, tokens: dict[str, str], zone: str = "Europe/Berlin") -> None:
        self.tokens = dict(tokens)
        self.zone = zone
        self.page_size = 2500
        self.lock = threading.RLock()
        self.url = ""
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget everything but the people."""
        with self.lock:
            self.events: dict[str, Json] = {}
            self.seen_by: dict[str, set[str]] = {}
            self.changed: list[str] = []
            self.epoch = 0
            self.version = 0
            self.faults: list[Fault] = []
            self.channels: dict[str, Json] = {}
            self.calls: list[tuple[str, Json, Json | None]] = []
            self.mails: list[tuple[str, str, tuple[str, ...]]] = []

    def forget_tokens(self) -> None:
        """Sync tokens given out so far are answered with 410 from now on."""
        self.epoch += 1

    def fail(self, method: str, status: int | None = None, **how: Any) -> None:
        """See `Fault`."""
        self.faults.append(Fault(method, status, **how))

    def called(self, method: str) -> list[tuple[str, Json, Json | None]]:
        """The calls of a method so far."""
        return [call for call in self.calls if call[0] == method]

    def put(self, owner: str, event_id: str, start: str, end: str, **fields: Any) -> Json:
        """An event on somebody's calendar. Dates are all-day; times have an offset."""

        def at(text: str) -> Json:
            return {"date": text} if len(text) == 10 else {"dateTime": text, "timeZone": fields.get("zone", self.zone)}

        body = {"id": event_id, "summary": event_id, "start": at(start), "end": at(end)}
        body |= {name: value for name, value in fields.items() if name != "zone"}
        return self._store(owner, body)

    # The methods, by their ids in the discovery document.

    def events_insert(self, me: str, params: Json, body: Json, match: str | None) -> Json:
        event_id = body.setdefault("id", f"e{len(self.events):08d}".translate(str.maketrans("wxyz", "abcd")))
        if not EVENT_ID.fullmatch(event_id):
            raise Refusal(400, "invalid", "Invalid resource id value.")
        if event_id in self.events:
            raise Refusal(409, "duplicate", "The requested identifier already exists.")
        stored = self._store(me, body)
        self._write("invited", stored, params, me)
        return self._view(stored, me)

    def events_get(self, me: str, params: Json, body: Json, match: str | None) -> Json:
        return self._view(self._find(me, params["eventId"]), me)

    def events_patch(self, me: str, params: Json, body: Json, match: str | None) -> Json:
        before = self._find(me, params["eventId"])
        if match is not None and match != before["etag"]:
            raise Refusal(412, "conditionNotMet", "Precondition Failed")
        if before["status"] == "cancelled":
            raise Refusal(410, "deleted", "Resource has been deleted")
        after = deepcopy(before)
        if body.get("attendeesOmitted"):
            for own in body.pop("attendees", []):
                for guest in after.get("attendees", []):
                    if guest["email"] == own["email"] == me:
                        guest.update(own)
            body = {name: value for name, value in body.items() if name != "attendeesOmitted"}
        elif me != before["organizer"]["email"]:
            raise Refusal(403, "forbiddenForNonOrganizer", "Only the organizer may change this")
        for name, value in body.items():
            if isinstance(value, dict) and isinstance(after.get(name), dict):
                merged: Json = {**after[name], **value}
                after[name] = {key: one for key, one in merged.items() if one is not None}
            elif value is None:
                after.pop(name, None)
            else:
                after[name] = value
        self._check_times(after)
        if "recurrence" in body or ("start" in body and before.get("recurrence")):
            self._drop_changes(before["id"])
        self._keep(after)
        self._write("changed", after, params, me)
        return self._view(after, me)

    def events_delete(self, me: str, params: Json, body: Json, match: str | None) -> Json:
        before = self._find(me, params["eventId"])
        if before["status"] == "cancelled":
            raise Refusal(410, "deleted", "Resource has been deleted")
        if match is not None and match != before["etag"]:
            raise Refusal(412, "conditionNotMet", "Precondition Failed")
        gone = {**deepcopy(before), "status": "cancelled"}
        if before.get("recurrence"):
            self._drop_changes(before["id"])
        self._keep(gone)
        self._write("cancelled", before, params, me)
        return {}

    def events_list(self, me: str, params: Json, body: Json, match: str | None) -> Json:
        token = params.get("syncToken")
        if token and (wrong := [name for name in NOT_WITH_SYNC if name in params]):
            raise Refusal(400, "invalid", f"syncToken may not be combined with {wrong[0]}")
        if params.get("orderBy") == "startTime" and not params.get("singleEvents"):
            raise Refusal(400, "badRequest", "orderBy startTime needs singleEvents")
        since = self._since(token) if token else None
        if params.get("singleEvents"):
            found = sorted(self._expanded(me, params), key=lambda e: self._instant(e["start"]))
        else:
            ids = dict.fromkeys(self.changed[since:]) if since is not None else self.events
            found = [self.events[i] for i in ids if me in self.seen_by[_series_of(self.events[i])]]
            if since is None:
                found = [e for e in found if self._is_listed(e, params)]
        first = int(params.get("pageToken", 0))
        size = min(int(params.get("maxResults", 250)), self.page_size)
        page: Json = {"kind": "calendar#events", "items": [self._view(e, me) for e in found[first : first + size]]}
        if first + size < len(found):
            return {**page, "nextPageToken": str(first + size)}
        return {**page, "nextSyncToken": f"{self.epoch}-{len(self.changed)}"}

    def freebusy_query(self, me: str, params: Json, body: Json, match: str | None) -> Json:
        people = set(self.tokens.values())
        answer: Json = {}
        for item in body["items"]:
            who = me if item["id"] == "primary" else item["id"]
            if who not in people:
                answer[item["id"]] = {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
                continue
            window = {"timeMin": body["timeMin"], "timeMax": body["timeMax"], "singleEvents": True}
            taken = [e for e in self._expanded(who, window) if self._keeps_busy(e, who)]
            answer[item["id"]] = {
                "busy": [
                    {"start": _iso(self._instant(e["start"])), "end": _iso(self._instant(e["end"]))} for e in taken
                ]
            }
        return {"kind": "calendar#freeBusy", "calendars": answer}

    def events_watch(self, me: str, params: Json, body: Json, match: str | None) -> Json:
        if not str(body.get("address", "")).startswith("https://"):
            raise Refusal(400, "push.webhookUrlNotHttps", "WebHook callback must be HTTPS")
        if body["id"] in self.channels:
            raise Refusal(400, "channelIdNotUnique", "Channel id is not unique")
        self.channels[body["id"]] = {**body, "resourceId": f"resource-{me}"}
        ends = datetime.now(UTC) + timedelta(seconds=int(body["params"]["ttl"]))
        return {
            "kind": "api#channel",
            "id": body["id"],
            "resourceId": f"resource-{me}",
            "expiration": str(int(ends.timestamp() * 1000)),
        }

    def channels_stop(self, me: str, params: Json, body: Json, match: str | None) -> Json:
        if self.channels.get(body["id"], {}).get("resourceId") != body["resourceId"]:
            raise Refusal(404, "notFound", "Channel not found")
        del self.channels[body["id"]]
        return {}

    # What the methods stand on.

    def _store(self, owner: str, body: Json) -> Json:
        event: Json = {"kind": "calendar#event", "status": "confirmed", "organizer": {"email": owner}, **deepcopy(body)}
        event["htmlLink"] = f"https://calendar.example/event?eid={event['id']}"
        self._check_times(event)
        with self.lock:
            self.seen_by[event["id"]] = {owner}
            self._keep(event)
        return event

    def _keep(self, event: Json) -> None:
        with self.lock:
            self.version += 1
            event["etag"] = f'"{self.version}"'
            for guest in event.get("attendees", []):
                guest.setdefault("responseStatus", "needsAction")
                self.seen_by[_series_of(event)].add(guest["email"])
            self.events[event["id"]] = event
            self.changed.append(event["id"])

    def _find(self, me: str, event_id: str) -> Json:
        event = self.events.get(event_id)
        if event is None and (named := INSTANCE.fullmatch(event_id)) and named["series"] in self.events:
            series = self.events[named["series"]]
            starts = {_stamp(start, series): start for start in self._starts(series)}
            event = self._instance(series, starts[named["stamp"]]) if named["stamp"] in starts else None
        if event is None or me not in self.seen_by[_series_of(event)]:
            raise Refusal(404, "notFound", "Not Found")
        return event

    def _view(self, event: Json, me: str) -> Json:
        shown = deepcopy(event)
        for guest in [*shown.get("attendees", []), shown["organizer"]]:
            if guest["email"] == me:
                guest["self"] = True
        if shown["status"] == "cancelled" and shown.get("recurringEventId"):
            return {
                k: v
                for k, v in shown.items()
                if k in {"id", "kind", "etag", "status", "recurringEventId", "originalStartTime"}
            }
        return shown

    def _expanded(self, me: str, params: Json) -> Iterator[Json]:
        for event in list(self.events.values()):
            if me not in self.seen_by[_series_of(event)] or event["status"] == "cancelled":
                continue
            if not event.get("recurrence"):
                if self._is_listed(event, params):
                    yield event
                continue
            changed = {e["id"] for e in self.events.values() if e.get("recurringEventId") == event["id"]}
            for start in self._starts(event):
                one = self._instance(event, start)
                if one["id"] not in changed and self._is_listed(one, params):
                    yield one

    def _starts(self, series: Json) -> Iterator[datetime]:
        """Wall-clock starts of a series, without what EXDATE takes away."""
        zone = ZoneInfo(series["start"].get("timeZone") or self.zone)
        first = self._instant(series["start"]).astimezone(zone).replace(tzinfo=None)
        without: set[str] = set()
        for line in series["recurrence"]:
            if line.startswith("EXDATE"):
                without |= set(line.partition(":")[2].split(","))
        rule = next(line.partition(":")[2] for line in series["recurrence"] if line.startswith("RRULE"))
        local = re.sub(r"UNTIL=(\d{8}T\d{6})Z", r"UNTIL=\1", rule)
        for count, at in enumerate(rrulestr(local, dtstart=first)):
            if count > 2000:
                return
            if _stamp(at, series, zone) not in without and f"{at:%Y%m%dT%H%M%S}" not in without:
                yield at

    def _instance(self, series: Json, start: datetime) -> Json:
        zone = ZoneInfo(series["start"].get("timeZone") or self.zone)
        length = self._instant(series["end"]) - self._instant(series["start"])
        if "date" in series["start"]:
            begin: Json = {"date": f"{start:%Y-%m-%d}"}
            end: Json = {"date": f"{start + length:%Y-%m-%d}"}
        else:
            at = start.replace(tzinfo=zone)
            begin = {"dateTime": at.isoformat(), "timeZone": zone.key}
            end = {"dateTime": (at.astimezone(UTC) + length).astimezone(zone).isoformat(), "timeZone": zone.key}
        kept = {name: value for name, value in deepcopy(series).items() if name != "recurrence"}
        one_id = f"{series['id']}_{_stamp(start, series, zone)}"
        return {
            **kept,
            "id": one_id,
            "start": begin,
            "end": end,
            "recurringEventId": series["id"],
            "originalStartTime": begin,
        }

    def _is_listed(self, event: Json, params: Json) -> bool:
        if event["status"] == "cancelled" and not event.get("recurringEventId"):
            return False
        low, high = params.get("timeMin"), params.get("timeMax")
        if event.get("recurrence"):
            return not high or self._instant(event["start"]) < datetime.fromisoformat(high)
        return not (
            (low and self._instant(event["end"]) <= datetime.fromisoformat(low))
            or (high and self._instant(event["start"]) >= datetime.fromisoformat(high))
        )

    def _keeps_busy(self, event: Json, who: str) -> bool:
        said = [g["responseStatus"] for g in event.get("attendees", []) if g["email"] == who]
        return event.get("transparency") != "transparent" and "declined" not in said

    def _since(self, token: str) -> int:
        epoch, _, number = token.partition("-")
        if epoch != str(self.epoch) or not number.isdigit():
            raise Refusal(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.")
        return int(number)

    def _drop_changes(self, series_id: str) -> None:
        for event in [e for e in self.events.values() if e.get("recurringEventId") == series_id]:
            del self.events[event["id"]]
            self.changed = [i for i in self.changed if i != event["id"]]

    def _write(self, kind: str, event: Json, params: Json, me: str) -> None:
        wanted = params.get("sendUpdates", "none")
        to = tuple(guest["email"] for guest in event.get("attendees", []) if guest["email"] != me)
        if wanted != "none" and to:
            self.mails.append((kind, event["id"], to))

    def _check_times(self, event: Json) -> None:
        for name in ("start", "end"):
            at: Json = event.get(name) or {}
            if not at.get("date") and not at.get("dateTime"):
                raise Refusal(400, "required", f"Missing {name} time.")
            try:
                ZoneInfo(at.get("timeZone") or "UTC")
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise Refusal(400, "invalid", f"Invalid value for: Time zone {at['timeZone']}") from error
        if event.get("recurrence") and "dateTime" in event["start"] and not event["start"].get("timeZone"):
            raise Refusal(400, "required", "Missing time zone definition for start time.")
        if self._instant(event["end"]) < self._instant(event["start"]):
            raise Refusal(400, "timeRangeEmpty", "The specified time range is empty.")

    def _instant(self, at: Json) -> datetime:
        if at.get("dateTime"):
            moment = datetime.fromisoformat(at["dateTime"])
            return (
                moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(at.get("timeZone") or self.zone))
            ).astimezone(UTC)
        return datetime.combine(datetime.fromisoformat(at["date"]).date(), time(), ZoneInfo(self.zone)).astimezone(UTC)

    # How a request becomes a method.

    def answer(self, verb: str, target: str, headers: Any, raw: bytes) -> tuple[int | None, dict[str, str], bytes]:
        """Status (None: the line is cut), headers and body. No sign-in is renewed here."""
        if target == "/oauth2/token":
            return 400, {"content-type": "application/json"}, b'{"error": "invalid_grant"}'
        try:
            method_id, method, params = resolve(verb, target)
        except Refusal as refusal:
            return error_of(refusal)
        with self.lock:
            fault = next((f for f in self.faults if f.method == method_id and f.times > 0), None)
            if fault:
                fault.times -= 1
                if not fault.after:
                    return answer_of(fault)
            answered = self._answered(method_id, method, params, headers, raw)
        return answer_of(fault) if fault else answered

    def _answered(
        self, method_id: str, method: Json, params: Json, headers: Any, raw: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            body = json.loads(raw) if raw else None
            self.calls.append((method_id, params, deepcopy(body)))
            me = self.tokens.get(str(headers.get("authorization", "")).removeprefix("Bearer "))
            if me is None:
                raise Refusal(401, "authError", "Invalid Credentials")
            if body is not None:
                check_body(body, method.get("request", {}).get("$ref", ""), "body")
            if params.get("calendarId", "primary") not in {"primary", me}:
                raise Refusal(404, "notFound", "Not Found")
            handler: Callable[..., Json] | None = getattr(self, method_id.replace(".", "_"), None)
            if handler is None:
                raise Refusal(501, "notImplemented", f"This fake has no {method_id}")
            done = handler(me, params, body or {}, headers.get("if-match"))
        except Refusal as refusal:
            return error_of(refusal)
        if method_id in {"events.delete", "channels.stop"}:
            return 204, {}, b""
        return 200, {"content-type": "application/json; charset=UTF-8"}, json.dumps(done).encode()


def _stamp(start: datetime, series: Json, zone: ZoneInfo | None = None) -> str:
    if "date" in series["start"]:
        return f"{start:%Y%m%d}"
    here = zone or ZoneInfo(series["start"]["timeZone"])
    return f"{start.replace(tzinfo=here).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _series_of(event: Json) -> str:
    return str(event.get("recurringEventId") or event["id"])


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


@contextmanager
def running_google_calendar(tokens: dict[str, str]) -> Generator[GoogleCalendarFake]:
    """The fake on a port of its own for the length of the block; `url` is what `GooglePlaces.at` takes."""
    fake = GoogleCalendarFake(tokens)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, headers, body = fake.answer(self.command, self.path, self.headers, raw)
            if status is None:
                self.close_connection = True
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()
