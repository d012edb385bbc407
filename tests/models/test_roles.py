"""The roles that ship, as the migrations leave them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission

from accounts.roles import ACCOUNT_ADMINS, AUDITORS, RESPONDERS, ROLES, RoleReader

EVENTS = ("auditevent", "discrepancy", "eventtype", "removal", "reviewstatement", "seal", "syncrun")


@pytest.mark.django_db
def test_roles_have_their_permissions_and_no_others() -> None:
    reads = {f"events.view_{model}" for model in EVENTS}
    manages = {f"accounts.{verb}_nexmoaccount" for verb in ("add", "change", "delete", "view")}
    expected = {
        ACCOUNT_ADMINS: manages | reads | {"events.triage_finding", "events.manage_stream"},
        AUDITORS: {
            *("accounts.view_nexmoaccount", "accounts.view_all_accounts", "accounts.export_evidence"),
            *("accounts.view_sensitive", "access.view_accessentry"),
        }
        | reads,
        RESPONDERS: {"events.triage_finding"},
    }

    for role in ROLES:
        granted = Permission.objects.filter(group__name=role).values_list("content_type__app_label", "codename")
        known = {f"{app}.{codename}" for app, codename in granted}
        assert known == expected[role]
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)


@pytest.mark.django_db
def test_permission_is_the_one_that_django_declares() -> None:
    """Made before Django's own are, it must not be another one of the same name."""
    for codename in ("view_nexmoaccount", "view_all_accounts", "export_evidence", "view_sensitive"):
        permission = Permission.objects.get(codename=codename)
        assert permission.content_type.model == "nexmoaccount"


@pytest.mark.django_db
def test_permission_about_findings_is_the_one_that_django_declares() -> None:
    assert Permission.objects.get(codename="triage_finding").content_type.model == "finding"


@pytest.mark.django_db
def test_role_that_is_part_of_another_goes_without_saying() -> None:
    reader, team = RoleReader(), Group.objects.create(name="Team")
    team.permissions.set(Group.objects.get(name=ACCOUNT_ADMINS).permissions.all())
    assert reader.of_team(team) == [ACCOUNT_ADMINS]

    team.permissions.set(Group.objects.get(name=RESPONDERS).permissions.all())
    assert RoleReader().of_team(team) == [RESPONDERS]

    every = [*Group.objects.get(name=AUDITORS).permissions.all(), *Group.objects.get(name=RESPONDERS).permissions.all()]
    team.permissions.set(every)
    assert RoleReader().of_team(team) == [AUDITORS, RESPONDERS]
