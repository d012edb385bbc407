"""A text field that is plain in Python and encrypted in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from accounts.encryption import decrypt, encrypt

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


class Ciphertext:
    """A value as it stands in the database. Not a string, so that it can neither be shown nor sent by mistake."""

    __slots__ = ("token",)

    def __init__(self, token: str) -> None:
        self.token = token

    def __repr__(self) -> str:
        return "<encrypted>"


class _Decrypting(DeferredAttribute):
    """Decrypts at the first reading of the attribute, so that a wrong key spoils no page that only lists rows."""

    field: Any  # an EncryptedTextField

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        value = super().__get__(instance, owner)
        return decrypt(value.token, self.field.place) if isinstance(value, Ciphertext) else value

    def __set__(self, instance: Any, value: Any) -> None:
        # Having a setter makes Python ask __get__ even when the instance holds the value.
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):
    """Text that is encrypted at rest; empty text stays empty.

    Reading the attribute raises ``SecretUnreadable`` when no key fits; saving the row then keeps what is stored.
    It cannot be filtered on, and serialisers (fixtures, exports) get an empty text.
    """

    descriptor_class = _Decrypting

    @property
    def place(self) -> str:
        """Where alone its values count. Whoever renames the field or its model has them encrypted anew."""
        return f"{self.model._meta.label}.{self.name}"

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Ciphertext | str | None:
        return Ciphertext(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        # Not getattr: an unreadable secret must survive the saving of other fields.
        return model_instance.__dict__.get(self.attname, "")

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        if isinstance(value, Ciphertext):
            return value.token
        return encrypt(value, self.place) if value else value

    def get_lookup(self, lookup_name: str) -> None:
        return None

    def value_from_object(self, obj: models.Model) -> str:
        return ""

    def value_to_string(self, obj: models.Model) -> str:
        return ""
