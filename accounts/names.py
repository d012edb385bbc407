"""The names of models and fields that Django makes of the Python names, translated, for the admin.

A `verbose_name` for each would say the same once more, and be a migration each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import translation
from django.utils.translation import gettext_lazy, gettext_noop

if TYPE_CHECKING:
    from django.apps import AppConfig

# Here only so that translators find them; a test says which are missing.
TO_TRANSLATE = (
    gettext_noop("Nexmo accounts"),
    gettext_noop("authenticator"),
    gettext_noop("authenticators"),
    gettext_noop("created at"),
    gettext_noop("last used at"),
    gettext_noop("name"),
    gettext_noop("owner"),
    gettext_noop("profile"),
    gettext_noop("profiles"),
    gettext_noop("teams"),
    gettext_noop("type"),
)


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
