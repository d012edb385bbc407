"""The roles that ship, as the migrations leave them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission

from accounts.roles import ACCOUNT_ADMINS, AUDITORS, ROLES

EVENTS = ("auditevent", "discrepancy", "eventtype", "removal", "seal", "syncrun")


@pytest.mark.django_db
def test_roles_have_their_permissions_and_no_others() -> None:
    expected = {
        ACCOUNT_ADMINS: {f"accounts.{verb}_nexmoaccount" for verb in ("add", "change", "delete", "view")},
        AUDITORS: {"accounts.view_nexmoaccount", "accounts.view_all_accounts", "accounts.export_evidence"},
    }

    for role in ROLES:
        granted = Permission.objects.filter(group__name=role).values_list("content_type__app_label", "codename")
        known = {f"{app}.{codename}" for app, codename in granted}
        assert known == expected[role] | {f"events.view_{model}" for model in EVENTS}
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)


@pytest.mark.django_db
def test_permission_is_the_one_that_django_declares() -> None:
    """Made before Django's own are, it must not be another one of the same name."""
    for codename in ("view_nexmoaccount", "view_all_accounts", "export_evidence"):
        permission = Permission.objects.get(codename=codename)
        assert permission.content_type.model == "nexmoaccount"
