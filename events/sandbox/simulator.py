"""`Sandbox`: the simulator as one object, with the handles that tests and the demo use."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

# Importing these two modules registers the faults.
from events.sandbox import api, fault_body, fault_status  # noqa: F401
from events.sandbox.chapters import Takeover
from events.sandbox.faults import FAULTS, FaultList, FaultSpec, Strike
from events.sandbox.kept import KeptFile
from events.sandbox.query import Selector, utc
from events.sandbox.server import Server
from events.sandbox.shape import EVENTS_PATH, Event
from events.sandbox.store import SandboxAccount, row_of
from events.sandbox.switches import Switches
from events.sandbox.wire import (
    Answer,
    Request,
    not_found,
    problem,
    service_error,
    throttled,
    unauthorized,
)
from events.sandbox.world import HISTORY_DAYS, World

_LOG_LENGTH = 100_000
Params = dict[str, list[str]]


class Sandbox:
    """A simulated Audit API on 127.0.0.1, while the `with` block lasts (or between `start` and `stop`).

    Args:
        accounts: how many accounts; demo0001, demo0002 ... with the secrets sandbox-secret-0001, ...
        events: about how many events in all over 730 days; 0 for empty accounts.
        seed, start: fix the events. `start` is the first day of the history, 730 days before today if None.
        port: 0 for any free one.
        latency_ms: the delay of every response, in milliseconds.
        switches: how it behaves where the real behaviour is unknown.
        faults: what goes wrong, as texts such as "rate-limit@page=7".
        now: the clock; gives aware datetimes.
        empty: keys of accounts without any event.
        keep: a file for the events added by hand and those of attacks, which the next start lists again.
    Raises:
        ValueError: an unknown fault, a clock without zone, or a file that keeps other things.
        OSError: the port is taken (from `start`).
    """

    def __init__(
        self,
        *,
        accounts: int = 5,
        events: int = 20_000,
        seed: int = 1,
        start: date | None = None,
        port: int = 0,
        latency_ms: float = 0,
        switches: Switches | None = None,
        faults: Sequence[str] = (),
        now: Callable[[], datetime] | None = None,
        empty: Collection[str] = (),
        keep: Path | None = None,
    ) -> None:
        self._now = now or (lambda: datetime.now(UTC))
        first_day = start or self.clock().date() - timedelta(days=HISTORY_DAYS)
        self.world = World(accounts=accounts, events=events, seed=seed, start=first_day, empty=empty)
        self.accounts: dict[str, SandboxAccount] = self.world.accounts
        self.latency_ms = latency_ms
        self.switches = switches or Switches()
        self.requests: deque[Request] = deque(maxlen=_LOG_LENGTH)
        self.before_request: Callable[[Request], object] | None = None
        self._faults = FaultList(tuple(faults))
        self._lock = self.world.lock
        self._selector = Selector()
        self._tokens: dict[str, tuple[float, float]] = {}  # account -> (tokens left, when that was)
        self._port = port
        self._server: Server | None = None
        for account in self.accounts.values():
            account.catch_up = self._advance
        self._kept = KeptFile(keep) if keep else None
        for key, row in self._kept.rows() if self._kept else ():
            if key in self.accounts:
                self.accounts[key].store.expect([row])
        self._advance()

    # --- life

    def start(self) -> Self:
        """Begin to serve. After `stop` it may start again, on the same port."""
        if self._server is None:
            self._server = Server(self, self._port)
            self._port = self._server.port
            self._server.start()
        return self

    def stop(self) -> None:
        """Stop serving and close every connection; a client then finds its connection refused (F01)."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def root(self) -> str:
        """`http://127.0.0.1:<port>`, for the control path."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The base URL that a client is configured with."""
        return f"{self.root}/beta/audit"

    @property
    def takeover(self) -> Takeover | None:
        """The account takeover in demo0003; None while its day has not come, or without that account."""
        return self.world.takeover

    def clock(self) -> datetime:
        """The sandbox's time, in UTC."""
        return utc(self._now())

    def _advance(self) -> None:
        self.world.advance(self.clock())

    # --- handles

    def add_events(self, api_key: str, events: int | str | Sequence[Event | str]) -> list[str]:
        """Add events at once, and return their ids ("" for what has none).

        Args:
            events: how many plausible ones dated now; or a list of dicts, which may lack fields, and JSON
                texts to be served verbatim; or one such text.
        Raises:
            KeyError: no such account.
        """
        with self._lock:
            self._advance()
            now, store = self.clock(), self.accounts[api_key].store
            values: Sequence[Any] = self.world.invent(api_key, events, now) if isinstance(events, int) else events
            rows = [row_of(value, now.timestamp()) for value in ([values] if isinstance(values, str) else values)]
            for row in rows:
                store.add(row)
            if self._kept:
                self._kept.add(api_key, rows)
            return [row.id for row in rows]

    def attack(self, api_key: str, pace: float = 10) -> Takeover:
        """Let an account be taken over from now on, as in the story of demo0003: its events are listed one by one.

        Args:
            pace: how many times as fast as in the story, where it takes about ten minutes; from 1 to 100.
        Returns:
            What a detection should find, and when; `cleanup_ids` is empty.
        Raises:
            KeyError: no such account.
            ValueError: no such pace, or an account without people.
        """
        if isinstance(pace, bool) or not isinstance(pace, (int, float)) or not 1 <= pace <= 100:
            raise ValueError("pace must be a number from 1 to 100")
        with self._lock:
            self._advance()
            takeover, rows = self.world.attack(api_key, pace, self.clock())
            if self._kept:
                self._kept.add(api_key, rows)
            self._advance()
            return takeover

    def remove_event(self, api_key: str, event_id: str) -> None:
        """Let an event vanish.

        Raises:
            KeyError: no such account, or no such event.
        """
        with self._lock:
            self._advance()
            self.accounts[api_key].store.remove(event_id)

    def replace_event(self, api_key: str, event_id: str, event: Event | str) -> None:
        """Serve other content in place of an event (F45); it keeps its id only if `event` has it.

        Raises:
            KeyError: no such account, or no such event.
        """
        with self._lock:
            self._advance()
            store = self.accounts[api_key].store
            store.add(row_of(event, store.remove(event_id).arrived))

    def set_secrets(self, api_key: str, secrets: Sequence[str]) -> None:
        """The secrets of an account from now on, in place of those it had."""
        with self._lock:
            self.accounts[api_key].secrets[:] = secrets

    def set_switches(self, **changes: object) -> None:
        """Change switches while it runs.

        Raises:
            ValueError: no such switch, or not a value of it.
        """
        with self._lock:
            self.switches = self.switches.changed(**changes)

    def set_faults(self, *faults: str) -> None:
        """The faults from now on, in place of those before.

        Raises:
            ValueError: a fault that does not exist or is written wrongly.
        """
        active = FaultList(faults)
        with self._lock:
            self._faults = active

    def clear_faults(self) -> None:
        self.set_faults()

    def state(self) -> dict[str, object]:
        """What GET /control/state shows: no secrets."""
        with self._lock:
            self._advance()
            return {
                "accounts": {
                    key: {
                        "name": account.name,
                        "events": len(account.store.rows),
                        "secrets": len(account.secrets),
                    }
                    for key, account in self.accounts.items()
                },
                "start": self.world.start.isoformat(),
                "now": self.clock().isoformat(),
                "switches": {name: getattr(self.switches, name) for name in Switches.names()},
                "faults": self._faults.state(),
                "requests": len(self.requests),
            }

    # --- answering (called by the server, from many threads)

    def respond(self, method: str, path: str, params: Params, authorization: str, fault: str = "") -> Answer:
        """The answer to one request to the API. `fault` is the header X-Sandbox-Fault, "" without one."""
        api_key, secret = _credentials(authorization)
        shown = {name: ",".join(values) for name, values in params.items()}
        if "api_secret" in shown:
            shown["api_secret"] = "***"  # noqa: S105 - the mask, not a secret
        request = Request(method, path, shown, api_key)
        if self.before_request is not None:
            self.before_request(request)
        if self.latency_ms:
            time.sleep(self.latency_ms / 1000)
        answer = self._answer(request, params, secret, fault)
        unanswered = answer.transport in ("reset", "disconnect")
        self.requests.append(replace(request, status=0 if unanswered else answer.status))
        return answer

    def _answer(self, request: Request, params: Params, secret: str | None, fault: str) -> Answer:
        def normal(**changes: str) -> Answer:
            return self._normal(request, {**params, **{name: [value] for name, value in changes.items()}}, secret)

        with self._lock:
            try:
                spec = FaultSpec.parse(fault) if fault else self._faults.due(request)
            except ValueError as error:
                return service_error(400, str(error), "BadRequest")
            if spec is None:
                return normal()
            return FAULTS[spec.name].strike(Strike(spec, request, self, normal))

    def _normal(self, request: Request, params: Params, secret: str | None) -> Answer:
        """What a service without faults answers."""
        switches = self.switches
        self._advance()
        limited = self._limit(request.api_key)
        if limited is not None:
            return limited
        if not request.path.startswith(EVENTS_PATH):
            return not_found(switches.errors, "No message available")
        if secret is not None and "api_secret" in params:
            return problem(401, "multiple-auth-methods", "Unauthorized", "Provide one authentication method.")
        account = self.accounts.get(request.api_key)
        if account is None or secret is None or not _is_one_of(secret, account.secrets):
            return unauthorized(switches.errors, switches.unauthorized_text)
        if request.kind == "options":
            return api.options(switches)
        if request.kind == "list":
            return api.listing(account, params, switches, self._selector, self.clock())
        if request.kind == "one":
            return api.one(account, unquote(request.path[len(EVENTS_PATH) + 1 :]), switches)
        if request.method in ("GET", "OPTIONS"):
            return not_found(switches.errors, "No message available")
        return service_error(405, f"Request method '{request.method}' not supported")

    def _limit(self, api_key: str) -> Answer | None:
        """429 when the account has used up its requests: a bucket of one second's worth, at least one."""
        rate = self.switches.requests_per_second
        if not rate or not api_key:
            return None
        now = time.monotonic()
        left, then = self._tokens.get(api_key, (max(rate, 1.0), now))
        left = min(left + (now - then) * rate, max(rate, 1.0))
        if left >= 1:
            self._tokens[api_key] = (left - 1, now)
            return None
        self._tokens[api_key] = (left, now)
        seconds = max(1, round((1 - left) / rate + 0.5))
        hint = {"seconds": str(seconds), "date": formatdate(time.time() + seconds, usegmt=True), "none": None}
        return throttled("rfc7807" if self.switches.errors == "service" else self.switches.errors,
                         hint[self.switches.retry_after])  # fmt: skip


def _credentials(authorization: str) -> tuple[str, str | None]:
    """Key and secret of a Basic header; the secret is None when the header is missing or malformed."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", None
    api_key, colon, secret = text.partition(":")
    return api_key, secret if colon else None


def _is_one_of(secret: str, secrets: Sequence[str]) -> bool:
    return any(hmac.compare_digest(secret.encode(), accepted.encode()) for accepted in secrets)
