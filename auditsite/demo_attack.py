"""The takeover played live for the demo: asking the sandbox for it, and what became of it here since."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from events.models import AuditEvent, Finding

if TYPE_CHECKING:
    from accounts.models import AnyUser

PATIENCE = 5.0  # seconds that the sandbox may take
FOLLOWED_FOR = timedelta(minutes=30)
# Not through a proxy: the sandbox is on this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SandboxAway(Exception):
    """The sandbox does not answer, or not as it should."""


@dataclass(frozen=True)
class Attack:
    """A takeover that was begun by somebody on the demo's page; kept in the session."""

    account: str
    started_at: str
    user_email: str
    source_ip: str
    source_country: str
    ids: list[str]

    @property
    def began(self) -> datetime:
        return datetime.fromisoformat(self.started_at)

    @classmethod
    def from_session(cls, kept: Any) -> Self | None:
        try:
            return cls(**kept)
        except TypeError:  # none yet, or of another version
            return None

    def for_session(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Progress:
    """What came of an attack so far, as one person may see it.

    Attributes:
        fetched: how many of its events are in the archive; `fetched_after` is when the first was, since it was listed.
        findings: each with the time from the beginning of the attack until it was found.
    """

    fetched: int
    fetched_after: timedelta | None
    findings: list[tuple[Finding, timedelta]]


def begin(sandbox: str, api_key: str, pace: float) -> Attack:
    """Have an account attacked from now on.

    Args:
        sandbox: its address, `http://127.0.0.1:8801`.
        pace: how many times as fast as in the story.
    Raises:
        SandboxAway: it could not be begun.
    """
    body = json.dumps({"account": api_key, "pace": pace}).encode()
    request = urllib.request.Request(f"{sandbox}/control/attack", body)  # noqa: S310 - loopback
    try:
        with _opener.open(request, timeout=PATIENCE) as answer:
            return Attack(**json.load(answer))
    except (OSError, ValueError, TypeError) as error:
        raise SandboxAway(str(error)) from None


def progress(attack: Attack, user: AnyUser) -> Progress:
    """What the archive and the detections have of an attack, among what a person may see."""
    events = AuditEvent.objects.visible_to(user).filter(
        account__api_key=attack.account, event_id__in=attack.ids, created_at__gte=attack.began - timedelta(minutes=1)
    )
    fetched = list(events.values_list("pk", "fetched_at"))
    times = [at for _, at in fetched if at]
    found = (
        Finding.objects.visible_to(user)
        .filter(evidence__event__in=[pk for pk, _ in fetched], found_at__gte=attack.began)
        .distinct()
        .order_by("found_at", "id")
    )
    return Progress(
        len(fetched),
        min(times) - attack.began if times else None,
        [(finding, finding.found_at - attack.began) for finding in found],
    )
