"""Findings that need nobody's attention: those of a rule whose events share one to three values.

Each part of a finding is looked at by itself: it is covered if all its events in that account share the values, so that
nobody hides what others see elsewhere. A suppression's span is of the events' own times, so that a late event and a
replay are treated as they would have been in time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from events.detection.findings import triage, writing
from events.masking import named_value
from events.models import Finding, FindingAccount, FindingChange, FindingEvent, Suppression
from events.reading.finding_question import Question
from events.reading.findings import find
from events.wording.codes import source_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

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


Span: TypeAlias = "tuple[datetime, datetime]"  # times of the first and last event


def matching(rule: str, group: Mapping[str, Any], events: Iterable[Any], spans: Mapping[int, Span]) -> dict[int, Any]:
    """The suppressions that cover parts of a finding that comes up, by account; without those that people should see.

    Args:
        group: the values that its events share, by field.
        events: its events, each with `account_id` and FIELDS.
        spans: the parts that come up, by account.
    """
    candidates = list(Suppression.objects.filter(rule=rule))
    if not candidates:
        return {}
    by_account: dict[int, list[Any]] = defaultdict(list)
    for event in events:
        by_account[event.account_id].append({name: getattr(event, name) for name in FIELDS})
    found = {}
    for account, span in spans.items():
        shared = shared_values(group, by_account[account])
        if covering := next((it for it in candidates if covers(it, shared, account, span)), None):
            found[account] = covering
    return found


def covers(suppression: Suppression, shared: Mapping[str, str], account: int, span: Span) -> bool:
    """Whether a suppression covers the part of a finding of its rule that has these shared values."""
    first, last = span
    if suppression.account_id and account != suppression.account_id:
        return False
    if suppression.starts_at and first < suppression.starts_at:
        return False
    if suppression.expires_at and last >= suppression.expires_at:
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
    """A field's value as people know it: the country or the source that a code stands for, or the value itself, as it
    may be shown."""
    words = {"source_country": lambda: countries.name(value), "source": lambda: source_title(value)}.get(name)
    return str(words() if words else "") or named_value(name, value)


def shared_of(finding: Finding, accounts: Iterable[int]) -> dict[str, str]:
    """The shared values of a finding as far as these accounts tell."""
    rows = _rows_of([finding.pk], accounts)[finding.pk]
    return shared_values(finding.group, [values for its in rows.values() for values in its])


def _rows_of(findings: Sequence[int], accounts: Iterable[int]) -> dict[int, dict[int, list[dict[str, Any]]]]:
    """FIELDS of findings' events, by finding and account. One query, of the different values alone: a finding may have
    100,000 events."""
    rows = FindingEvent.objects.filter(finding__in=findings, account__in=list(accounts))
    events: dict[int, dict[int, list[dict[str, Any]]]] = {finding: defaultdict(list) for finding in findings}
    columns = [f"event__{name}" for name in FIELDS]
    for finding, account, *values in (
        rows.order_by().values_list("finding_id", "account_id", *columns).distinct().iterator()
    ):
        events[finding][account].append(dict(zip(FIELDS, values, strict=True)))
    return events


@dataclass(frozen=True)
class Covered:
    """What a suppression would cover of what is in the inbox now.

    Attributes:
        findings: the accounts whose parts are covered, by finding.
        more: older findings of the rule were not looked through.
    """

    findings: dict[int, set[int]]
    more: bool


def covered(sight: Sight, suppression: Suppression, now_first: Finding) -> Covered:
    """The unfinished parts that a suppression covers, of those its author sees; those of the finding that it was made
    from come first, whatever its span."""
    accounts = (suppression.account_id,) if suppression.account_id else _everywhere(sight)
    question = Question(accounts=accounts, rules=(suppression.rule,))
    keys, reached = find(question, MOST_LOOKED_AT + 1, beyond=None, back=True)
    pks = [key.pk for key in keys[:MOST_LOOKED_AT] if key.pk != now_first.pk]
    parts: dict[int, Part] = sight.parts_of([now_first.pk, *pks])
    groups: dict[int, Any] = dict(Finding.objects.filter(pk__in=pks).values_list("pk", "group"))
    rows = _rows_of(pks, sight.accounts)
    found = {}
    if origin := parts.get(now_first.pk):
        found[now_first.pk] = {key for key in origin.accounts if suppression.account_id in (None, key)}
    for pk in pks:
        its = {
            part.account_id
            for part in (parts[pk].rows if pk in parts and pk in groups else ())
            if part.state in Finding.UNFINISHED
            and covers(
                suppression,
                shared_values(groups[pk], rows[pk][part.account_id]),
                part.account_id,
                (part.first_at, part.last_at),
            )
        }
        if its:
            found[pk] = its
    return Covered(found, bool(reached) or len(keys) > MOST_LOOKED_AT)


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
        within = covered(sight, suppression, origin).findings
        versions = {pk: triage.version_of(part) for pk, part in sight.parts_of(within).items()}
        deed = triage.Deed(FindingChange.Action.SUPPRESSED, suppression=suppression, note=note)
        outcome = triage.act(sight, deed, versions | {origin.pk: version}, within=within)
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
