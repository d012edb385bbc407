"""A person for each role, and one of everything that an address can be about."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import NexmoAccount
from accounts.roles import RESPONDERS
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
from events.reports import stopping
from events.sync import state
from tests.conftest import NOON
from tests.tools.findings import make_finding
from tests.tools.reviews import make_statement
from tests.tools.scope import log_in_for_good
from tests.tools.tokens import bearer, make_token

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
OWN, SHARED = "of a person", "of a team"


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
            if person.username != "owen":  # who sees what is his by nothing but that
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
            "events:report_stop": [stopping.link(self.held[OWN]["report"], owner.pk).rstrip("/").rpartition("/")[2]],
            "events:pack": [pack.pk],
            "events:find": [event.event_id],
            "events:export": ["csv"],
            "events:access_export": ["csv"],
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
            "events:api_view_events": [OWN],
            "events:api_nothing": ["nonsense"],
            "events:nexmo_event": [event.event_id],
            "events:nexmo_nothing": ["nonsense"],
            "accounts:team": [team.pk],
            "accounts:session_end": [98765],
            "mfa_edit_webauthn": [98765],
            "mfa_remove_webauthn": [98765],
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
            log_in_for_good(client, self.people[PEOPLE[role]])
        return client

    def paths(self, name: str) -> dict[str, str]:
        """Paths of an address by what they are about: a person's thing and a team's, where that makes a difference."""
        if name.startswith(("admin:", "/admin/")):
            return {"": self._admin_path(name)}
        if name.startswith("events:api_") and name not in ("events:api_document", "events:api_reference"):
            path = self._site_paths(name)[""].rstrip("/")  # of the two, reverse gives the second
            return {"": path} | ({} if name == "events:api_nothing" else {"with a slash": f"{path}/"})
        return self._site_paths(name)

    def _site_paths(self, name: str) -> dict[str, str]:
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
            "/admin/(?P<url>.*)$": "/admin/nonsense/",
            "admin:app_list": "/admin/events/",
            "admin:view_on_site": f"/admin/r/1/{self.account.pk}/",
            "admin:autocomplete": "/admin/autocomplete/"
            "?app_label=accounts&model_name=nexmoaccount&field_name=owner&term=",
        }
        if name in fixed:
            return fixed[name]
        if name.startswith("/"):
            app, model = name.split("/")[2:4]
            return name.replace("<object_id>", str(self.objects[f"{app}_{model}"]))
        model = next((model for model in self.objects if name.startswith(f"admin:{model}_")), None)
        if model is None or name.endswith(("_changelist", "_add")):
            return reverse(name)
        return reverse(name, args=[self.objects[model]])
