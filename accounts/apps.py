from django.apps import AppConfig, apps
from django.core.checks import Tags, register
from django.utils.translation import gettext_lazy as _

from accounts.names import rename, translate_names


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Nexmo accounts")

    def ready(self) -> None:
        from accounts.checks import encrypted_values

        register(encrypted_values, Tags.database)
        translate_names(self)
        rename(self, _("Nexmo accounts"))
        rename(apps.get_app_config("auth"), _("People and teams"))
