from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccessConfig(AppConfig):
    name = "accounts.access"
    label = "access"
    verbose_name = _("Access log")

    def ready(self) -> None:
        from accounts.access import signals

        signals.connect()
