from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _

from accounts.names import rename, translate_names


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Nexmo accounts")

    def ready(self) -> None:
        translate_names(self)
        rename(self, _("Nexmo accounts"))
        rename(apps.get_app_config("auth"), _("People and teams"))
