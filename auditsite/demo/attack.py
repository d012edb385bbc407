"""The takeover played live for the demo: asking the sandbox for it, and what became of it here since."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from events.models import AuditEvent, Delivery, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        told: how many messages of it the reader's own channels, and those of the reader's teams, have sent;
            `told_after` is when the first was.
    """

    fetched: int
    fetched_after: timedelta | None
    findings: list[Discovery]
    told: int
    told_after: timedelta | None


@dataclass(frozen=True)
class Discovery:
    """A finding with events of the attack. `after` its beginning it was found; None: it is an earlier one."""

    finding: Finding
    after: timedelta | None


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
    findings = (
        Finding.objects.visible_to(user)
        .filter(evidence__event__in=[pk for pk, _ in fetched])
        .distinct()
        .order_by("-severity", "found_at", "id")
    )
    discoveries = [Discovery(finding, _after(attack, [finding.found_at])) for finding in findings]
    sent = Delivery.objects.visible_to(user).filter(
        finding__in=[each.finding.pk for each in discoveries], state=Delivery.State.SENT, finished_at__gte=attack.began
    )
    told = list(sent.order_by("finished_at").values_list("finished_at", flat=True))
    return Progress(
        fetched=len(fetched),
        fetched_after=_after(attack, [at for _, at in fetched if at]),
        findings=discoveries,
        told=len(told),
        told_after=_after(attack, told),
    )


def _after(attack: Attack, times: Iterable[datetime]) -> timedelta | None:
    """How long after the attack's beginning the first of these was, where none was before it."""
    first = min(times, default=None)
    return first - attack.began if first and first >= attack.began else None
