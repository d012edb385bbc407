"""Findings that need nobody's attention: those of a rule whose events share one to three values.

A suppression of one account covers findings that lie wholly in it: nobody hides what others see elsewhere. Its span is
of the events' own times, so that a late event and a replay are treated as they would have been in time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from events.detection.findings import triage, writing
from events.models import Finding, FindingAccount, FindingChange, FindingEvent, Suppression
from events.reading.findings import Question, find
from events.wording.codes import source_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from accounts.models import NexmoAccount
    from events.detection.findings.sight import Part, Sight

MOST_FIELDS = 3
MOST_LOOKED_AT = 200  # findings of a rule that are looked through for what one would cover now
# Fields of events that may be compared, beside those of findings' groups.
FIELDS = {
    "user_email": _("User"),
    "user_id": _("User id"),
    "source_ip": _("IP address"),
    "source_country": _("Country"),
    "source": _("Source"),
    "event_type": _("Type"),
}
ACCOUNT = "account"  # of groups; a suppression has an account of its own


def matching(finding: Finding, group: Mapping[str, Any], events: Iterable[Any], accounts: Iterable[int] = ()) -> Any:
    """The suppression that covers a finding that is being made; None where it is for people to see.

    Args:
        group: the values that its events share, by field.
        events: its events, each with `account_id` and FIELDS.
        accounts: its accounts, where it has no events.
    """
    candidates = list(Suppression.objects.filter(rule=finding.rule))
    if not candidates:
        return None
    rows = list(events)
    where = {row.account_id for row in rows} | set(accounts)
    shared = shared_values(group, [{name: getattr(row, name) for name in FIELDS} for row in rows])
    return next((it for it in candidates if covers(it, finding, shared, where)), None)


def covers(suppression: Suppression, finding: Finding, shared: Mapping[str, str], accounts: set[int]) -> bool:
    """Whether a suppression covers a finding with these shared values and accounts."""
    if suppression.rule != finding.rule or suppression.account_id and accounts != {suppression.account_id}:
        return False
    if suppression.starts_at and finding.first_at < suppression.starts_at:
        return False
    if suppression.expires_at and finding.last_at >= suppression.expires_at:
        return False
    wanted = suppression.fields.items()
    return bool(wanted) and all(shared.get(name, "").casefold() == str(value).casefold() for name, value in wanted)


def shared_values(group: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The values that all events of a finding have, by field: what a suppression can be made of."""
    shared = {}
    for name in FIELDS:
        values = {str(event[name]).casefold(): str(event[name]) for event in events}
        if len(values) == 1 and (value := next(iter(values.values()))):
            shared[name] = value
    return shared | {name: str(value) for name, value in group.items() if name != ACCOUNT and value not in (None, "")}


def title_of(name: str) -> str:
    """What a field is called."""
    return str(FIELDS.get(name, name))


def value_in_words(name: str, value: str) -> str:
    """A field's value as people know it: the country or the source that a code stands for, or the value itself."""
    words = {"source_country": lambda: countries.name(value), "source": lambda: source_title(value)}.get(name)
    return str(words() if words else "") or value


def shared_of(findings: Sequence[Finding], accounts: Iterable[int]) -> dict[int, dict[str, str]]:
    """The shared values of findings as far as these accounts tell, by key. One query, of the different values alone:
    a finding may have 100,000 events."""
    rows = FindingEvent.objects.filter(finding__in=[finding.pk for finding in findings], account__in=list(accounts))
    events: dict[int, list[dict[str, Any]]] = defaultdict(list)
    columns = [f"event__{name}" for name in FIELDS]
    for finding, *values in rows.order_by().values_list("finding_id", *columns).distinct().iterator():
        events[finding].append(dict(zip(FIELDS, values, strict=True)))
    return {finding.pk: shared_values(finding.group, events[finding.pk]) for finding in findings}


@dataclass(frozen=True)
class Covered:
    """What a suppression would cover of what is in the inbox now.

    Attributes:
        more: older findings of the rule were not looked through.
    """

    findings: list[Finding]
    more: bool


def covered(sight: Sight, suppression: Suppression, now_first: Finding) -> Covered:
    """The unfinished findings that a suppression covers, of those its author sees whole; the one that it was made from
    is the first of them, whatever its span."""
    accounts = (suppression.account_id,) if suppression.account_id else _everywhere(sight)
    question = Question(accounts=accounts, rules=(suppression.rule,))
    keys, reached = find(question, MOST_LOOKED_AT + 1, beyond=None, back=True)
    pks = [key.pk for key in keys[:MOST_LOOKED_AT]]
    parts: dict[int, Part] = sight.parts_of(pks)
    known = Finding.objects.defer("details").in_bulk(pks)
    whole = [known[pk] for pk in pks if pk in known and pk in parts and parts[pk].is_whole]
    shared = shared_of(whole, sight.accounts)
    found = [
        finding
        for finding in whole
        if finding.pk != now_first.pk
        and covers(suppression, finding, shared[finding.pk], set(parts[finding.pk].accounts))
    ]
    return Covered([now_first, *found], bool(reached) or len(keys) > MOST_LOOKED_AT)


def _everywhere(sight: Sight) -> tuple[int, ...] | None:
    return None if sight.sees_all else tuple(sight.accounts)


def save(sight: Sight, suppression: Suppression, origin: Finding, version: str, note: str) -> triage.Outcome:
    """Keep a suppression, and suppress the findings in the inbox that it covers.

    Raises:
        PermissionDenied: the author may not.
    """
    with writing.turn():
        now = timezone.now()
        suppression.created_by, suppression.created_at = sight.user, now
        suppression.save()
        versions = {finding.pk: triage.version_of(finding) for finding in covered(sight, suppression, origin).findings}
        deed = triage.Deed(FindingChange.Action.SUPPRESSED, suppression=suppression, note=note)
        outcome = triage.act(sight, deed, versions | {origin.pk: version})
        if origin.pk in outcome.refused:  # somebody was faster: decide anew
            raise Overtaken(outcome.refused[origin.pk])
    return outcome


class Overtaken(Exception):
    """The finding that a suppression was made from has changed meanwhile; nothing was saved."""


def end(suppression: Suppression) -> None:
    """Let a suppression cover nothing more; what it covered stays as it is."""
    now = timezone.now()
    Suppression.objects.filter(pk=suppression.pk).exclude(expires_at__lte=now).update(expires_at=now)


def accounts_of(sight: Sight, finding: Finding) -> list[NexmoAccount]:
    """The accounts that a suppression may be limited to."""
    rows = FindingAccount.objects.filter(finding=finding, account__in=list(sight.accounts))
    return [sight.accounts[key] for key in rows.order_by("account_id").values_list("account_id", flat=True)]
