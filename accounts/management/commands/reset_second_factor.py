"""`manage.py reset_second_factor NAME`: for somebody who has lost phone, keys and recovery codes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.db import transaction

from accounts.access.command import LoggedCommand
from accounts.access.words import Action, Kind
from accounts.unseen import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser

logger = logging.getLogger(__name__)


class Command(LoggedCommand):
    help = (
        "Removes all second factors and recovery codes of a person, who then logs in with the password alone. Verify "
        "first who asks for it. An administrator can do the same in the admin, under Second factors."
    )
    begun = ended = Action.FACTOR_REMOVED
    about = Kind.FACTOR
    told_options = ("name",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the person's username")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        try:
            person = get_user_model()._default_manager.get(username=name)
        except get_user_model().DoesNotExist:
            raise CommandError(f"There is nobody called {printable(name)}.") from None
        with transaction.atomic():
            factors = list(Authenticator.objects.filter(user=person).order_by("pk"))
            Authenticator.objects.filter(pk__in=[factor.pk for factor in factors]).delete()
        if not factors:
            self.stdout.write(f"{printable(name)} has no second factor.")
            return
        kinds = ", ".join(str(factor.get_type_display()) for factor in factors)
        self.result = {"types": [str(factor.type) for factor in factors]}
        logger.warning("The second factors of %s were removed by command: %s.", person.get_username(), kinds)
        self.stdout.write(f"Removed: {kinds}. {printable(name)} now logs in with the password alone.")
