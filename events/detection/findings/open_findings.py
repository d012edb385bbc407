"""What is open: the number in the navigation, the worst findings, and how many there are by account and severity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.cache import caches
from django.db.models import Count
from django.utils.functional import SimpleLazyObject

from accounts.models import NexmoAccount
from accounts.prepared import Prepared
from events.models import Finding, FindingAccount, Severity
from events.reading.finding_question import Question
from events.reading.findings import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest

    from accounts.models import AnyUser

KEPT = 10  # seconds that the number is believed
MOST = 99  # more are "99+"
MOST_WORST = 3
_READ = 3 * (MOST + 1)  # parts; few findings have more than one

OPEN = Finding.State.OPEN
_OF_ALL = Prepared(lambda: Finding.objects.filter(state=OPEN).order_by().values_list("pk")[: MOST + 1])
_SHARED = Prepared(
    lambda user: (
        FindingAccount.objects.filter(
            state=OPEN, account__in=NexmoAccount.objects.all()._shared_with(user).order_by().values("pk")
        )
        .order_by()
        .values_list("finding_id")[:_READ]
    )
)

STEP, NO_ACCOUNT = 10, 0  # accounts are asked for by so many: each number of them is a query of its own to compile
_BY_SEVERITY = Prepared(
    lambda *accounts: (
        FindingAccount.objects.filter(account__in=accounts, state=OPEN)
        .order_by("account_id", "-severity")
        .values_list("account_id", "severity")
        .annotate(number=Count("id"))
    )
)


def open_number(user: AnyUser) -> str:
    """How many findings that the reader may see are open, as the navigation shows it: "", "7", "99+"."""
    cache, key = caches["local"], f"open-findings:{user.pk}"
    shown: str | None = cache.get(key)
    if shown is None:
        rows = _OF_ALL.rows() if NexmoAccount.objects.sees_all(user) else _SHARED.rows(user.pk)
        number = len({row[0] for row in rows})
        shown = "" if not number else str(number) if number <= MOST else f"{MOST}+"
        cache.set(key, shown, KEPT)
    return shown


@dataclass(frozen=True)
class Worst:
    """One of the worst open findings, and an account of the reader's that it lies in."""

    number: int
    rule: str
    title: str
    severity: int
    account_id: int


def worst(reader: int, accounts: Sequence[int], *, everything: bool = False) -> list[Worst]:
    """The open findings of high severity and above in these accounts, the worst first, then the newest.

    Args:
        everything: these are all the accounts there are.
    """
    cache, key, of = caches["local"], f"worst-findings:{reader}", hash(tuple(accounts))
    known: dict[int, list[Worst]] = cache.get(key) or {}
    if of not in known:
        found: dict[int, Worst] = {}
        for severity in (Severity.CRITICAL, Severity.HIGH):
            if len(found) < MOST_WORST:
                found = {it.number: it for it in _of_severity(accounts, severity, everything)} | found
        known[of] = sorted(found.values(), key=lambda it: (-it.severity, -it.number))[:MOST_WORST]
        cache.set(key, known, KEPT)
    return known[of]


def _of_severity(accounts: Sequence[int], severity: int, everything: bool) -> list[Worst]:
    where = None if everything else tuple(accounts)
    question = Question(accounts=where, states=(OPEN,), severities=(severity,))
    keys, _ = find(question, MOST_WORST, beyond=None, back=True)
    parts = FindingAccount.objects.filter(finding__in=[key.pk for key in keys], account__in=list(accounts), state=OPEN)
    rows = parts.order_by("-found_at", "-account_id").values_list(
        "finding_id", "finding__rule", "finding__title", "severity", "account_id"
    )
    return [Worst(*row) for row in rows] if keys else []


def forget(user: AnyUser) -> None:
    """Have all this read anew: the reader has changed it and looks for the change."""
    caches["local"].delete_many([f"open-findings:{user.pk}", f"worst-findings:{user.pk}"])


def in_navigation(request: HttpRequest) -> dict[str, Any]:
    """For templates: `open_findings`. Nothing is asked before it is shown."""
    user = getattr(request, "user", None)
    if user is None:
        return {}
    return {"open_findings": SimpleLazyObject(lambda: open_number(user) if user.is_authenticated else "")}


@dataclass(frozen=True)
class OpenFindings:
    """An account's open findings of one severity."""

    severity: Severity
    number: int

    @property
    def slug(self) -> str:
        """The severity as addresses have it."""
        return self.severity.name.lower()


def by_severity(accounts: Sequence[int]) -> dict[int, list[OpenFindings]]:
    """The open findings of accounts, the worst first; those without any are missing. One query, of an index alone."""
    keys = list(accounts)
    if not keys:
        return {}
    keys += [NO_ACCOUNT] * (-len(keys) % STEP)
    found: dict[int, list[OpenFindings]] = {}
    for account, severity, number in _BY_SEVERITY.rows(*keys):
        found.setdefault(account, []).append(OpenFindings(Severity(severity), number))
    return found
