"""The people and accounts of the demo; the tests use the same cast."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import NexmoAccount
from accounts.roles import ACCOUNT_ADMINS, AUDITORS
from events.models import SavedView, Star

PASSWORD = "audit-demo"  # noqa: S105 - of a demo that listens on loopback only
TEAM = "Messaging team"

USERS = {
    "admin": "superuser: sees and manages everything",
    "alice": "account admin: owns two accounts, shares one with the messaging team",
    "bob": "member of the messaging team: sees the account alice shares",
    "charlie": "stranger: one account of his own",
    "audrey": "auditor: sees everything, changes nothing",
}

# Owner and team of each sandbox account.
ACCOUNTS = {
    "demo0001": ("Quillfern Parcel", "alice", TEAM),
    "demo0002": ("Marrowby Health", "alice", None),
    "demo0003": ("Tannelhof Reisen", "charlie", None),
    "demo0004": ("Bluegum Ledger", "admin", None),
    "demo0005": ("Petit Passereau", "admin", None),
}


@transaction.atomic
def make_demo_data() -> None:
    """Make the demo's users, team, accounts and a view; what is there already stays as it is."""
    user_model = get_user_model()
    users = {}
    for name in USERS:
        user, created = user_model.objects.get_or_create(
            username=name,
            defaults={
                "email": f"{name}@example.com",
                "is_superuser": name == "admin",
                "is_staff": name in ("admin", "alice", "audrey"),
            },
        )
        if created:
            user.set_password(PASSWORD)
            user.save()
        users[name] = user
    users["alice"].groups.add(Group.objects.get(name=ACCOUNT_ADMINS))
    users["audrey"].groups.add(Group.objects.get(name=AUDITORS))
    team, _ = Group.objects.get_or_create(name=TEAM)
    for name in ("alice", "bob"):
        users[name].groups.add(team)
    for api_key, (label, owner, shared) in ACCOUNTS.items():
        account, created = NexmoAccount.objects.get_or_create(
            api_key=api_key,
            defaults={"name": label, "owner": users[owner], "api_secret": f"sandbox-secret-{api_key[-4:]}"},
        )
        if created and shared:
            account.teams.add(team)
    view, created = SavedView.objects.get_or_create(
        owner=users["alice"],
        name="Numbers pointed elsewhere",
        defaults={
            "description": "Numbers linked, unlinked or changed by hand in the last month: calls may go astray.",
            "query": "event_type=NUMBER_LINKED,NUMBER_UNLINKED,NUMBER_UPDATED&period=30d&source=CD",
            "team": team,
        },
    )
    if created:
        Star.objects.create(user=users["alice"], view=view)
