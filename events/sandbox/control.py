"""The control path: changes a running sandbox over HTTP. For programs on this machine only."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from events.sandbox.shape import Event, render
from events.sandbox.wire import Answer, loads, service_error

if TYPE_CHECKING:
    from events.sandbox.simulator import Sandbox


def answer(sandbox: Sandbox, method: str, path: str, body: bytes, peer: str, host: str, origin: str | None) -> Answer:
    """The answer to a request to /control/...

    Refused (403): another machine; a Host header that is not loopback, and so perhaps a web page that made
    its own name point here; and anything with an Origin header, which only browsers send.
    """
    if not _is_loopback(peer) or not _is_loopback(_without_port(host)) or origin is not None:
        return service_error(403, "The control path is for programs on this machine only")
    if (method, path) == ("GET", "/control/state"):
        return Answer(body=render(sandbox.state()))
    deed = _DEEDS.get(path)
    if deed is None or method != "POST":
        allowed = ", ".join(f"POST {path}" for path in _DEEDS)
        return service_error(404, f"There are GET /control/state, {allowed}")
    fields = loads(body)
    if fields is None:
        return service_error(400, "The body must be a JSON object, not nested too deeply")
    try:
        return Answer(body=render(deed(sandbox, fields)))
    except KeyError as error:
        return service_error(400, f"There is no account, or no key, {error}")
    except (ValueError, TypeError) as error:
        return service_error(400, str(error))
    except RecursionError:  # what could just be read is too deep to be written again
        return service_error(400, "The body is nested too deeply")


def _events(sandbox: Sandbox, fields: Event) -> Event:
    events = fields.get("events", fields.get("count", 1))
    if isinstance(events, bool) or not isinstance(events, (int, list)):
        raise ValueError("count must be a number, events a list")
    return {"ids": sandbox.add_events(fields["account"], events)}


def _attack(sandbox: Sandbox, fields: Event) -> Event:
    takeover = sandbox.attack(fields["account"], fields.get("pace", 10))
    return {
        "account": takeover.api_key,
        "started_at": takeover.started_at.isoformat(),
        "user_email": takeover.user_email,
        "source_ip": takeover.source_ip,
        "source_country": takeover.source_country,
        "ids": list(takeover.event_ids),
    }


def _faults(sandbox: Sandbox, fields: Event) -> Event:
    sandbox.set_faults(*_texts(fields["faults"], "faults"))
    return {"faults": sandbox.state()["faults"]}


def _switches(sandbox: Sandbox, fields: Event) -> Event:
    sandbox.set_switches(**fields)
    return {"switches": sandbox.state()["switches"]}


def _secrets(sandbox: Sandbox, fields: Event) -> Event:
    secrets = _texts(fields["secrets"], "secrets")
    sandbox.set_secrets(fields["account"], secrets)
    return {"account": fields["account"], "secrets": len(secrets)}


def _texts(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"{name} must be a list of texts")
    return value


_DEEDS: dict[str, Callable[[Sandbox, Event], Event]] = {
    "/control/events": _events,
    "/control/attack": _attack,
    "/control/faults": _faults,
    "/control/switches": _switches,
    "/control/secrets": _secrets,
}


def _without_port(host: str) -> str:
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _is_loopback(name: str) -> bool:
    if name.lower() == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
