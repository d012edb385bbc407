"""Everything that is encrypted with CREDENTIAL_KEYS: which key each value is under, and moving it to the first.

A model with an `EncryptedTextField` is found by that field; what another package keeps encrypted within JSON is
declared here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import DatabaseError, transaction

from accounts.encryption import SecretUnreadable, decrypt, encrypt, key_ids, named_key, opened_by
from accounts.fields import Ciphertext, EncryptedTextField

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

BATCH = 100  # rows of a transaction: a run that is broken off has lost none of those before
# Where allauth keeps what it encrypts: the secret of an authenticator app, what recovery codes are made of.
IN_JSON = {"mfa.Authenticator": ("data", ("secret", "seed", "migrated_codes"))}


@dataclass
class Standing:
    """How many stored values each key holds.

    Attributes:
        by_key: by the key's id; of values that no key opens, under the id that they name ("" for none).
        waiting: values that are not yet as the first key would write them.
        unreadable: what the rows are called in which a value is that no key opens.
    """

    by_key: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    unreadable: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.by_key.total()


@dataclass(frozen=True)
class Place:
    """A model with encrypted columns, or with encrypted members of a JSON column."""

    model: type[Model]
    columns: tuple[str, ...]
    members: tuple[str, ...] = ()

    def kept_in(self, column: str) -> str:
        """What the place is called that a column's values are encrypted for."""
        return f"{self.model._meta.label}.{column}"

    def rows(self) -> Any:
        """All rows, whoever may see them."""
        return self.model._base_manager.order_by("pk")

    def values(self, row: Model) -> dict[tuple[str, str], list[str]]:
        """The encrypted values of a row as they are stored, by column and member."""
        return {place: values for place, values in self._all_values(row) if values}

    def _all_values(self, row: Model) -> Iterator[tuple[tuple[str, str], list[str]]]:
        for column in self.columns:
            value = row.__dict__[column]  # not getattr, which decrypts
            if isinstance(value, Ciphertext):
                yield (column, ""), [value.token]
            for member in self.members:
                kept = value.get(member) if isinstance(value, dict) else None
                yield (column, member), [text for text in (kept if isinstance(kept, list) else [kept]) if text]

    def change(self, row: Model, column: str, member: str, values: list[str]) -> Any:
        """What the column holds with these values in place of its own."""
        if not member:
            return Ciphertext(values[0])
        whole = row.__dict__[column]
        return {**whole, member: values if isinstance(whole[member], list) else values[0]}

    def name(self, row: Model) -> str:
        """What people know the row by; nothing of what is encrypted in it."""
        if self.members:
            return f"{self.model._meta.verbose_name} of {row.user}"  # type: ignore[attr-defined]
        return f"{self.model._meta.verbose_name} {row}"


def places() -> list[Place]:
    """Every model that holds encrypted values."""
    found = []
    for model in apps.get_models():
        columns = [column.name for column in model._meta.concrete_fields if isinstance(column, EncryptedTextField)]
        if columns:
            found.append(Place(model, tuple(columns)))
        if inner := IN_JSON.get(model._meta.label):
            found.append(Place(model, (inner[0],), inner[1]))
    return found


def standing() -> Standing:
    """Look at everything. Tables that are not there yet, before `migrate`, hold nothing."""
    told = Standing()
    for place in places():
        try:
            with transaction.atomic():
                for row in place.rows().iterator(chunk_size=BATCH):
                    _look(place, row, told)
        except DatabaseError:
            continue
    return told


def _look(place: Place, row: Model, told: Standing) -> None:
    unreadable = False
    for (column, _member), values in place.values(row).items():
        for value in values:
            try:
                told.by_key[opened_by(value, place.kept_in(column))] += 1
                told.waiting += named_key(value) != key_ids()[0]
            except SecretUnreadable:
                told.by_key[named_key(value)] += 1
                unreadable = True
    if unreadable:
        told.unreadable.append(place.name(row))


def rotate() -> Iterator[int]:
    """Move everything that a key opens under the first; yields after each transaction how many values were moved.

    What is under the first key already is not touched, so that a run that was broken off goes on where it was. What no
    key opens stays as it is: see `standing`.
    """
    for place in places():
        last: Any = None
        while True:
            with transaction.atomic():
                rows = place.rows().select_for_update()
                some = list((rows if last is None else rows.filter(pk__gt=last))[:BATCH])
                moved = sum(_move(place, row) for row in some)
            if moved:
                yield moved
            if len(some) < BATCH:
                break
            last = some[-1].pk


def _move(place: Place, row: Model) -> int:
    """Move a locked row's values; what cannot be read stays."""
    moved = 0
    changes: dict[str, Any] = {}
    for (column, member), values in place.values(row).items():
        renewed = [_renewed(value, place.kept_in(column)) for value in values]
        if renewed != values:
            moved += sum(new != old for new, old in zip(renewed, values, strict=True))
            changes[column] = row.__dict__[column] = place.change(row, column, member, renewed)
    if changes:
        place.model._base_manager.filter(pk=row.pk).update(**changes)
    return moved


def _renewed(value: str, place: str) -> str:
    if named_key(value) == key_ids()[0]:
        return value
    try:
        return encrypt(decrypt(value, place), place)
    except SecretUnreadable:
        return value
