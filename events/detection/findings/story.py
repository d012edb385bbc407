"""One finding as a story: what happened, where, who did it and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.entities.entity import KINDS, entity, named
from events.fields import dump_json
from events.filters.names import country_title
from events.masking import shown, shown_value
from events.models import FindingEvent
from events.reading.applications import nameless, names_for
from events.reading.rows import fetch_in_order
from events.wording.codes import type_words
from events.wording.sentences import plain_sentence
from events.wording.times import length, show

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from events.detection.findings.inbox import Line
    from events.entities.entity import Entity
    from events.reading import Row

MOST_EVENTS = 200
MOST_SAID = 6  # sentences of a story
MOST_ENTITIES = 8


@dataclass(frozen=True)
class Evidence:
    """The events that led to a finding, of the accounts that a reader may see, oldest first.

    Attributes:
        steps: which of a rule's selections each matched, by key.
        gone: those that its account keeps no longer: Nexmo's id, and the event's own time.
        more: there are more than are shown.
    """

    rows: list[Row]
    steps: dict[int, list[str]]
    gone: list[FindingEvent]
    more: bool


def evidence_of(finding: int, accounts: Iterable[int]) -> Evidence:
    """What a finding was made from. Two queries."""
    noted = FindingEvent.objects.filter(finding=finding, account__in=list(accounts)).order_by("created_at", "event_id")
    listed = list(noted[: MOST_EVENTS + 1])
    steps: dict[int, list[str]] = {}
    for each in listed[:MOST_EVENTS]:
        steps.setdefault(each.event_id, []).append(each.step)
    rows = fetch_in_order(list(steps))
    there = {row.pk for row in rows}
    return Evidence(
        rows=rows,
        steps={pk: [name for name in names if name] for pk, names in steps.items()},
        gone=[each for each in listed[:MOST_EVENTS] if each.event_id not in there],
        more=len(listed) > MOST_EVENTS,
    )


def story(line: Line, rows: Sequence[Row], descriptions: Mapping[str, str]) -> str:
    """What happened, in a sentence: who, in which account, did what, and how long it took."""
    where = _several([account.name for account in line.accounts], _("%(count)s accounts"))
    if not rows:
        return where
    who = _who(rows)
    lead = _("%(who)s in %(account)s") % {"who": who, "account": where}
    said = f"{lead}: {'; '.join(_deeds(rows, descriptions))}."
    count = line.part.event_count
    if count < 2:
        return said
    number = ngettext("%(count)s event", "%(count)s events", count) % {"count": count}
    span = line.part.last_at - line.part.first_at
    if span:
        several = _("%(number)s within %(time)s.") % {"number": number, "time": length(span)}
    else:
        several = _("%(number)s at the same moment.") % {"number": number}
    return f"{said} {several}"


def _who(rows: Sequence[Row]) -> str:
    users = list(dict.fromkeys(row.user_email for row in rows if row.user_email))
    addresses = list(dict.fromkeys(row.source_ip for row in rows if row.source_ip))
    if len(users) > 1:
        return _("%(count)s users") % {"count": len(users)}
    if users and len(addresses) == 1:
        return _("%(user)s from %(address)s") % {"user": users[0], "address": addresses[0]}
    if users:
        return users[0]
    return _several(addresses, _("%(count)s addresses")) or _("Somebody")


def _several(names: Sequence[str], count: str) -> str:
    """One by its name, more by their number."""
    return names[0] if len(names) == 1 else count % {"count": len(names)} if names else ""


def _deeds(rows: Sequence[Row], descriptions: Mapping[str, str]) -> list[str]:
    """What the events say, in their order; what is said again and again once, with how often."""
    applications = names_for(rows)
    said: list[list[Any]] = []
    for row in rows:
        app = applications.get((row.account_id, nameless(row.event_type, row.context)), "")
        text = plain_sentence(row.event_type, shown(row.context), app) or type_words(
            row.event_type, row.event_type_description or descriptions.get(row.event_type, "")
        )
        text = _within(text) or _("event without a type")
        if said and said[-1][0] == text:
            said[-1][1] += 1
        else:
            said.append([text, 1])
    deeds = [text if times == 1 else f"{text} (× {times})" for text, times in said]
    if len(deeds) > MOST_SAID:
        # How it began, and how it ended.
        left_out = len(deeds) - MOST_SAID
        more = ngettext("%(count)s more", "%(count)s more", left_out) % {"count": left_out}
        deeds = [*deeds[: MOST_SAID - 2], f"… ({more})", *deeds[-2:]]
    return deeds


def _within(text: str) -> str:
    """A sentence as it stands within another."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def entities_of(rows: Iterable[Row]) -> list[tuple[str, list[Entity]]]:
    """Whom and what the events are about, each once, by what they are called."""
    found: dict[tuple[str, str], Entity] = {}
    for row in rows:
        context = shown(row.context)
        values = [("user", row.user_email), ("ip", row.source_ip)]
        values += [(slug, value) for slug in ("number", "application") for value in named(slug, context)]
        for slug, value in values:
            if (slug, value.lower()) not in found and (about := entity(slug, value)):
                found[slug, value.lower()] = about
    by_kind = {slug: [about for about in found.values() if about.slug == slug] for slug in KINDS}
    return [(its[0].kind, its[:MOST_ENTITIES]) for its in by_kind.values() if its]


def compared(details: Any) -> list[str]:
    """What a rule compared the events with, in sentences; what no sentence knows stands by its name."""
    rest = dict(shown_value(details)) if isinstance(details, dict) else {}
    said = []
    before = _moment(rest.pop("previous_at", None))
    country, amount = rest.pop("previous_country", None), rest.pop("previous", None)
    if country:
        values = {"country": country_title(str(country)), "time": before}
        said.append(_("The same user's previous event came from %(country)s, at %(time)s.") % values)
    elif amount is not None:
        said.append(_("The previous value was %(value)s, set at %(time)s.") % {"value": amount, "time": before})
    elif before:
        said.append(_("The previous event was at %(time)s.") % {"time": before})
    if {"near", "known"} <= rest.keys():
        values = {"known": rest.pop("known"), "near": rest.pop("near")}
        said.append(_("Of %(known)s earlier events, %(near)s were within an hour of that time of day.") % values)
    rest.pop("problem", None)  # what the rule is about says so
    others = {name: value for name, value in rest.items() if value not in (None, "", [], {})}
    return said + [f"{name.replace('_', ' ')}: {dump_json(value).strip(chr(34))}" for name, value in others.items()]


def _moment(text: Any) -> str:
    try:
        return show(datetime.fromisoformat(str(text)))
    except ValueError:
        return ""
