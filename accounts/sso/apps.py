from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.names import rename


class SingleSignOnConfig(AppConfig):
    name = "accounts.sso"
    label = "sso"
    verbose_name = _("Single sign-on")

    def ready(self) -> None:
        from allauth.account.signals import user_logged_in

        rename(apps.get_app_config("socialaccount"), _("Single sign-on"))
        user_logged_in.connect(_begin, dispatch_uid="sso.begin")


def _begin(request: Any, sociallogin: Any = None, **_: Any) -> None:
    """A login by single sign-on ends at a fixed time, used or not: what the provider says then decides anew. It
    confirms who is there as of when the provider asked."""
    if sociallogin is not None:
        from accounts import kept_forms
        from accounts.login.confirm import count_single_sign_on_from
        from accounts.login.sessions import end_by

        kept_forms.put_back(request)
        count_single_sign_on_from(request, sociallogin.account.extra_data.get("authenticated_at"))
        end_by(request.session, timezone.now() + settings.SINGLE_SIGN_ON.session)
