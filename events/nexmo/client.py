"""The Audit API over HTTP: plain values in, frozen dataclasses or a named error out. Knows nothing of Django.

Vendor reference: https://developer.vonage.com/en/api/audit
"""

from __future__ import annotations

import base64
import contextlib
import http.cookiejar
import ipaddress
import random
import re
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar
from urllib.parse import quote, urlsplit

import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.util import Retry

from events.nexmo import answers, errors
from events.nexmo.parse import (
    Event,
    EventPage,
    EventTypeInfo,
    decode_body,
    load_json,
    parse_event_types,
    parse_page,
    parse_single,
)
from events.nexmo.values import parse_http_date

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

DEFAULT_URL = "https://api.nexmo.com/beta/audit"
MAX_PAGE_SIZE = 100
MAX_BODY_BYTES = 256 * 1024 * 1024
CONNECT_TIMEOUT = 10.0


class Pace(Protocol):
    """Says when the next request may be made; shared by all that ask in the name of one account."""

    def delay(self) -> float:
        """Take the next free moment and return how many seconds away it is."""
        ...


class Pacer:
    """Lets requests through at most so many times a second, for the clients of one process that share it."""

    def __init__(self, per_second: float) -> None:
        self.interval = 1 / per_second if per_second > 0 else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def delay(self) -> float:
        """Take the next free moment and return how many seconds away it is."""
        with self._lock:
            now = time.monotonic()
            moment = max(now, self._next)
            self._next = moment + self.interval
            return moment - now


class _Request(NamedTuple):
    method: str
    path: str
    params: Mapping[str, str]


@dataclass
class _Exchange:
    """A request that was made, and what came of it.

    Attributes:
        status: 0 when there was no answer.
        error: why there is no answer to read.
    """

    status: int = 0
    response: requests.Response = field(default_factory=requests.Response)
    text: str = ""
    sent_at: datetime | None = None
    error: errors.AuditAPIError | None = None


