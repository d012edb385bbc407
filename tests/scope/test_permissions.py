"""Every address with every method as every role: what happens is what the table of rights says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import permissions as permission_names
from accounts.models import NexmoAccount
from accounts.roles import RESPONDERS
from auditsite.permissions import MODELS, ROLES, SITE, TABLE, Answer, Right, Row
from auditsite.permissions_page import page
from events.archive import seals
from events.detection.rules import ruleset
from events.models import (
    AuditEvent,
    Channel,
    Delivery,
    Discrepancy,
    EventType,
    EvidencePack,
    Hunt,
    LegalHold,
    OwnRule,
    OwnRuleVersion,
    Removal,
    Report,
    ReviewSchedule,
    SavedView,
    SignOff,
    Stream,
    Subscription,
    Suppression,
    SyncRun,
)
from events.operations.demo_data import TEAM
from events.sync import state
from tests.conftest import NOON
from tests.tools.export import body
from tests.tools.findings import make_finding
from tests.tools.processes import ROOT
from tests.tools.reviews import make_statement
from tests.tools.scope import names
from tests.tools.tokens import bearer, make_token

PAGE = ROOT / "docs" / "permissions.md"
OWN_RULE = str(UUID(int=7))
PEOPLE = {
    "stranger": "charlie",
    "member": "bob",
    "responder": "rita",
    "account admin": "alice",
    "owner": "owen",
    "auditor": "audrey",
    "superuser": "admin",
}
STAFF = ("account admin", "auditor", "superuser")
OWN, SHARED = "of a person", "of a team"


def test_page_is_what_the_table_says() -> None:
    how = "run `manage.py permissions --output docs/permissions.md`"

    assert PAGE.read_text(encoding="utf-8") == page(), how


def test_command_writes_the_page(tmp_path: Path) -> None:
    call_command("permissions", "--output", str(tmp_path / "page.md"))

    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page()


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert set(names()) == set(TABLE)


@pytest.mark.django_db
def test_permissions_are_ones_that_django_knows() -> None:
    asked = {value for name, value in vars(permission_names).items() if name.isupper()}
    known = {f"{app}.{code}" for app, code in Permission.objects.values_list("content_type__app_label", "codename")}

    assert asked <= known
    assert {right.permission for row in TABLE.values() for right in (row.get, row.post) if right} - {""} <= asked


def _held(person: User, team: Group, kind: str) -> dict[str, Any]:
    """One of each kind of thing that belongs to a person or a team."""
    holder: dict[str, Any] = {"owner": person} if kind == OWN else {"team": team}
    view = SavedView.objects.create(
        owner=person if kind == OWN else User.objects.get(username="tess"),
        team=None if kind == OWN else team,
        name=kind,
        query="source=CD",
    )
    channel = Channel.objects.create(name=kind, kind="webhook", address="https://hooks.example.com/", **holder)
    told = {"at": time(8), "starts_at": NOON, "look_at": NOON, "looked_at": NOON}
    return {
        "view": view.pk,
        "alert_channel": channel.pk,
        "alert": Subscription.objects.create(channel=channel, what="severity", **holder).pk,
        "alert_retry": Delivery.objects.create(
            channel=channel, kind="test", occasion=kind, created_at=NOON, due_at=NOON, state="failed"
        ).pk,
        "report": Report.objects.create(view=view, **told, **holder).pk,
        "stream": Stream.objects.create(name=kind, kind="webhook", address="https://hooks.example.com/", **holder).pk,
        "review_schedule": ReviewSchedule.objects.create(name=kind, view=view, last_end=NOON, **holder).pk,
    }


class World:
    """A person for each role, and one of everything that an address can be about."""

    def __init__(self, cast: dict[str, User], events: dict[str, AuditEvent], folder: Path) -> None:
        team = Group.objects.get(name=TEAM)
        made = User.objects.bulk_create(User(username=name) for name in ("owen", "rita", "tess"))
        for person in made:
            person.groups.add(team)
        self.people = cast | {person.username: person for person in made}
        self.people["rita"].groups.add(Group.objects.get(name=RESPONDERS))
        owner, admin, auditor = self.people["owen"], self.people["admin"], self.people["audrey"]
        self.account = account = NexmoAccount.objects.get(api_key="demo0001")
        account.owner = owner
        account.save(update_fields=["owner"])
        self.alices = NexmoAccount.objects.get(api_key="demo0002")
        self.event = event = events["demo0001"]
        self.held = {kind: _held(owner, team, kind) for kind in (OWN, SHARED)}
        self.token, self.credentials = make_token(owner)
        self.finding = make_finding([event])
        statement = make_statement(account, owner)
        pack = EvidencePack.objects.create(
            requested_by=auditor, requested_at=NOON, account=account, time_zone="UTC", language="en", name="pack.zip"
        )
        pack.file = f"{pack.pk}.00000000.zip"
        pack.state, pack.finished_at, pack.expires_at = "ready", NOON, timezone.now() + timedelta(days=1)
        pack.count, pack.size = 1, 3
        pack.save()
        folder.mkdir(exist_ok=True)
        (folder / pack.file).write_bytes(b"zip")
        rule = OwnRule.objects.create(uid=OWN_RULE, title="x", text="title: x", changed_at=NOON)
        OwnRuleVersion.objects.create(rule=rule, version=1, text="title: x", is_enabled=False, changed_at=NOON)
        hunt = Hunt.objects.create(requested_by=admin, requested_at=NOON, text="title: x", state="done", result=[])
        sign_off = SignOff.objects.create(
            person=owner, requested_at=NOON, note="x", time_zone="UTC", language="en", problem="x"
        )
        sign_off.accounts.add(account)
        suppression = Suppression.objects.create(
            rule=self.finding.rule, account=account, fields={"user_email": "x"}, created_at=NOON
        )
        shipped = ruleset.shipped()[0][0].uid
        # Arguments of addresses, by the beginnings of their names; the longest counts.
        self.arguments: dict[str, list[Any]] = {
            "asset": ["0123456789ab", "css"],
            "admin_redirect": ["1/1/"],
            "events:report_stop": ["1-1:forged"],
            "events:pack": [pack.pk],
            "events:find": [event.event_id],
            "events:export": ["csv"],
            "events:export_page": [],
            "events:export_progress": [],
            "events:about": ["user", "yourname@example.com"],
            "events:session": ["user", "yourname@example.com"],
            "events:review": [statement.review_id],
            "events:review_retry": [sign_off.pk],
            "events:review_discard": [sign_off.pk],
            "events:finding": [self.finding.pk],
            "events:suppress": [self.finding.pk],
            "events:suppression_end": [suppression.pk],
            "events:rule": [shipped],
            "events:rule_edit": [OWN_RULE],
            "events:rule_version": [OWN_RULE, 1],
            "events:rule_trial": [hunt.pk],
            "events:rule_save": [hunt.pk],
            "events:account": [account.api_key],
            "events:account_export": [account.api_key, "csv"],
            "events:account_export_page": [account.api_key],
            "events:sync": [account.api_key],
            "events:seals": [account.api_key],
            "events:check": [account.api_key, event.event_id],
            "events:event": [account.api_key, event.event_id],
            "events:api_account": [account.api_key],
            "events:api_finding": [self.finding.pk],
            "events:api_acknowledge": [self.finding.pk],
            "events:api_view_events": [SHARED],
            "events:api_nothing": ["nonsense"],
            "events:nexmo_event": [event.event_id],
            "events:nexmo_nothing": ["nonsense"],
            "accounts:team": [team.pk],
            "accounts:token_revoke": [self.token.identifier],
            "accounts:account_tokens": [account.api_key],
        }
        self.plain = {
            *["events:accounts", "events:account_new", "events:findings", "events:packs", "events:reviews"],
            *["events:review_new"],
            *["events:rules", "events:rule_new", "events:api_accounts", "events:api_findings", "events:nexmo_events"],
            *["events:suppressions", "events:api_events", "accounts:teams", "events:review_schedules"],
            *[
                "events:review_schedule_new",
                "events:report_new",
                "events:reports",
                "events:stream_new",
                "events:streams",
            ],
            *["events:view_new", "events:views", "events:alert_new", "events:alerts", "events:alert_log"],
            *["events:alert_channel_new", "events:export_page"],
        }
        self.objects = {
            "accounts_nexmoaccount": self.alices.pk,
            "accounts_apitoken": self.token.pk,
            "auth_group": team.pk,
            "auth_user": self.people["bob"].pk,
            "mfa_authenticator": Authenticator.objects.create(
                user=self.people["bob"], type="totp", data={"secret": "x"}
            ).pk,
            "socialaccount_socialaccount": SocialAccount.objects.create(
                user=self.people["bob"], provider="x", uid="1"
            ).pk,
            "events_auditevent": event.pk,
            "events_eventtype": EventType.objects.get().pk,
            "events_syncrun": state.claim(account, SyncRun.Trigger.COMMAND).pk,
            "events_discrepancy": Discrepancy.objects.create(
                account=account, event=event, kind="late", noticed_at=NOON
            ).pk,
            "events_removal": Removal.objects.create(
                account=account, removed_at=NOON, older_than=NOON, reason="x", count=0
            ).pk,
            "events_seal": seals.seal(account).pk,
            "events_reviewstatement": statement.pk,
            "events_legalhold": LegalHold.objects.create(reason="x").pk,
            "events_savedview": self.held[SHARED]["view"],
            "events_ownrule": rule.pk,
            "events_report": self.held[SHARED]["report"],
            "events_stream": self.held[SHARED]["stream"],
        }
        self.posted: dict[str, dict[str, Any]] = {
            "events:dismiss": {"key": "0" * 16},
            "events:star": {"view": "numbers", "starred": "1"},
        }

    def client(self, role: str) -> Client:
        if role == "token":
            return Client(**bearer(self.credentials))
        client = Client()
        if role in PEOPLE:
            client.force_login(self.people[PEOPLE[role]], backend="auditsite.login.Backend")
        return client

    def paths(self, name: str) -> dict[str, str]:
        """Paths of an address by what they are about: a person's thing and a team's, where that makes a difference."""
        if name.startswith("admin:"):
            return {"": self._admin_path(name)}
        if name in self.plain:
            return {"": reverse(name)}
        known = [*self.arguments, *(f"events:{kind}" for kind in self.held[OWN])]
        begin = max((begin for begin in known if f"{name}_".startswith(f"{begin}_")), key=len, default="")
        if begin in self.arguments or not begin:
            return {"": reverse(name, args=self.arguments.get(begin))}
        kind = begin.removeprefix("events:")
        return {whose: reverse(name, args=[held[kind]]) for whose, held in self.held.items()}

    def _admin_path(self, name: str) -> str:
        fixed = {
            "admin:": "/admin/nonsense/",
            "admin:app_list": "/admin/events/",
            "admin:view_on_site": f"/admin/r/1/{self.account.pk}/",
            "admin:autocomplete": "/admin/autocomplete/"
            "?app_label=accounts&model_name=nexmoaccount&field_name=owner&term=",
        }
        if name in fixed:
            return fixed[name]
        model = next((model for model in self.objects if name.startswith(f"admin:{model}_")), None)
        if model is None or name.endswith(("_changelist", "_add")):
            return reverse(name)
        return reverse(name, args=[self.objects[model]])


@pytest.fixture
def world(
    cast: dict[str, Any], events: dict[str, AuditEvent], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    monkeypatch.setattr("auditsite.ready.check", lambda: [])  # no worker runs
    settings.EVIDENCE_DIR = tmp_path / "packs"
    return World(cast, events, settings.EVIDENCE_DIR)


def asked(world: World, client: Client, method: str, name: str, path: str) -> Any:
    """The answer; whatever it changed is undone, and somebody who logged out is in again."""
    session = client.cookies.get(settings.SESSION_COOKIE_NAME)
    with transaction.atomic():
        answer = client.generic(method, path) if method != "POST" else client.post(path, world.posted.get(name))
        body(answer)
        transaction.set_rollback(True)
    if session:
        client.cookies[settings.SESSION_COOKIE_NAME] = session.value
    return answer


def outcome(answer: Any, role: str) -> Answer | str:
    """What a role got, as the table calls it."""
    where = answer.get("Location", "")
    if answer.status_code == 302 and (where.startswith("/login/?") or (where == "/login/" and role not in PEOPLE)):
        return Answer.LOGIN
    to_index = where == "/admin/" and answer.request["PATH_INFO"] != "/admin/login/"
    if to_index and role in STAFF:
        return Answer.HIDDEN  # the admin's way to say that there is no such thing
    if answer.status_code == 302 and (to_index or where.startswith("/admin/login/")):
        return Answer.NO if role in PEOPLE else Answer.LOGIN  # to those who are no staff it says why they may not
    refusals = {401: Answer.TOKEN, 403: Answer.NO, 404: Answer.HIDDEN}
    if answer.status_code >= 500 or answer.status_code == 405:
        return str(answer.status_code)
    return refusals.get(answer.status_code, Answer.YES)


def expected(right: Right, role: str, whose: str) -> set[Answer | str]:
    answer = right.answers[role]
    if answer is Answer.OWN:
        answer = Answer.YES if whose == OWN else Answer.HIDDEN
    if answer is Answer.TEAM:
        answer = Answer.YES if whose == SHARED else Answer.HIDDEN
    return {answer, Answer.HIDDEN} if answer is Answer.YES and right.may_be_absent else {answer}


REFUSED: set[Answer | str] = {"405", Answer.LOGIN, Answer.TOKEN, Answer.HIDDEN, Answer.NO}


def wrong(world: World, role: str, table: dict[str, Row]) -> Iterator[str]:
    """What a role got otherwise than the table says."""
    client = world.client(role)
    for name, row in table.items():
        for whose, path in world.paths(name).items():
            for method, right in (("GET", row.get), ("POST", row.post)):
                answer = asked(world, client, method, name, path)
                got = outcome(answer, role)
                wanted = expected(right, role, whose) if right else REFUSED
                if got not in wanted:
                    yield f"{method} {path} ({name}) {whose}: {got} ({answer.status_code}), not {sorted(wanted)}"


@pytest.mark.parametrize("role", ROLES)
def test_every_address_answers_each_role_as_the_table_says(world: World, role: str) -> None:
    # People who are no staff are turned away before any page of the admin; one of each kind will do.
    some = {f"admin:{model}_{page}" for model in MODELS for page in ("add", "history", "delete")}
    table = {name: row for name, row in TABLE.items() if role in STAFF or name not in some}

    mistakes = list(wrong(world, role, table))

    assert not mistakes, "\n".join(mistakes)


def test_other_methods_are_refused_everywhere(world: World) -> None:
    client = world.client("superuser")
    answers = {
        (method, name): asked(world, client, method, name, next(iter(world.paths(name).values()))).status_code
        for name in SITE
        for method in ("PUT", "PATCH", "DELETE")
    }

    assert {key: status for key, status in answers.items() if status not in (401, 405)} == {}
