"""The roles that ship with the site: groups with permissions, made by the migrations."""

from __future__ import annotations

from typing import Any

ACCOUNT_ADMINS = "Account admins"
AUDITORS = "Auditors"

ROLES = (ACCOUNT_ADMINS, AUDITORS)


def grant(apps: Any, app_label: str, permissions: dict[str, tuple[str, ...]]) -> None:
    """Give each role its permissions in one app, making role and permission rows where they do not exist yet.

    Django makes the permission rows only after all migrations have run, which is too late for a migration that
    hands them out; so they are made here under the names that Django will look for.
    """
    group_model = apps.get_model("auth", "Group")
    permission_model = apps.get_model("auth", "Permission")
    content_type_model = apps.get_model("contenttypes", "ContentType")
    for role, codenames in permissions.items():
        group, _ = group_model.objects.get_or_create(name=role)
        for codename in codenames:
            model = codename.split("_", 1)[1]
            if model not in apps.all_models[app_label]:
                model = "nexmoaccount"  # a permission of our own, which Django declares with that model
            content_type, _ = content_type_model.objects.get_or_create(app_label=app_label, model=model)
            permission, _ = permission_model.objects.get_or_create(
                content_type=content_type, codename=codename, defaults={"name": "Can " + codename.replace("_", " ")}
            )
            group.permissions.add(permission)
