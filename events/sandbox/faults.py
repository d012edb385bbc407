"""Faults: what can go wrong with one request, by name; when each strikes; and the list of those in force.

A fault is written `NAME[@key=value[,key=value...]]`, for example `http-503@page=7,times=2`. Each is a small
function that is given a `Strike` and returns the answer to send instead of the normal one. `docs/sandbox.md`
lists them with their F numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from events.sandbox.wire import Answer, Request

if TYPE_CHECKING:
    from events.sandbox.simulator import Sandbox

ON = ("any", "list", "one", "options")
_KEYS = ("page", "times", "account", "after", "every", "on", "seconds", "rows")


@dataclass(frozen=True)
class FaultSpec:
    """One fault as it was asked for. See `parse`."""

    name: str
    page: int | None = None
    times: int | None = 1  # None: always
    account: str | None = None
    after: int = 0
    every: int = 1
    on: str = "any"
    seconds: float | None = None
    rows: int | None = None

    @classmethod
    def parse(cls, text: str) -> FaultSpec:
        """A fault from `NAME[@key=value[,key=value...]]`.

        `page`, `account` and `on` (any, list, one, options) say which requests match; the first `after`
        of those are spared, then every `every`-th is struck, `times` times (a number, or `always`).
        `seconds` and `rows` size the fault itself.

        Raises:
            ValueError: unknown fault or key, or a value that does not fit; the message lists what is allowed.
        """
        name, _, rest = text.strip().partition("@")
        fault = FAULTS.get(name)
        if fault is None:
            raise ValueError(f"unknown fault {name!r}; the faults are {', '.join(sorted(FAULTS))}")
        given: dict[str, str] = {}
        for part in filter(None, rest.split(",")):
            key, equals, value = part.partition("=")
            if key not in _KEYS or not equals or not value:
                raise ValueError(f"a fault is set as NAME@key=value with the keys {', '.join(_KEYS)}, not {text!r}")
            given[key] = value
        on = given.get("on", "list" if "page" in given else fault.on)
        if on not in ON:
            raise ValueError(f"on= must be one of {', '.join(ON)}, not {on!r}")
        times = given.get("times")
        try:
            return cls(
                name=name,
                page=_whole(given, "page"),
                times=fault.times if times is None else None if times == "always" else int(times),
                account=given.get("account"),
                after=_whole(given, "after") or 0,
                every=max(_whole(given, "every") or 1, 1),
                on=on,
                seconds=float(given["seconds"]) if "seconds" in given else None,
                rows=_whole(given, "rows"),
            )
        except ValueError:
            raise ValueError(f"a value in {text!r} is not a number") from None

    def matches(self, request: Request) -> bool:
        if request.kind == "other" or self.on not in ("any", request.kind):
            return False
        if self.account is not None and self.account != request.api_key:
            return False
        if self.page is not None:
            return request.kind == "list" and request.page == self.page
        return request.kind != "list" or request.page >= FAULTS[self.name].from_page

    def __str__(self) -> str:
        shown = {"page": self.page, "account": self.account, "seconds": self.seconds, "rows": self.rows}
        keys = [f"{key}={value}" for key, value in shown.items() if value is not None]
        keys += [f"times={'always' if self.times is None else self.times}", f"on={self.on}"]
        keys += [f"after={self.after}"] * bool(self.after) + [f"every={self.every}"] * (self.every > 1)
        return f"{self.name}@{','.join(keys)}"


def _whole(given: dict[str, str], key: str) -> int | None:
    return int(given[key]) if key in given else None


@dataclass(frozen=True)
class Strike:
    """One fault striking one request. `normal` gives the usual answer, also to a changed request."""

    spec: FaultSpec
    request: Request
    sandbox: Sandbox
    normal: Callable[..., Answer]

    def seconds(self, default: float) -> float:
        return default if self.spec.seconds is None else self.spec.seconds

    def rows(self, default: int) -> int:
        return default if self.spec.rows is None else self.spec.rows


@dataclass(frozen=True)
class Fault:
    """A kind of fault. `number` is its F number; `times` how often it strikes unless told (None: always)."""

    name: str
    number: str
    about: str
    times: int | None
    on: str
    from_page: int
    strike: Callable[[Strike], Answer] = field(repr=False)


FAULTS: dict[str, Fault] = {}


def fault(
    name: str, number: str, about: str, *, times: int | None = None, on: str = "any", from_page: int = 1
) -> Callable[[Callable[[Strike], Answer]], Callable[[Strike], Answer]]:
    """Register the decorated function as a kind of fault."""

    def register(strike: Callable[[Strike], Answer]) -> Callable[[Strike], Answer]:
        FAULTS[name] = Fault(name, number, about, times, on, from_page, strike)
        return strike

    return register


@dataclass
class _Active:
    spec: FaultSpec
    seen: int = 0
    struck: int = 0

    def due(self, request: Request) -> bool:
        if not self.spec.matches(request) or (self.spec.times is not None and self.struck >= self.spec.times):
            return False
        self.seen += 1
        if self.seen <= self.spec.after or (self.seen - self.spec.after - 1) % self.spec.every:
            return False
        self.struck += 1
        return True


class FaultList:
    """The faults in force. At most one strikes a request: the first, in the order given, that is due."""

    def __init__(self, specs: tuple[str, ...] = ()) -> None:
        self._active = [_Active(FaultSpec.parse(text)) for text in specs]

    def due(self, request: Request) -> FaultSpec | None:
        return next((fault.spec for fault in self._active if fault.due(request)), None)

    def state(self) -> list[dict[str, object]]:
        """Each fault in force and how often it has struck."""
        return [{"fault": str(fault.spec), "struck": fault.struck} for fault in self._active]
