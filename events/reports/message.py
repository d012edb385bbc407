"""The mail of a report: plain text and HTML that say the same, the chart within, the events beside it as CSV.

Whatever an event or a person named is foreign text: on one line, with nothing that a mail program would turn into a
link, and escaped as HTML by the template.
"""

from __future__ import annotations

from datetime import date, timedelta
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from events.filters.names import country_title
from events.filters.query_string import OPENED
from events.reports import chart, stopping
from events.wording import severity
from events.wording.codes import grouped, type_words
from events.wording.safe_text import quoted, subject
from events.wording.schedule import Frequency, period_words
from events.wording.times import show

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from email.policy import Policy

    from accounts.models import NexmoAccount
    from events.models import ReportMail
    from events.reports.figures import Figures
    from events.reports.receivers import Receiver


class _Whole(UnstructuredHeader):
    """A header that is never folded: a long link would be encoded as words, and no mail program would find it."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]  # of the class it is mixed into


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Whole)  # type: ignore[arg-type]  # mixed into a header there
POLICY = SMTP.clone(header_factory=_HEADERS)

MOST_BY_DAY = 31  # days that are listed one by one; a quarter is listed by weeks
MOST_ACCOUNTS, MOST_STRETCHES = 10, 5  # of which it is said that events may be missing


def message(mail: ReportMail, receiver: Receiver, told: Figures) -> EmailMessage:
    """A mail that is ready to be handed over. The receiver's language and zone are in force."""
    report = mail.report
    stop = stopping.link(report.pk, receiver.user.pk)
    context = _context(mail, told) | {"stop": stop, "language": get_language()}
    made = EmailMessage(policy=POLICY)
    made["Subject"] = _subject(mail)
    made["From"] = Address("Auditsite", addr_spec=settings.ALERT_MAIL_FROM)
    made["To"] = receiver.address
    made["Date"] = localtime()
    made["Message-ID"] = f"<{mail.key}@{settings.ALERT_MAIL_FROM.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made["List-Unsubscribe"] = f"<{stop}>"
    made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(render_to_string("reports/mail.txt", context))
    picture = f"chart.{mail.key}@auditsite"
    made.add_alternative(render_to_string("reports/mail.html", context | {"picture": picture}), subtype="html")
    if told.total:
        drawing = chart.draw(told.days, told.unknown_days)
        html: Any = made.get_body(("html",))
        html.add_related(drawing, "image", "png", cid=f"<{picture}>", filename="chart.png", disposition="inline")
    if told.csv:
        name = f"events-{mail.first_day}-{mail.last_day}.csv"
        made.add_attachment(told.csv.encode(), "text", "csv", filename=name, params={"charset": "utf-8"})
    return made


def _subject(mail: ReportMail) -> str:
    words = {"view": quoted(mail.report.view.name, 80), "period": period_words(mail.frequency, mail.first_day)}
    return subject((_("Preview: %(view)s, %(period)s") if mail.is_preview else _("%(view)s, %(period)s")) % words)


def _context(mail: ReportMail, told: Figures) -> dict[str, Any]:
    report, view = mail.report, mail.report.view
    return {
        "title": quoted(view.name, 80),
        "period": period_words(mail.frequency, mail.first_day),
        "count": ngettext("%(count)s event", "%(count)s events", told.total) % {"count": grouped(told.total)},
        "total": told.total,
        "before": _before(mail.frequency, told),
        "missed": _missed(mail.missed),
        "complete": not told.missing,
        "missing": _missing(told.missing),
        "days": by_days(told.days),
        "tables": _tables(told),
        "findings": [
            (severity.title(finding.severity), quoted(title), _address("finding", finding.pk))
            for finding, title in told.findings
        ],
        "more_findings": told.finding_count - len(told.findings),
        "attached": bool(told.csv),
        "too_many": report.attach_csv and told.total > 0 and not told.csv,
        "link": f"{_address('list')}?{told.query}&{OPENED}={view.pk}",
        "page": _address("report", report.pk),
    }


def _address(name: str, *args: Any) -> str:
    return f"{settings.SITE_URL}{reverse(f'events:{name}', args=args)}"


def _before(frequency: str, told: Figures) -> str:
    names = {
        Frequency.WEEKLY: (_("The week before: %(count)s."), _("The week before is not known to be complete.")),
        Frequency.MONTHLY: (_("The month before: %(count)s."), _("The month before is not known to be complete.")),
        Frequency.QUARTERLY: (
            _("The quarter before: %(count)s."),
            _("The quarter before is not known to be complete."),
        ),
    }
    known, unknown = names[Frequency(frequency)]
    if told.before is None:
        return unknown
    return known % {"count": grouped(told.before.number) + ("+" if told.before.at_least else "")}


def _missed(count: int) -> str:
    if not count:
        return ""
    return ngettext(
        "%(count)s earlier report was not sent, because no worker was running. This is the latest.",
        "%(count)s earlier reports were not sent, because no worker was running. This is the latest.",
        count,
    ) % {"count": count}


def _missing(missing: Sequence[tuple[NexmoAccount, Sequence[tuple[datetime, datetime]]]]) -> list[str]:
    """Of which stretches events may be missing, a line for each account."""
    lines = []
    for account, stretches in missing[:MOST_ACCOUNTS]:
        spans = [_("%(start)s to %(end)s") % {"start": show(a), "end": show(b)} for a, b in stretches[:MOST_STRETCHES]]
        lines.append(f"{_named(account)}: {'; '.join(spans)}{'; …' if len(stretches) > MOST_STRETCHES else ''}")
    if (more := len(missing) - len(lines)) > 0:
        lines.append(ngettext("and %(count)s more account", "and %(count)s more accounts", more) % {"count": more})
    return lines


def by_days(days: Sequence[tuple[date, int]]) -> tuple[str, list[tuple[str, str]]]:
    """What the chart shows, in text: a heading, and each day or week with its count."""
    if len(days) <= MOST_BY_DAY:
        return _("Events by day"), [(str(day), grouped(count)) for day, count in days]
    weeks: dict[date, int] = {}
    for day, count in days:
        monday = max(day - timedelta(days=day.weekday()), days[0][0])
        weeks[monday] = weeks.get(monday, 0) + count
    return _("Events by week, each by its first day"), [(str(day), grouped(count)) for day, count in weeks.items()]


def _tables(told: Figures) -> list[tuple[str, list[tuple[str, str]]]]:
    """How the events divide, the commonest first."""
    tables: tuple[tuple[str, list[tuple[str, int]]], ...] = (
        (_("By type"), [(_type(code, told), count) for code, count in told.types]),
        (_("By account"), [(_named(account), count) for account, count in told.by_account]),
        (_("Top users"), [(quoted(user), count) for user, count in told.users]),
        (_("Top countries"), [(quoted(country_title(code)), count) for code, count in told.countries]),
    )
    return [(title, [(name, grouped(count)) for name, count in rows]) for title, rows in tables if rows]


def _type(code: str, told: Figures) -> str:
    words = type_words(code, told.descriptions.get(code, ""))
    return f"{quoted(words)} ({quoted(code)})" if words and words != code else quoted(code)


def _named(account: NexmoAccount) -> str:
    return f"{quoted(account.name)} ({account.api_key})"
