"""Messages for people: what, where, who, when, why it matters, what to do, and where to read on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from events.filters.names import country_title
from events.models import Delivery, Severity
from events.wording.safe_text import prose, quoted, subject
from events.wording.times import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from accounts.models import NexmoAccount
    from events.alerts.messages.facts import Event, Facts

MOST_BODY = 3_500  # characters: what the least of the chats takes, with room for what apprise puts around it
MOST_LISTED, MOST_OF_A_DIGEST, MOST_NAMED = 8, 25, 5
MOST_PROSE = 600  # characters of an explanation


def finding_title(facts: Facts, kind: str) -> str:
    """Such as "Reminder: [High] API secret created: Shop production"."""
    return subject(
        f"{_before(kind)}[{severity_in_words(facts)}] {quoted(facts.title)}: {where(accounts_in(facts), short=True)}"
    )


def _before(kind: str) -> str:
    """What a title begins with."""
    words = {
        Delivery.Kind.EXTENDED: _("More events"),
        Delivery.Kind.REMINDER: _("Reminder"),
        Delivery.Kind.ESCALATED: _("Escalation"),
    }
    return f"{words[Delivery.Kind(kind)]}: " if kind in words else ""


def many_title(findings: int, kind: str) -> str:
    """Such as "Reminder: 120 findings"."""
    counted = ngettext("%(count)s finding", "%(count)s findings", findings) % {"count": findings}
    return subject(f"{_before(kind)}{counted}")


def many_body(findings: Sequence[Facts], count: int, url: str) -> str:
    """Findings that went out together and that nobody has acknowledged: the worst of them, and how many there are."""
    listed = listed_findings(findings, count)
    return bounded([_("Nobody has acknowledged these findings yet:"), *listed], url)


def severity_in_words(facts: Facts) -> str:
    return str(Severity(facts.finding.severity).label)


def accounts_in(facts: Facts) -> list[NexmoAccount]:
    return [facts.accounts[part.account_id] for part in facts.parts]


def where(accounts: Sequence[NexmoAccount], *, short: bool = False) -> str:
    """Accounts by name and API key."""
    named = [f"{quoted(account.name, 60)} ({account.api_key})" for account in accounts[: 1 if short else MOST_NAMED]]
    more = len(accounts) - len(named)
    if more > 0:
        named.append(ngettext("%(count)s more account", "%(count)s more accounts", more) % {"count": more})
    return ", ".join(named)


def finding_body(facts: Facts, kind: str) -> str:
    """All there is to say of one finding."""
    lines = [quoted(facts.title, 200)]
    if kind == Delivery.Kind.ESCALATED:
        lines.append(_("Nobody has acknowledged it yet."))
    lines += ["", _("Where: %(value)s") % {"value": where(accounts_in(facts))}]
    if people := who(facts):
        lines.append(_("Who: %(value)s") % {"value": people})
    lines.append(_("When: %(value)s") % {"value": when(facts)})
    if facts.events:
        lines += ["", *event_lines(facts.events, facts.count)]
    lines += advice_lines(facts)
    return bounded(lines, facts.url)


def who(facts: Facts) -> str:
    """Users and addresses of its events."""
    people = [quoted(value) for value in facts.different("user_email")[:MOST_NAMED]]
    countries = {event.values["source_ip"]: event.values["source_country"] for event in facts.events}
    places = [
        f"{quoted(ip, 45)} ({quoted(country_title(countries[ip]), 60)})" if countries.get(ip) else quoted(ip, 45)
        for ip in facts.different("source_ip")[:MOST_NAMED]
    ]
    return "; ".join(filter(None, (", ".join(people), ", ".join(places))))


def when(facts: Facts) -> str:
    """Its span and how many events it has."""
    span = show(facts.first_at)
    if facts.last_at != facts.first_at:
        span = f"{span} – {show(facts.last_at)}"
    if not facts.count:
        return span
    events = ngettext("%(count)s event", "%(count)s events", facts.count) % {"count": facts.count}
    return f"{span}, {events}"


def event_lines(events: Sequence[Event], total: int) -> list[str]:
    """The first of some events, one a line."""
    lines = []
    for event in events[:MOST_LISTED]:
        values = event.values
        by = " · ".join(quoted(values[name], 60) for name in ("user_email", "source_ip") if values[name])
        lines.append(f"- {show(values['created_at'])}: {quoted(event.said)}{f' · {by}' if by else ''}")
    if (more := total - len(lines)) > 0:
        lines.append("- " + ngettext("%(count)s more event", "%(count)s more events", more) % {"count": more})
    return lines


def advice_lines(facts: Facts) -> list[str]:
    """Why it matters and what to do, where its rule says so."""
    if facts.advice is None:
        return []
    lines = []
    if facts.advice.description:
        lines += ["", _("Why it matters: %(value)s") % {"value": prose(facts.advice.description, MOST_PROSE)}]
    if facts.advice.next_steps:
        lines += ["", _("What to do:")]
        lines += [f"{number}. {prose(step, 300)}" for number, step in enumerate(facts.advice.next_steps[:6], start=1)]
    if facts.dashboard:
        lines.append(_("In Nexmo’s dashboard: %(url)s") % {"url": prose(facts.dashboard, 300)})
    return lines


def digest_title(findings: int, events: int) -> str:
    """Such as "3 findings, 12 events"."""
    counted = [
        ngettext("%(count)s finding", "%(count)s findings", findings) % {"count": findings} if findings else "",
        ngettext("%(count)s event", "%(count)s events", events) % {"count": events} if events else "",
    ]
    return subject(_("Summary: %(counts)s") % {"counts": ", ".join(filter(None, counted))})


def digest_body(findings: Sequence[Facts], count: int, events: Iterable[str], url: str) -> str:
    """The findings of an hour or a day, a line and a link each, and how many more of `count` there are; then lines
    about events."""
    return bounded([*listed_findings(findings, count), *events], url)


def listed_findings(findings: Sequence[Facts], count: int) -> list[str]:
    """The first of some findings, a line and a link each, and how many more of `count` there are."""
    lines: list[str] = []
    for facts in findings[:MOST_OF_A_DIGEST]:
        lines.append(
            f"- [{severity_in_words(facts)}] {quoted(facts.title, 80)}: {where(accounts_in(facts))}, {when(facts)}"
        )
        lines.append(f"  {facts.url}")
    if (more := count - min(len(findings), MOST_OF_A_DIGEST)) > 0:
        lines.append("- " + ngettext("%(count)s more finding", "%(count)s more findings", more) % {"count": more})
    return lines


def view_title(name: str, count: int) -> str:
    return subject(
        ngettext("%(count)s new event: %(view)s", "%(count)s new events: %(view)s", count)
        % {"count": count, "view": quoted(name, 80)}
    )


def bounded(lines: Sequence[str], url: str) -> str:
    """Lines, as many as fit, with the link at the end."""
    opened = _("Open: %(url)s") % {"url": url}
    end = f"\n\n{opened}" if url else ""
    text, most = "", MOST_BODY - len(end)
    for line in lines:
        if len(text) + len(line) + 1 > most:
            text += "…"
            break
        text += f"{line}\n"
    return text.rstrip("\n") + end