@dataclass
class AuditClient:
    """Asks the Audit API in the name of one account. Not for several threads at once.

    Args:
        api_key, secrets: Basic credentials; the next secret is tried once when Nexmo refuses one, because it allows
            two while they are rotated.
        base_url: including the path; https, or http to this machine only.
        zone: the zone of the API's times, which carry none.
        timeout: seconds to wait for a byte; a whole answer may take four times as long.
        attempts: how often a request is made before a passing fault counts.
        longest_wait: cap in seconds for one pause, whatever Retry-After asks.
        pacer: spaces requests out.
        stop: set from outside to leave any pause with ``Stopped``.
        on_wait: called with (seconds, why) before each pause that a fault causes.
        on_answer: called after each request with the answer's status, 0 when there was none.

    Attributes:
        requests_made: so many until now.
        server_time: the API's clock at its last answer, by the Date header; None when that carried none.
    """

    api_key: str
    secrets: Sequence[str] = field(repr=False)
    base_url: str = DEFAULT_URL
    zone: tzinfo = UTC
    timeout: float = 30.0
    attempts: int = 5
    longest_wait: float = 60.0
    date_style: str = "zulu"
    pacer: Pace = field(default_factory=lambda: Pacer(1), repr=False)
    stop: threading.Event = field(default_factory=threading.Event, repr=False)
    on_wait: Callable[[float, str], None] | None = field(default=None, repr=False)
    on_answer: Callable[[int], None] | None = field(default=None, repr=False)
    requests_made: int = field(default=0, init=False)
    server_time: datetime | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        # Everything behind would read such an address in its own way.
        if re.search(r"[\\\s@]", self.base_url):
            raise ValueError("The address must be an https one without credentials, blanks and backslashes.")
        parts = urlsplit(self.base_url)
        loopback = _is_loopback(parts.hostname or "")
        if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
            raise ValueError("The Audit API must be reached over https; plain http is for this machine only.")
        if not self.secrets:
            raise ValueError("At least one API secret is needed.")
        self._secret = 0
        self._ahead: tuple[_Request, Future[_Exchange]] | None = None
        self._closed = threading.Event()
        self._session = requests.Session()
        # Proxies and certificates come from the environment, credentials never (.netrc); nothing between us and
        # ourselves.
        self._session.trust_env = not loopback
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update({"Accept": "application/json", "User-Agent": "Auditsite"})

    def close(self) -> None:
        """Waits for nothing: a request that is under way is left to itself, and one that was to be made is not."""
        self._closed.set()
        if self._ahead is not None and self._ahead[1].done():
            with contextlib.suppress(errors.Stopped):
                self._drop_ahead()
        self._session.close()

    def __enter__(self) -> AuditClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # --- what can be asked ---------------------------------------------------------------------------------

    def event_types(self) -> tuple[EventTypeInfo, ...]:
        """The event types that OPTIONS lists; empty when something in between answered in Nexmo's place."""
        return self._ask(_Request("OPTIONS", "/events", {}), _read_event_types)

    def list_events(
        self,
        *,
        page: int = 1,
        size: int = MAX_PAGE_SIZE,
        event_types: Sequence[str] = (),
        search_text: str = "",
        date_from: datetime | None = None,
        date_to: datetime | None = None,
    ) -> EventPage:
        """One page of events.

        Args:
            page: from 1.
            size: 1 to 100.
            event_types: any of these; empty for all.
            search_text: only events whose JSON contains it.
            date_from, date_to: aware; whether the ends are included is not documented.
        """
        request = self._list_request(page, size, event_types, search_text, date_from, date_to)
        answer = self._ask(request, lambda text: parse_page(text, self.zone, first=page == 1))
        return replace(answer, sent_at=self.server_time)

    def read_ahead(self, *, page: int, size: int, date_from: datetime | None, date_to: datetime | None) -> None:
        """Begin to ask for a page of events that will be asked for next: `list_events` then takes up the answer. Asking
        for anything else before waits for it and throws it away."""
        self._drop_ahead()
        request = self._list_request(page, size, (), "", date_from, date_to)
        future: Future[_Exchange] = Future()
        delay = self.pacer.delay()

        def exchange() -> None:
            try:
                future.set_result(self._exchange(request, delay))
            except BaseException as error:  # raised where the answer is taken up
                future.set_exception(error)

        # A process that ends does not wait for an answer that nobody will read.
        threading.Thread(target=exchange, daemon=True, name="read-ahead").start()
        self._ahead = request, future

    def _list_request(
        self,
        page: int,
        size: int,
        event_types: Sequence[str],
        search_text: str,
        date_from: datetime | None,
        date_to: datetime | None,
    ) -> _Request:
        if page < 1 or not 1 <= size <= MAX_PAGE_SIZE:
            raise ValueError("page starts at 1, and size lies between 1 and 100.")
        params = {"page": str(page), "size": str(size)}
        if event_types:
            params["event_type"] = ",".join(event_types)
        if search_text:
            # "Must be legal text for a JSON attribute value": quotes and backslashes escaped.
            params["search_text"] = search_text.replace("\\", "\\\\").replace('"', '\\"')
        if date_from:
            params["date_from"] = self._spell(date_from)
        if date_to:
            params["date_to"] = self._spell(date_to)
        return _Request("GET", "/events", params)

    def get_event(self, event_id: str) -> Event:
        """One event. Raises NotFound when the account has none of that id."""
        request = _Request("GET", f"/events/{quote(event_id, safe='')}", {})
        return self._ask(request, lambda text: parse_single(text, self.zone))

    # --- how it is asked -----------------------------------------------------------------------------------

    def _spell(self, moment: datetime) -> str:
        if self.date_style == "date":
            return moment.astimezone(self.zone).strftime("%Y-%m-%d")
        if self.date_style == "naive":
            return moment.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M:%S")
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _ask(self, request: _Request, read: Callable[[str], T]) -> T:
        """Ask until there is an answer, a final error, or no attempt left."""
        # Retry is used as the policy (how long to wait), not as the loop: a body that breaks off, an error told with
        # status 200 and the second secret are beyond it, and its sleep can be neither shown nor stopped.
        retry = Retry(total=None, backoff_factor=1, backoff_max=self.longest_wait, backoff_jitter=0)
        for attempt in range(1, self.attempts + 1):
            try:
                return self._ask_with_either_secret(request, read)
            except errors.TransientError as error:
                if attempt == self.attempts:
                    raise
                retry = retry.increment(request.method, request.path, error=Urllib3Error())
                # Full jitter: accounts that failed together do not come back together.
                backoff = max(retry.get_backoff_time(), 1.0)
                pause = random.uniform(0.2, backoff)  # noqa: S311 - not a secret
                if error.retry_after is not None:
                    pause = max(pause, error.retry_after)
                self._pause(min(pause, self.longest_wait), error.what)
        raise AssertionError("unreachable")

    def _ask_with_either_secret(self, request: _Request, read: Callable[[str], T]) -> T:
        for _ in self.secrets[1:]:
            try:
                return self._ask_once(request, read)
            except errors.CredentialsRefused:
                self._secret = (self._secret + 1) % len(self.secrets)
        return self._ask_once(request, read)

    def _ask_once(self, request: _Request, read: Callable[[str], T]) -> T:
        exchange = self._take_ahead(request) or self._exchange(request, self.pacer.delay())
        if exchange.status:
            self.server_time = exchange.sent_at
        if self.on_answer:
            self.on_answer(exchange.status)
        if exchange.error is not None:
            raise exchange.error
        response, text = exchange.response, exchange.text
        try:
            answers.check(response, text, one_event=request.path != "/events", now=self.server_time)
            return read(text)
        except errors.AuditAPIError as error:
            error.status = error.status or response.status_code
            error.trace_id = answers.trace_id(response)
            if self._repeats_a_secret(text, error.detail):  # a proxy may echo what it was sent
                error.detail = "(The answer repeats the credentials, so it is not shown.)"
                error.args = (error.detail,)
            if self._repeats_a_secret(error.trace_id):
                error.trace_id = ""
            raise

    def _take_ahead(self, request: _Request) -> _Exchange | None:
        """What came of this request, if it is the one that was begun before."""
        if self._ahead is None or self._ahead[0] != request:
            self._drop_ahead()
            return None
        (_, future), self._ahead = self._ahead, None
        return future.result()

    def _drop_ahead(self) -> None:
        if self._ahead is None:
            return
        (_, future), self._ahead = self._ahead, None
        exchange = future.result()
        if self.on_answer:
            self.on_answer(exchange.status)

    def _exchange(self, request: _Request, delay: float) -> _Exchange:
        """Send a request after so many seconds, and receive its answer. Raises Stopped; any other fault is in the
        exchange's `error`."""
        self._wait(delay)
        if self._closed.is_set():
            raise errors.Stopped
        self.requests_made += 1
        deadline = time.monotonic() + 4 * self.timeout
        exchange = _Exchange()
        try:
            response = self._session.request(
                request.method,
                self.base_url + request.path,
                params=dict(request.params),
                # As bytes: requests would refuse or mangle what Latin-1 cannot carry.
                auth=HTTPBasicAuth(self.api_key.encode(), self.secrets[self._secret].encode()),
                timeout=(min(CONNECT_TIMEOUT, self.timeout), self.timeout),
                allow_redirects=False,
                stream=True,
            )
            exchange.response, exchange.status = response, response.status_code
            exchange.sent_at = parse_http_date(response.headers.get("Date"))
            with response:
                exchange.text = decode_body(self._read(response, deadline))
        except (requests.RequestException, Urllib3Error, OSError) as error:
            exchange.error = errors.Unavailable(answers.transport_trouble(error))
        except errors.AuditAPIError as error:
            exchange.error = error
        return exchange

    def _repeats_a_secret(self, *texts: str) -> bool:
        """Whatever its letters' case: who reads a secret in another case soon has it. `texts`: as received and as read,
        because JSON may spell letters as escapes."""
        folded = [text.casefold() for text in texts]
        return any(
            form.casefold() in text
            for secret in self.secrets
            for form in (secret, quote(secret), base64.b64encode(f"{self.api_key}:{secret}".encode()).decode())
            if form.strip()
            for text in folded
        )

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        """The body, within a time and a size: a server may send a byte a minute for ever."""
        parts: list[bytes] = []
        length = 0
        while part := response.raw.read1(65536, decode_content=True):
            parts.append(part)
            length += len(part)
            if length > MAX_BODY_BYTES:
                raise errors.MalformedResponse("The answer is larger than 256 MB.", status=response.status_code)
            if time.monotonic() > deadline:
                raise errors.Unavailable(f"The answer took longer than {4 * self.timeout:g} seconds.")
        return b"".join(parts)

    def _pause(self, seconds: float, why: str) -> None:
        if self.on_wait:
            self.on_wait(seconds, why)
        self._wait(seconds)

    def _wait(self, seconds: float) -> None:
        if self.stop.wait(seconds) if seconds > 0 else self.stop.is_set():
            raise errors.Stopped


def _read_event_types(text: str) -> tuple[EventTypeInfo, ...]:
    try:
        return parse_event_types(load_json(text))
    except errors.MalformedResponse:
        return ()  # a proxy's own empty answer to OPTIONS: the caller keeps the types it knows


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
