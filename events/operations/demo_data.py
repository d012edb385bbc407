"""The people and accounts of the demo; the tests use the same cast."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
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
    """Make the demo's users, team, accounts and a view; what is there already stays as it is.

    Each kind in one statement: the tests make all of it thousands of times.
    """
    users = _users()
    team, _ = Group.objects.get_or_create(name=TEAM)
    roles = {group.name: group for group in Group.objects.filter(name__in=(ACCOUNT_ADMINS, AUDITORS))}
    groups_of = {"alice": (roles[ACCOUNT_ADMINS], team), "bob": (team,), "audrey": (roles[AUDITORS],)}
    for name, groups in groups_of.items():
        users[name].groups.add(*groups)
    _accounts(users, team)
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


def _users() -> dict[str, User]:
    there = {user.username: user for user in User.objects.filter(username__in=USERS)}
    made = User.objects.bulk_create(
        User(
            username=name,
            password=make_password(PASSWORD),
            email=f"{name}@example.com",
            is_superuser=name == "admin",
            is_staff=name in ("admin", "alice", "audrey"),
        )
        for name in USERS
        if name not in there
    )
    return there | {user.username: user for user in made}


def _accounts(users: dict[str, User], team: Group) -> None:
    there = set(NexmoAccount.objects.filter(api_key__in=ACCOUNTS).values_list("api_key", flat=True))
    made = NexmoAccount.objects.bulk_create(
        NexmoAccount(
            api_key=api_key, name=label, owner=users[owner], api_secret=f"sandbox-secret-{api_key.removeprefix('demo')}"
        )
        for api_key, (label, owner, _) in ACCOUNTS.items()
        if api_key not in there
    )
    for account in made:
        if ACCOUNTS[account.api_key][2]:
            account.teams.add(team)
