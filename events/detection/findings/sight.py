"""What a reader may know of findings: the parts in accounts that he may see, and nothing that tells of others.

State, times, counts, events and history of a finding over several accounts are told from the parts that the reader may
see. Who acted on these is named to those who could meet that person in their own accounts; a note is shown to those who
see all that its author saw.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.db.models import Q

from accounts import permissions
from accounts.models import NexmoAccount
from events.detection.findings.writing import levels_of
from events.models import FindingAccount, FindingChange, Severity
from events.reading.standing import standing_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from accounts.models import AnyUser
    from events.models import Finding
    from events.reading.standing import Standing

KEPT = 30  # seconds that a list of people is believed
ACTIONS = FindingChange.Action
# What says only what everybody who sees a part sees of its state, whoever did it.
_DETAILS_OF_STATE = {ACTIONS.RESOLVED, ACTIONS.LEVELLED}


@dataclass(frozen=True)
class Part:
    """As much of a finding as a reader may know.

    Attributes:
        rows: its parts in accounts that he may see, by when the finding came to hold them.
        accounts: the keys of these accounts.
        standing: how they stand together.
        is_whole: there is nothing more.
    """

    rows: tuple[FindingAccount, ...]
    accounts: tuple[int, ...]
    standing: Standing
    first_at: datetime
    last_at: datetime
    found_at: datetime
    event_count: int
    is_whole: bool


@dataclass(frozen=True)
class HistoryLine:
    """One entry of a finding's history, as the reader may know it. No name: the site, or somebody he does not know."""

    at: datetime
    action: str
    title: Any
    by: str
    details: str
    note: str


@dataclass
class Sight:
    """One reader's sight: which accounts, and which people.

    Attributes:
        accounts: those that the reader may see, by key.
    """

    user: Any
    sees_all: bool
    accounts: dict[int, NexmoAccount] = field(default_factory=dict)

    @classmethod
    def of(cls, user: AnyUser) -> Sight:
        """The reader's, by one query."""
        listed = NexmoAccount.objects.list_visible_to(user)
        return cls(user, NexmoAccount.objects.sees_all(user), {account.pk: account for account in listed})

    @property
    def may_triage(self) -> bool:
        """Whether the reader may change the state of findings that he sees."""
        return bool(self.user.has_perm(permissions.TRIAGE))

    @cached_property
    def known_people(self) -> frozenset[int]:
        """Keys of the people who see at least one account of the reader's: those he may be told the names of."""
        people = get_user_model().objects.filter(_sees_any(self.accounts) | Q(pk=self.user.pk))
        return frozenset(people.order_by().values_list("pk", flat=True))

    def knows(self, person: int | None) -> bool:
        """Whether the reader may be told this person's name."""
        return person is not None and (person == self.user.pk or self.sees_all or person in self.known_people)

    def parts_of(self, findings: Iterable[int]) -> dict[int, Part]:
        """What the reader may know of these findings, by key; those he may not see at all are missing. One query."""
        keys = list(findings)
        rows = FindingAccount.objects.filter(finding__in=keys).order_by("found_at", "account_id") if keys else ()
        by_finding: dict[int, list[FindingAccount]] = {}
        for row in rows:
            by_finding.setdefault(row.finding_id, []).append(row)
        return {key: part for key, its in by_finding.items() if (part := self._part(its))}

    def _part(self, rows: Sequence[FindingAccount]) -> Part | None:
        seen = [row for row in rows if row.account_id in self.accounts]
        if not seen:
            return None
        return Part(
            rows=tuple(seen),
            standing=standing_of(seen),
            accounts=tuple(row.account_id for row in seen),
            first_at=min(row.first_at for row in seen),
            last_at=max(row.last_at for row in seen),
            found_at=min(row.found_at for row in seen),
            event_count=sum(row.event_count for row in seen),
            is_whole=len(seen) == len(rows),
        )

    def names_of(self, parts: Iterable[Part]) -> dict[int, str]:
        """The names of those whom parts are assigned to, by key, as far as the reader may be told. A query where there
        are any."""
        assigned = {row.assigned_to_id for part in parts for row in part.rows if row.assigned_to_id}
        people = [person for person in assigned if self.knows(person)]
        return dict(get_user_model().objects.filter(pk__in=people).values_list("pk", "username")) if people else {}

    def history_of(self, finding: Finding, part: Part) -> list[HistoryLine]:
        """What was done with a finding, oldest first."""
        lines = (self._line(change, part) for change in finding.changes.select_related("by"))
        return [line for line in lines if line]

    def _line(self, change: FindingChange, part: Part) -> HistoryLine | None:
        about = None if change.accounts is None else set(change.accounts)
        if about is not None and about.isdisjoint(part.accounts):
            return None
        # Also what the finding has lost since: its last accounts are not all that its author saw.
        known = part.is_whole if about is None else about.union(change.seen or ()) <= self.accounts.keys()
        whole = known or self.sees_all or change.by_id == self.user.pk
        action = ACTIONS(change.action)
        if action == ACTIONS.NOTED and not whole:
            return None
        at = max(change.at, part.found_at) if action == ACTIONS.FOUND else change.at
        by = change.by_name if whole or self.knows(change.by_id) else ""
        details = change.details if whole or action in _DETAILS_OF_STATE else ""
        if action == ACTIONS.LEVELLED:
            details = " → ".join(str(Severity(level).label) for level in levels_of(details))
        return HistoryLine(at, action.value, action.label, by, details, change.note if whole else "")


class Person(NamedTuple):
    """Somebody who may handle findings."""

    pk: int
    name: str


def responders(accounts: Iterable[int]) -> list[Person]:
    """The people who may handle findings and see one of these accounts at least, by name; believed for a while."""
    keys = tuple(sorted(accounts))
    cache, name = caches["local"], f"responders:{hash(keys)}"
    people: list[Person] | None = cache.get(name)
    if people is None:
        found = get_user_model().objects.with_perm(
            permissions.TRIAGE, backend="django.contrib.auth.backends.ModelBackend"
        )
        found = found.filter(_sees_any(keys)).distinct().order_by("username")
        people = [Person(*row) for row in found.values_list("pk", "username")]
        cache.set(name, people, KEPT)
    return people


def _sees_any(accounts: Iterable[int]) -> Q:
    """People who see one of these accounts; as `NexmoAccountQuerySet.visible_to`, from the other side."""
    keys = list(accounts)
    shares = NexmoAccount.teams.through.objects.filter(nexmoaccount__in=keys).values("group")
    seers = {"content_type__app_label": "accounts", "codename": "view_all_accounts"}
    return Q(is_active=True) & (
        Q(is_superuser=True)
        | Q(pk__in=NexmoAccount.objects.filter(pk__in=keys).order_by().values("owner"))
        | Q(pk__in=_members(shares))
        | Q(pk__in=_holders(seers))
    )


def _members(groups: Any) -> Any:
    user_model: Any = get_user_model()
    return user_model.groups.through.objects.filter(group__in=groups).values("user")


def _holders(permission: dict[str, str]) -> Any:
    """People who hold a permission, by themselves or by a group."""
    named = {f"permission__{name}": value for name, value in permission.items()}
    user_model: Any = get_user_model()
    groups = _group_permissions().objects.filter(**named).values("group")
    direct = user_model.user_permissions.through.objects.filter(**named).values("user")
    members = _members(groups)
    return get_user_model().objects.filter(Q(pk__in=direct) | Q(pk__in=members)).values("pk")


def _group_permissions() -> Any:
    from django.contrib.auth.models import Group

    return Group.permissions.through
