from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.names import translate_names


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Nexmo accounts")

    def ready(self) -> None:
        translate_names(self)
