"""Lists of what people set up take no more queries for more of it."""

from __future__ import annotations

import uuid
from datetime import date, time
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from events.detection.rules import own_rules
from events.models import Channel, LegalHold, Report, ReviewSchedule, SavedView, Stream, Subscription, Suppression
from events.operations.demo_data import TEAM
from tests.conftest import NOON
from tests.tools.pages import Login
from tests.tools.rules import rule_text
from tests.tools.tokens import make_token

# All but /streams/, where each stream is asked how far behind it is.
SITE = """/alerts/ /reports/ /reviews/ /reviews/schedules/ /views/ /rules/ /profile/tokens/ /tokens/ /teams/
    /teams/{team}/ /findings/suppressions/ /accounts/ /alerts/new /reports/new"""
ADMIN = """auth/user/ auth/group/ auth/group/{team}/change/ auth/group/{team}/delete/ auth/user/{admin}/change/
    auth/user/{admin}/hand-over/ auth/user/{admin}/delete/ accounts/nexmoaccount/ accounts/apitoken/ events/ownrule/
    events/stream/ events/report/ events/savedview/ events/legalhold/"""


def set_up(number: int, admin: User, team: Group) -> None:
    """One more of each."""
    view = SavedView.objects.create(owner=admin, name=f"View {number}", query="source=CD", team=team)
    address = "https://a.example.com/"
    channel = Channel.objects.create(owner=admin, name=f"Channel {number}", kind="webhook", address=address)
    Subscription.objects.create(owner=admin, channel=channel, what="view", view=view)
    Stream.objects.create(owner=admin, name=f"Stream {number}", kind="webhook", address=address, view=view)
    Report.objects.create(owner=admin, view=view, at=time(8), starts_at=NOON, look_at=NOON, looked_at=NOON)
    ReviewSchedule.objects.create(owner=admin, name=f"Schedule {number}", view=view, last_end=NOON)
    own_rules.save(rule_text(str(uuid.uuid4()), f"Rule {number}"), admin)
    person, other = User.objects.create(username=f"person{number}"), Group.objects.create(name=f"Team {number}")
    person.groups.set([team, other])
    account = NexmoAccount.objects.create(name=f"Account {number}", api_key=f"many{number:04}", owner=person)
    account.teams.set([team, other])
    make_token(admin)
    make_token(person)
    values: dict[str, Any] = {"account": account, "created_by": person, "created_at": NOON}
    Suppression.objects.create(rule=str(uuid.uuid4()), fields={"user_email": "a@example.com"}, **values)
    LegalHold.objects.create(reason="Case", first_day=date(2026, 3, 1), **values)


def test_lists_take_no_more_queries_for_more_rows(login: Login, cast: dict[str, Any]) -> None:
    admin, team = cast["admin"], Group.objects.get(name=TEAM)
    team.user_set.add(admin)
    pages = [*SITE.split(), *(f"/admin/{path}" for path in ADMIN.split())]
    paths = [page.format(team=team.pk, admin=admin.pk) for page in pages]
    client = login("admin")
    for number in range(2):
        set_up(number, admin, team)

    few = {path: queries(client, path) for path in paths}
    for number in range(2, 8):
        set_up(number, admin, team)

    assert {path: queries(client, path) for path in paths} == few


def queries(client: Client, path: str) -> int:
    assert client.get(path).status_code == 200, path  # fills caches
    with CaptureQueriesContext(connection) as taken:
        client.get(path)
    return len(taken)
