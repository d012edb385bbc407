"""What the mail of a report says: the same in text and HTML, of what its reader may see, and harmless."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from PIL import Image

from accounts.models import NexmoAccount, Profile
from events.models import AuditEvent, Report
from events.reports import figures as reports_figures
from tests.conftest import NOON
from tests.reports.conftest import MONDAY, covered, send
from tests.tools.export import add_many
from tests.tools.findings import make_finding
from tests.tools.mails import Mails

pytestmark = pytest.mark.django_db
Add = Callable[..., AuditEvent]


@pytest.fixture(autouse=True)
def _monday(clock: Any) -> None:
    pass


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part
    return str(part.get_content()).replace("\r\n", "\n")


def only(mails: Mails) -> EmailMessage:
    assert send() == 1
    (message,) = mails.messages
    return message


def attached(message: EmailMessage) -> dict[str, bytes]:
    return {str(part.get_filename()): part.get_content() for part in message.iter_attachments()}  # type: ignore[misc]


def test_a_report_counts_compares_and_names(
    mails: Mails, make_report: Callable[..., Report], account: NexmoAccount, add_event: Add
) -> None:
    covered(*NexmoAccount.objects.filter(owner__username="alice"))
    for number, days in enumerate((0, 1, 1, 6, 7, 8)):  # of the Sunday, and back: four in the week, two in that before
        at = (NOON - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S")
        kind = "NUMBER_ASSIGN" if days == 0 else "USER_LOGIN"
        add_event(
            account, number, created_at=at, event_type=kind, event_type_description="x", user_email="Bob@example.com"
        )
    finding = make_finding(accounts=[account], title="API secret created at night", found_at=NOON)
    make_finding(accounts=[account], title="Older", found_at=NOON - timedelta(days=8))
    make_report()

    message = only(mails)
    text, html = text_of(message), text_of(message, "html")

    assert message["Subject"] == "Everything, 2026-03-09 to 2026-03-15"
    assert message["To"] == "alice@example.com"
    assert "4 events. The week before: 2." in text
    assert "The archive is complete for this period." in text
    for day, count in (("2026-03-09", 1), ("2026-03-10", 0), ("2026-03-14", 2), ("2026-03-15", 1)):
        assert f"{day}  {count}" in text
        assert f"{day}: {count}" in html  # the picture's text
    assert "3  x (USER_LOGIN)" in text and "4  Quillfern Parcel (demo0001)" in text
    assert "4  bob@example.com" in text and "4  United Kingdom" in text
    assert f"- [High] API secret created at night\n  https://audit.example.com/findings/{finding.pk}/" in text
    assert "Older" not in text + html
    for told in ("4 events", "The week before: 2.", "x (USER_LOGIN)", "Quillfern Parcel (demo0001)", "bob@example.com"):
        assert told in html


def test_the_link_leads_to_just_these_events(
    mails: Mails,
    make_report: Callable[..., Report],
    account: NexmoAccount,
    add_event: Add,
    login: Callable[[str], Client],
) -> None:
    report = make_report(query="event_type=NUMBER_UPDATED&period=24h")
    for number, days in enumerate((0, 6, 7)):
        add_event(account, number, created_at=(NOON - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S"))
    message = only(mails)
    (link,) = re.findall(r"https://audit.example.com(/events/\S+)", text_of(message))

    assert "2 events." in text_of(message)  # the view's own period is left aside
    page = login("alice").get(link)
    assert len(page.context["page"].rows) == 2
    assert f"view={report.view_id}" in link


def test_the_picture_is_within_the_mail(
    mails: Mails, make_report: Callable[..., Report], account: NexmoAccount, add_event: Add
) -> None:
    add_event(account)
    make_report()
    message = only(mails)

    (cid,) = re.findall(r'src="cid:([^"]+)"', text_of(message, "html"))
    (picture,) = [part for part in message.walk() if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == f"<{cid}>"
    assert picture.get_content_disposition() == "inline"
    image = Image.open(io.BytesIO(picture.get_content()))  # type: ignore[attr-defined]
    assert image.size == (1200, 400)
    assert "http" not in re.sub(r'href="https://audit\.example\.com/[^"]*"', "", text_of(message, "html"))


def test_an_empty_week_says_that_nothing_happened(mails: Mails, make_report: Callable[..., Report]) -> None:
    covered(*NexmoAccount.objects.filter(owner__username="alice"))
    make_report()
    message = only(mails)

    for kind in ("plain", "html"):
        assert "Nothing happened, and the archive is complete." in text_of(message, kind)
    assert "cid:" not in text_of(message, "html")
    assert attached(message) == {}


def test_an_empty_week_that_was_not_archived_says_which_stretches_are_missing(
    mails: Mails, make_report: Callable[..., Report], account: NexmoAccount
) -> None:
    covered(account, until=datetime(2026, 3, 12, 6, tzinfo=UTC))
    covered(account, since=datetime(2026, 3, 13, tzinfo=UTC))
    covered(*NexmoAccount.objects.filter(owner__username="alice").exclude(pk=account.pk))
    make_report()
    text = text_of(only(mails))

    assert "There are no events in the archive, but it is not complete." in text
    assert "- Quillfern Parcel (demo0001): 2026-03-12 06:00:00 UTC to 2026-03-13 00:00:00 UTC" in text
    assert "The week before: 0." in text


def test_a_week_before_that_was_not_archived_is_compared_with_nothing(
    mails: Mails, make_report: Callable[..., Report]
) -> None:
    covered(*NexmoAccount.objects.filter(owner__username="alice"), since=datetime(2026, 3, 8, 12, tzinfo=UTC))
    make_report()

    assert "The week before is not known to be complete." in text_of(only(mails))


def test_each_member_gets_what_that_member_may_see(
    mails: Mails, make_report: Callable[..., Report], team: Group, cast: dict[str, Any], add_event: Add
) -> None:
    shared = NexmoAccount.objects.get(api_key="demo0001")
    own = NexmoAccount.objects.filter(owner__username="alice").exclude(pk=shared.pk).first()
    assert own
    add_event(shared, 1)
    add_event(own, 2, user_email="hidden@example.com")
    make_finding(accounts=[own], title="Only for alice", found_at=NOON)
    make_report(team)

    assert send() == 2
    told = {str(each["To"]): each for each in mails.messages}
    alice, bob = text_of(told["alice@example.com"]), text_of(told["bob@example.com"])
    assert "2 events." in alice and "hidden@example.com" in alice and "Only for alice" in alice
    assert "1 event." in bob
    whole = str(told["bob@example.com"]) + bob + text_of(told["bob@example.com"], "html")
    assert "hidden@example.com" not in whole and own.api_key not in whole and "Only for alice" not in whole
    (rows,) = attached(told["bob@example.com"]).values()
    assert own.api_key not in str(rows)


def test_a_filter_over_an_account_that_a_member_cannot_see_is_not_sent(
    mails: Mails, make_report: Callable[..., Report], team: Group, login: Callable[[str], Client]
) -> None:
    own = NexmoAccount.objects.filter(owner__username="alice").exclude(api_key="demo0001").first()
    assert own
    report = make_report(team, query=f"account={own.api_key}")

    assert send() == 1
    assert mails.receivers == ["alice@example.com"]
    page = login("bob").get(f"/reports/{report.pk}/").content.decode()
    assert "names an account that this person cannot see" in page


def test_words_and_days_are_the_readers_own(
    mails: Mails, make_report: Callable[..., Report], cast: dict[str, Any], account: NexmoAccount, add_event: Add
) -> None:
    Profile.objects.create(user=cast["alice"], language="es", time_zone="Pacific/Auckland")
    add_event(account, created_at="2026-03-15T12:30:00")  # Monday in Auckland: in no whole week yet
    add_event(account, 2, created_at="2026-03-08T12:30:00")  # Monday there, of the week that is over
    make_report(query="", frequency="weekly")
    message = only(mails)
    text = text_of(message)

    assert "1 evento" in text and "2026-03-09  1" in text and "2026-03-15  0" in text
    assert 'lang="es"' in text_of(message, "html")


def test_foreign_text_stays_text(
    mails: Mails, make_report: Callable[..., Report], account: NexmoAccount, add_event: Add
) -> None:
    evil = "<img src=x onerror=alert(1)>https://evil.example"
    account.name = "Shop <b>\u202e"
    account.save()
    add_event(
        account, 1, user_email=evil, event_type="EVIL<script>", event_type_description='"><i>https://evil.example/a'
    )
    make_report(name="View <u> https://evil.example\u202e")
    message = only(mails)
    html, text = text_of(message, "html"), text_of(message)

    for told in (html, text, str(message["Subject"])):
        assert "https://evil" not in told and "\u202e" not in told
    assert not re.search(r"<(?:img src=x|b>|i>|u>|script)", html)
    raw = mails.taken[0].decode("ascii")
    assert len([line for line in raw.splitlines() if line.startswith("Subject:")]) == 1


def test_a_view_named_with_line_ends_adds_no_header(
    mails: Mails, make_report: Callable[..., Report], account: NexmoAccount
) -> None:
    make_report(name="A\r\nBcc: mallory@example.com")
    message = only(mails)

    assert message["Bcc"] is None and mails.receivers == ["alice@example.com"]


def test_the_file_is_as_exports_are(
    mails: Mails, make_report: Callable[..., Report], account: NexmoAccount, add_event: Add
) -> None:
    add_event(account, 1, user_email="=hyperlink(1)")
    add_event(account, 2)
    make_report()
    message = only(mails)
    ((name, content),) = attached(message).items()

    assert name == "events-2026-03-09-2026-03-15.csv"
    rows = list(csv.DictReader(io.StringIO(str(content).removeprefix("\ufeff"))))
    assert [row["user_email"] for row in rows] == ["yourname@example.com", "'=hyperlink(1)"]
    assert "The events are attached as CSV." in text_of(message)


@pytest.mark.parametrize("limit", ["rows", "bytes"])
def test_too_many_events_are_linked_and_not_attached(
    mails: Mails,
    make_report: Callable[..., Report],
    account: NexmoAccount,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
) -> None:
    add_many(account, range(5))
    if limit == "rows":
        settings.REPORT_CSV_ROWS = 4
    else:
        monkeypatch.setattr(reports_figures, "MOST_CSV_BYTES", 300)
    make_report()
    message = only(mails)

    assert attached(message) == {}
    for kind in ("plain", "html"):
        assert "5 events" in text_of(message, kind)
        assert "There are too many events to attach." in text_of(message, kind)


def test_as_many_as_the_limit_are_attached(
    mails: Mails, make_report: Callable[..., Report], account: NexmoAccount, settings: Any
) -> None:
    settings.REPORT_CSV_ROWS = 5
    add_many(account, range(5))
    make_report()

    assert len(attached(only(mails))) == 1


def test_a_file_that_nobody_wants_is_not_spoken_of(
    mails: Mails, make_report: Callable[..., Report], account: NexmoAccount, add_event: Add
) -> None:
    add_event(account)
    make_report(attach_csv=False)
    message = only(mails)

    assert attached(message) == {}
    assert "attach" not in text_of(message)


def test_a_quarter_is_listed_by_weeks(
    mails: Mails, make_report: Callable[..., Report], account: NexmoAccount, add_event: Add, clock: Any
) -> None:
    add_event(account)
    clock.move_to(datetime(2026, 4, 1, 9, tzinfo=UTC))
    make_report(frequency="quarterly")
    message = only(mails)

    assert message["Subject"] == "Everything, Q1 2026"
    assert "2026-03-09  1" in text_of(message) and "2026-03-15" not in text_of(message)


def test_headers_let_programs_stop_it(mails: Mails, make_report: Callable[..., Report], client: Client) -> None:
    make_report()
    message = only(mails)
    (line,) = re.findall(rb"^List-Unsubscribe: <https://audit.example.com(/\S+)>\r$", mails.taken[0], re.MULTILINE)

    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] == "auto-generated"
    assert Client(enforce_csrf_checks=True).post(line.decode(), {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Report.objects.get().stops.get().receiver.username == "alice"


def test_it_says_what_was_missed(mails: Mails, make_report: Callable[..., Report], clock: Any) -> None:
    make_report()
    clock.move_to(MONDAY + timedelta(days=21))

    assert "2 earlier reports were not sent, because no worker was running. This is the latest." in text_of(only(mails))
