"""The project itself as an app: its commands (`run`, `demo`) and the login's wiring."""

from __future__ import annotations

import os
from typing import Any

from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from accounts.names import rename, translate_names
from auditsite import kept_texts
from auditsite.middleware.time_limits import prepare_sqlite

_inherited: list[Any] = []


class GuardedAdminConfig(AdminConfig):
    """Django's admin, with what holds for every page of it."""

    default_site = "auditsite.admin_site.Site"


class AuditsiteConfig(AppConfig):
    name = "auditsite"

    def ready(self) -> None:
        from allauth.account.decorators import secure_admin_login
        from django.contrib import admin

        # One login for everything: the admin sends people to /login/, with its throttling and second factor.
        admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
        admin.site.site_header = admin.site.site_title = "Auditsite"
        admin.site.index_title = _("Administration")
        kept_texts.install()
        translate_names(apps.get_app_config("mfa"))
        rename(apps.get_app_config("mfa"), _("Second factors"))
        # Sent for apps with models only, and this one has none.
        post_migrate.connect(_make_cache_table, sender=apps.get_app_config("auth"))
        connection_created.connect(prepare_sqlite)
        os.register_at_fork(after_in_child=_leave_connections_to_the_parent)


def _make_cache_table(using: str, **_: Any) -> None:
    """The table of CACHE_URL=database; nothing where caches are elsewhere."""
    from django.core.management import call_command

    call_command("createcachetable", database=using, verbosity=0)


def _leave_connections_to_the_parent() -> None:
    """A forked process makes its own: two that speak on one connection hear each other's answers.

    What it inherited is kept and not closed, because closing would say goodbye in the parent's name.
    """
    for connection in connections.all(initialized_only=True):
        _inherited.append((connection.connection, dict(getattr(connection, "_connection_pools", {}))))
        connection.connection = None
        getattr(connection, "_connection_pools", {}).clear()
