"""The names of models and fields that Django makes of the Python names, translated, for the admin.

A `verbose_name` for each would say the same once more, and be a migration each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import translation
from django.utils.translation import gettext_lazy, gettext_noop
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.apps import AppConfig

# Here only so that translators find them; a test says which are missing.
TO_TRANSLATE = (
    gettext_noop("Nexmo accounts"),
    gettext_noop("accounts"),
    gettext_noop("created at"),
    gettext_noop("expires at"),
    gettext_noop("identifier"),
    gettext_noop("last used address"),
    gettext_noop("last used at"),
    gettext_noop("name"),
    gettext_noop("owner"),
    gettext_noop("profile"),
    gettext_noop("profiles"),
    gettext_noop("revoked at"),
    gettext_noop("revoked by"),
    gettext_noop("teams"),
    gettext_noop("type"),
)

# What the models and fields of Django and allauth are called here. Their migrations do not notice.
OURS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "authenticator": (_("second factor"), _("second factors"), {}),
    "factorgrace": (_("time for a second factor"), _("times for a second factor"), {}),
    "permission": (_("permission"), _("permissions"), {}),
    "group": (_("team"), _("teams"), {}),
    "socialaccount": (
        _("linked login"),
        _("linked logins"),
        {"user": _("person"), "uid": _("identifier"), "extra_data": _("what the provider said last")},
    ),
    "user": (
        _("person"),
        _("people"),
        {
            "is_active": _("login"),
            "is_staff": _("admin access"),
            "is_superuser": _("superuser"),
            "email": _("email"),
            "date_joined": _("added on"),
            "groups": _("teams and roles"),
            "user_permissions": _("permissions"),
        },
    ),
}


def translate_names(config: AppConfig) -> None:
    """Have the names of an app's models and fields shown in the reader's language."""
    with translation.override(None):  # the names as they are, not in the language of whoever starts the process
        for model in config.get_models():
            options: Any = model._meta
            for kind in ("verbose_name", "verbose_name_plural"):
                if kind not in options.original_attrs:
                    setattr(options, kind, gettext_lazy(str(getattr(options, kind))))
            for field in (*options.local_fields, *options.local_many_to_many):
                if field._verbose_name is None:
                    field.verbose_name = gettext_lazy(str(field.verbose_name))


def rename(app: AppConfig, title: Any) -> None:
    """Call Django's and allauth's models by our words wherever they are named: in lists, titles and messages."""
    app.verbose_name = title
    for model in app.get_models():
        if model._meta.model_name not in OURS:
            continue
        singular, plural, fields = OURS[model._meta.model_name]
        options: Any = model._meta
        options.verbose_name, options.verbose_name_plural = singular, plural
        for field, verbose_name in fields.items():
            options.get_field(field).verbose_name = verbose_name
