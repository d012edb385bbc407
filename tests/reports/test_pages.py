"""Setting up reports and looking after them in the site."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from events.models import BackgroundJob, Report, ReportMail, ReportStop, SavedView
from events.reports import deliver, previews, stopping
from events.reports.report_form import ReportForm
from tests.reports.conftest import MONDAY, nothing, send
from tests.tools.mails import Mails

pytestmark = pytest.mark.django_db
NEW = {"frequency": "weekly", "at": "08:00", "attach_csv": "on"}


@pytest.fixture
def alice(login: Callable[[str], Client]) -> Client:
    return login("alice")


@pytest.fixture
def view(cast: dict[str, Any]) -> SavedView:
    made: SavedView = SavedView.objects.create(owner=cast["alice"], name="New secrets", query="source=CD")
    return made


def errors(response: Any) -> dict[str, list[str]]:
    return {name: list(told) for name, told in response.context["form"].errors.items()}


def test_a_view_leads_to_its_report(alice: Client, view: SavedView) -> None:
    assert f'href="/reports/new?view={view.pk}"' in alice.get("/views/").content.decode()
    page = alice.get(f"/reports/new?view={view.pk}")
    assert page.context["form"]["view"].value() == str(view.pk)

    response = alice.post("/reports/new", NEW | {"view": view.pk})

    report = Report.objects.get()
    assert response.url == f"/reports/{report.pk}/"  # type: ignore[attr-defined]
    assert (report.owner, report.team, report.frequency) == (view.owner, None, "weekly")
    listed = alice.get("/reports/").content.decode()
    assert "New secrets" in listed and "Weekly" in listed and "Only me" in listed and "never" in listed


def test_only_views_that_one_may_open_can_be_chosen(login: Callable[[str], Client], view: SavedView) -> None:
    charlie = login("charlie")
    assert "New secrets" not in charlie.get(f"/reports/new?view={view.pk}").content.decode()
    response = charlie.post("/reports/new", NEW | {"view": view.pk})

    assert list(errors(response)) == ["view"]
    assert not Report.objects.exists()


def test_a_team_gets_only_what_is_shared_with_it(alice: Client, view: SavedView, team: Group) -> None:
    told = NEW | {"view": view.pk, "holder": str(team.pk)}
    assert errors(alice.post("/reports/new", told)) == {
        "view": ["Share this view with the team first, so that all its members can open it."]
    }
    view.team = team
    view.save()
    alice.post("/reports/new", told)

    assert Report.objects.get().team == team


def test_who_may_not_act_for_a_team_sets_up_nothing_for_it(
    login: Callable[[str], Client], view: SavedView, team: Group, cast: dict[str, Any]
) -> None:
    view.team = team
    view.save()
    cast["bob"].user_permissions.clear()
    Permission.objects.get(codename="triage_finding").group_set.clear()
    bob = login("bob")
    assert "holder" not in bob.get("/reports/new").context["form"].fields
    bob.post("/reports/new", NEW | {"view": view.pk, "holder": str(team.pk)})

    assert Report.objects.get().team is None
    assert Report.objects.get().owner == cast["bob"]


def test_a_bad_time_is_said_and_nothing_is_lost(alice: Client, view: SavedView) -> None:
    response = alice.post("/reports/new", NEW | {"view": view.pk, "at": "25:00", "frequency": "monthly"})

    assert list(errors(response)) == ["at"]
    form = response.context["form"]  # type: ignore[attr-defined]
    assert (form["frequency"].value(), form["view"].value()) == ("monthly", str(view.pk))
    assert 'aria-describedby="error-at"' in response.content.decode()


@pytest.mark.parametrize("name", ["charlie", "audrey", "bob"])
def test_other_peoples_reports_are_not_there(
    login: Callable[[str], Client], make_report: Callable[..., Report], name: str
) -> None:
    report = make_report("alice", name="Alices own")
    client = login(name)

    assert "Alices own" not in client.get("/reports/").content.decode()
    for path in ("", "edit", "delete"):
        assert client.get(f"/reports/{report.pk}/{path}").status_code == 404
    for path in ("preview", "pause", "resume", "receive", "delete"):
        assert client.post(f"/reports/{report.pk}/{path}").status_code == 404
    assert Report.objects.get().is_active and not ReportMail.objects.exists()


def test_a_member_without_the_right_sees_and_stops_but_changes_nothing(
    login: Callable[[str], Client], make_report: Callable[..., Report], team: Group, cast: dict[str, Any]
) -> None:
    report = make_report(team)
    cast["bob"].user_permissions.clear()
    Permission.objects.get(codename="triage_finding").group_set.clear()
    bob = login("bob")

    page = bob.get(f"/reports/{report.pk}/").content.decode()
    assert "Everything" in page and "/edit" not in page and "Stop it for me" in page
    assert bob.get(f"/reports/{report.pk}/edit").status_code == 404
    bob.post(f"/reports/{report.pk}/receive", {"stop": "1"})
    assert ReportStop.objects.get().receiver == cast["bob"]
    assert "Receive it again" in bob.get(f"/reports/{report.pk}/").content.decode()
    bob.post(f"/reports/{report.pk}/receive")
    assert not ReportStop.objects.exists()


def test_a_view_that_is_not_shared_any_more_is_not_named(
    login: Callable[[str], Client], make_report: Callable[..., Report], team: Group
) -> None:
    report = make_report(team)
    SavedView.objects.filter(pk=report.view_id).update(team=None, name="Renamed in private")
    bob = login("bob")

    for path in ("/reports/", f"/reports/{report.pk}/"):
        page = bob.get(path).content.decode()
        assert "Renamed in private" not in page
        assert "Nothing is sent: the view is no longer shared with the team" in page
    for path in ("edit", "delete"):
        assert "Renamed in private" not in bob.get(f"/reports/{report.pk}/{path}").content.decode()


@pytest.fixture
def naming(cast: dict[str, Any], team: Group) -> SavedView:
    """A view of the team's whose filter names an account of alice's that bob does not see."""
    made: SavedView = SavedView.objects.create(
        owner=cast["alice"], name="Of demo0002", query="account=demo0002", team=team
    )
    return made


def test_a_view_that_names_a_hidden_account_is_neither_offered_nor_named(
    login: Callable[[str], Client], naming: SavedView, team: Group, make_report: Callable[..., Report]
) -> None:
    report = make_report(team)
    other = make_report("bob", name="Bobs own")
    Report.objects.filter(pk__in=(report.pk, other.pk)).update(view=naming)
    bob = login("bob")

    for path in ("new", f"new?view={naming.pk}", f"{report.pk}/edit", "", f"{report.pk}/", f"{other.pk}/"):
        assert "demo0002" not in bob.get(f"/reports/{path}").content.decode(), path
    for path in ("new", f"{report.pk}/edit"):
        assert list(errors(bob.post(f"/reports/{path}", NEW | {"view": naming.pk}))) == ["view"]
    assert "its owner may no longer open it" in bob.get(f"/reports/{other.pk}/").content.decode()
    for name in ("alice", "admin"):
        assert "Of demo0002" in login(name).get(f"/reports/{report.pk}/edit").content.decode()


def test_a_report_of_ones_own_ends_when_its_view_names_a_hidden_account(
    clock: Any, mails: Mails, make_report: Callable[..., Report], naming: SavedView
) -> None:
    report = make_report("bob")
    assert send() == 1
    Report.objects.update(view=naming)
    clock.move_to(MONDAY + timedelta(days=7))

    assert send() == 0
    assert ReportMail.objects.filter(report=report).count() == 1


def test_a_preview_is_made_by_the_worker_and_comes_to_whoever_asks(
    clock: Any, mails: Mails, login: Callable[[str], Client], make_report: Callable[..., Report], team: Group
) -> None:
    report = make_report(team)
    assert send() == 2
    bob = login("bob")
    bob.post(f"/reports/{report.pk}/preview")

    assert BackgroundJob.objects.filter(kind="send_reports").exists()
    assert len(mails.taken) == 2  # nothing is sent while the page is made
    assert "is being made" in bob.get(f"/reports/{report.pk}/").content.decode()
    assert deliver.send_due(nothing) == 1
    assert mails.receivers[-1] == "bob@example.com"
    assert mails.messages[-1]["Subject"] == "Preview: Everything, 2026-03-09 to 2026-03-15"
    assert "was sent at" in bob.get(f"/reports/{report.pk}/").content.decode()
    report.refresh_from_db()
    assert report.sent_count == 2


def test_previews_are_limited(
    clock: Any, alice: Client, make_report: Callable[..., Report], cast: dict[str, Any]
) -> None:
    report = make_report()
    for _ in range(previews.MOST + 2):
        response = alice.post(f"/reports/{report.pk}/preview", follow=True)

    assert ReportMail.objects.count() == previews.MOST
    assert "Try again later" in response.content.decode()
    clock.move_to(MONDAY + timedelta(hours=2))
    alice.post(f"/reports/{report.pk}/preview")
    assert ReportMail.objects.count() == previews.MOST + 1


def test_without_an_address_pages_say_what_to_do(
    alice: Client, make_report: Callable[..., Report], cast: dict[str, Any], settings: Any
) -> None:
    report = make_report()
    cast["alice"].email = ""
    cast["alice"].save()

    for path in ("/reports/", "/reports/new", f"/reports/{report.pk}/"):
        assert "You have no e-mail address" in alice.get(path).content.decode()
    answer = alice.post(f"/reports/{report.pk}/preview", follow=True)
    assert "Ask an administrator to enter one." in answer.content.decode()
    assert not ReportMail.objects.exists()


def test_pause_and_resume(clock: Any, mails: Mails, alice: Client, make_report: Callable[..., Report]) -> None:
    report = make_report()
    alice.post(f"/reports/{report.pk}/pause")
    assert send() == 0
    assert "Paused" in alice.get("/reports/").content.decode()
    alice.post(f"/reports/{report.pk}/resume")
    assert send() == 0  # not what was due meanwhile
    clock.move_to(MONDAY + timedelta(days=7))
    assert send() == 1


def test_another_frequency_begins_anew(
    clock: Any, mails: Mails, alice: Client, make_report: Callable[..., Report]
) -> None:
    report = make_report()
    send()
    alice.post(f"/reports/{report.pk}/edit", NEW | {"view": report.view_id, "frequency": "monthly"})

    assert send() == 0
    page = alice.get(f"/reports/{report.pk}/").content.decode()
    assert "2026-04-01 08:00:00" in page


def test_an_earlier_time_is_sent_the_same_day(
    clock: Any, mails: Mails, alice: Client, make_report: Callable[..., Report]
) -> None:
    report = make_report(at=time(18))
    assert send() == 0
    alice.post(f"/reports/{report.pk}/edit", NEW | {"view": report.view_id, "at": "07:30"})
    assert send() == 1


@pytest.mark.parametrize("frequency", ["weekly", "monthly"])
def test_an_edit_undoes_nothing_that_happened_meanwhile(
    clock: Any, make_report: Callable[..., Report], cast: dict[str, Any], frequency: str
) -> None:
    report = make_report()
    form = ReportForm(NEW | {"view": report.view_id, "frequency": frequency}, user=cast["alice"], instance=report)
    assert form.is_valid()
    Report.objects.update(is_active=False, sent_count=7, last_sent_at=MONDAY)

    form.keep()

    kept = Report.objects.get()
    assert (kept.is_active, kept.sent_count, kept.last_sent_at) == (False, 7, MONDAY)
    assert (kept.frequency, kept.starts_at == MONDAY, kept.look_at) == (frequency, frequency == "monthly", MONDAY)


def test_the_list_takes_the_same_queries_for_many_reports(
    alice: Client, make_report: Callable[..., Report], team: Group
) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            alice.get("/reports/")
        return len(queries)

    make_report(team, name="Of the team")
    make_report()
    alice.get("/reports/")
    few = count()
    for number in range(5):
        make_report(name=f"Report {number}")

    assert count() == few


def test_a_deleted_report_is_gone_and_its_view_stays(alice: Client, make_report: Callable[..., Report]) -> None:
    report = make_report()
    assert "Delete this report?" in alice.get(f"/reports/{report.pk}/delete").content.decode()
    assert Report.objects.exists()
    alice.post(f"/reports/{report.pk}/delete")

    assert not Report.objects.exists()
    assert SavedView.objects.filter(pk=report.view_id).exists()


def test_the_link_stops_only_when_pressed_and_without_a_login(
    clock: Any, mails: Mails, make_report: Callable[..., Report], team: Group, cast: dict[str, Any]
) -> None:
    report = make_report(team, name="Secret name")
    link = stopping.link(report.pk, cast["bob"].pk).removeprefix("https://audit.example.com")
    anybody = Client(enforce_csrf_checks=True)

    page = anybody.get(link)
    assert page.status_code == 200 and "Secret name" not in page.content.decode()
    assert not ReportStop.objects.exists()  # mail programs follow links
    assert "You will not receive this report any more" in anybody.post(link).content.decode()
    assert anybody.post(link).status_code == 200  # twice is no mistake
    assert send() == 1
    assert mails.receivers == ["alice@example.com"]


def test_a_link_that_was_changed_stops_nothing(make_report: Callable[..., Report], cast: dict[str, Any]) -> None:
    report = make_report("alice")
    token = stopping.link(report.pk, cast["bob"].pk).rpartition("/")[2]
    forged = token.replace(f"{report.pk}-{cast['bob'].pk}:", f"{report.pk}-{cast['alice'].pk}:")

    for each in (forged, "x", f"{report.pk}-{cast['alice'].pk}"):
        assert Client().post(f"/reports/stop/{each}").status_code == 404
    assert not ReportStop.objects.exists()


def test_a_link_to_a_deleted_report_says_the_same(make_report: Callable[..., Report], cast: dict[str, Any]) -> None:
    report = make_report()
    link = stopping.link(report.pk, cast["alice"].pk).removeprefix("https://audit.example.com")
    report.delete()

    assert Client().post(link).status_code == 200


def test_superusers_see_all_in_the_admin_and_nobody_else(
    login: Callable[[str], Client], make_report: Callable[..., Report]
) -> None:
    report = make_report("bob", name="What bob looks for")
    page = login("admin").get("/admin/events/report/").content.decode()

    assert f"/reports/{report.pk}/" in page and "bob" in page and "What bob looks for" not in page
    assert login("alice").get("/admin/events/report/").status_code == 403
