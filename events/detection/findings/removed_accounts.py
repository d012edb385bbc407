"""What becomes of findings when an account is deleted, as one can be that was never archived anything of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef

from events.detection.findings import writing
from events.models import Finding, FindingAccount, FindingChange

if TYPE_CHECKING:
    from accounts.models import NexmoAccount


def forget(instance: NexmoAccount, **_: Any) -> None:
    """Delete the findings that lie in this account alone: nobody could open them, and they would count for ever. Others
    are what is left of them.

    Called before the account is deleted, in the same transaction.
    """
    mine = FindingAccount.objects.filter(account=instance.pk)
    others = FindingAccount.objects.filter(finding=OuterRef("pk")).exclude(account=instance.pk)
    with writing.turn():
        alone = list(
            Finding.objects.filter(~Exists(others), pk__in=mine.values("finding")).values_list("pk", flat=True)
        )
        for start in range(0, len(alone), writing.CHUNK):
            chunk = alone[start : start + writing.CHUNK]
            FindingChange.objects.filter(finding__in=chunk).delete()  # before the parts that tell that it may go
            Finding.objects.filter(pk__in=chunk).delete()
        rest = list(mine.values_list("finding", flat=True))
        mine.delete()
        writing.settle(rest)
