"""What single sign-on itself must remember."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone

if TYPE_CHECKING:
    from datetime import datetime


class SpentAssertion(models.Model):
    """A SAML assertion that somebody came in with. It opens no second time, until it would be refused as expired."""

    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of issuer and id, in hex
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest

    @classmethod
    def spend(cls, digest: str, expires_at: datetime) -> bool:
        """Whether this was the first time. Those that have expired are forgotten."""
        cls.objects.filter(expires_at__lt=timezone.now()).delete()
        return cls.objects.get_or_create(digest=digest, defaults={"expires_at": expires_at})[1]
