"""`manage.py rotate_credential_keys`: encrypt every stored secret with the first of CREDENTIAL_KEYS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.management.base import CommandError

from accounts.access.command import LoggedCommand
from accounts.access.words import Action, Kind
from accounts.fields import EncryptedTextField, SecretUnreadable, decrypt, encrypt
from accounts.forms import SECRET_FIELDS
from accounts.models import NexmoAccount
from accounts.unseen import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model


class Command(LoggedCommand):
    help = (
        "Re-encrypts all stored API secrets, second factors and alert channels with the first of CREDENTIAL_KEYS. "
        "Put the new key first, keep the old one behind it, run this, then remove the old key."
    )
    begun = ended = Action.CREDENTIALS_CHANGED
    about = Kind.ACCOUNT

    def handle(self, *args: Any, **options: Any) -> None:
        done, unreadable = 0, []
        for account in NexmoAccount.objects.order_by("pk"):
            try:
                for field in SECRET_FIELDS:
                    setattr(account, field, getattr(account, field))
            except SecretUnreadable:
                unreadable.append(account.api_key)
                continue
            account.save(update_fields=SECRET_FIELDS)
            done += 1
        factors = 0
        for factor in Authenticator.objects.order_by("pk"):
            try:
                # Where allauth keeps what it encrypts: a TOTP secret, the seed of recovery codes.
                sealed = {key: encrypt(decrypt(factor.data[key])) for key in ("secret", "seed") if factor.data.get(key)}
            except SecretUnreadable:
                unreadable.append(f"the second factor of {factor.user}")
                continue
            factor.data = {**factor.data, **sealed}
            factor.save(update_fields=["data"])
            factors += 1
        others = 0
        for row in _other_rows():
            try:
                names = [field.name for field in _encrypted(type(row))]
                for name in names:
                    setattr(row, name, getattr(row, name))
            except SecretUnreadable:
                unreadable.append(f"the {row._meta.verbose_name} {row}")
                continue
            row.save(update_fields=names)
            others += 1
        if others:
            self.stdout.write(f"{others} other record(s) with secrets now use the first of CREDENTIAL_KEYS.")
        self.stdout.write(f"{done} account(s) and {factors} second factor(s) now use the first of CREDENTIAL_KEYS.")
        if unreadable:
            raise CommandError(
                f"Left as they were, because no key opens them: {printable(', '.join(unreadable))}. "
                "Add the key they were stored with, or enter these secrets again in the admin."
            )


def _encrypted(model: type[Model]) -> list[EncryptedTextField]:
    return [field for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]


def _other_rows() -> Iterator[Model]:
    """What other apps keep encrypted in fields of ours: alert channels."""
    for model in apps.get_models():
        if model is not NexmoAccount and _encrypted(model):
            yield from model._default_manager.order_by("pk")
