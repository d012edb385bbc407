"""The project itself as an app: its commands (`run`, `demo`) and the login's wiring."""

from __future__ import annotations

from django.apps import AppConfig


class AuditsiteConfig(AppConfig):
    name = "auditsite"

    def ready(self) -> None:
        from allauth.account.decorators import secure_admin_login
        from django.contrib import admin

        # One login for everything: the admin sends people to /login/, with its throttling and second factor.
        admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
        admin.site.site_header = admin.site.site_title = "Auditsite"
        admin.site.index_title = "Administration"
