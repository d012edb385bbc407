"""What of an account or a person stays for good, and so keeps either from being deleted; as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.translation import gettext, ngettext

from events.models import ChainHead, LegalHold, Removal, RetentionChange, Review, ReviewStatement, Seal
from events.wording.codes import grouped

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from accounts.models import NexmoAccount


def of_account(account: NexmoAccount) -> list[str]:
    """Why an account stays; nothing where no event of it was ever archived, sealed or held."""
    said = []
    head = ChainHead.objects.filter(account=account).first()
    if head and head.seq:
        text = gettext(
            "Archived events are permanent, and this account has had %(count)s of them. Switch the account off: it is "
            "no longer synced, and what is archived stays readable."
        )
        said.append(text % {"count": grouped(head.seq)})
    seals = Seal.objects.filter(account=account).count()
    if seals:
        text = ngettext("Its seal is evidence and is kept.", "Its %(count)s seals are evidence and are kept.", seals)
        said.append(text % {"count": grouped(seals)})
    if ReviewStatement.objects.filter(account=account).exists():
        said.append(gettext("Reviews of it were signed off, and they are kept."))
    if LegalHold.objects.filter(account=account).exists():
        said.append(gettext("Its legal holds stay on record, released or not."))
    return said


def of_person(person: User) -> list[str]:
    """Why a person stays: the records of what only they answer for."""
    said = []
    if LegalHold.objects.filter(Q(created_by=person) | Q(released_by=person)).exists():
        said.append(gettext("%(person)s made or released a legal hold, and its record says who."))
    if Removal.objects.filter(requested_by=person).exists():
        said.append(gettext("%(person)s had old events removed, and the record of it says who."))
    if RetentionChange.objects.filter(changed_by=person).exists():
        said.append(gettext("%(person)s changed how long events are kept, and the record of it says who."))
    if Review.objects.filter(person=person).exists():
        said.append(gettext("%(person)s signed off reviews that name them."))
    return [text % {"person": person} for text in said]
