"""Sealing by the worker: what is due is planned each hour, each account is a job of its own, and so is each sending."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import NexmoAccount
from events.archive import access_chain, seal_channels, seals
from events.models import ChainHead, Seal
from events.operations import jobs
from events.storage import ledger

if TYPE_CHECKING:
    from django.db.models import QuerySet

PLAN_EVERY = timedelta(hours=1)
LOOKED_AT = 5  # seals, of those that could be the one


@jobs.handler("plan_seals", every=PLAN_EVERY)
def plan_seals(job: jobs.Claim) -> None:
    """Queue a seal for each account that has events newer than its last one, when that is long enough ago. Where none
    has, but the ledger went on, one account is sealed for its sake: who read what is to be sealed too."""
    if not settings.SEAL_KEY:
        return
    access_chain.extend()
    due = _due()
    for pk in due or _for_the_ledger():
        job.renew()
        jobs.enqueue("seal_account", str(pk))


@jobs.handler("seal_account")
def seal_account(job: jobs.Claim) -> None:
    """Seal one account, and queue the sending of the seal through each channel."""
    with transaction.atomic():
        if seal := _seal_if_due(int(job.subject)):
            for channel in settings.SEAL_CHANNELS:
                jobs.enqueue("send_seal", f"{seal.pk}:{_digest(channel)}")


@jobs.handler("send_seal", attempts=8)
def send_seal(job: jobs.Claim) -> None:
    """Send one seal through one channel; a channel that fails is tried again later, and holds up no other."""
    pk, _, digest = job.subject.partition(":")
    channel = next((channel for channel in settings.SEAL_CHANNELS if _digest(channel) == digest), None)
    seal = Seal.objects.select_related("account").filter(pk=int(pk)).first()
    if channel is None or seal is None:
        return  # the channel was taken out of the settings, or the account is gone
    if trouble := seal_channels.send_through(channel, seal):
        raise jobs.JobFailed(trouble, retry=True)


def seal_what_is_due() -> None:
    """Seal and send here and now, without a worker."""
    if settings.SEAL_KEY:
        for pk in _due():
            if seal := _seal_if_due(pk):
                seal_channels.send(seal)


@transaction.atomic
def _seal_if_due(account_pk: int) -> Seal | None:
    # Looked up again under the head's lock: of two workers that both believe to hold the job, one finds it done.
    head = ChainHead.objects.select_for_update().filter(account=account_pk).first()
    if head is None or not (_is_due(head) or head.pk in _for_the_ledger()):
        return None
    return seals.seal(NexmoAccount.objects.get(pk=account_pk))


def _due() -> list[int]:
    """The accounts to seal."""
    heads = ChainHead.objects.filter(seq__gt=0).order_by("pk")
    return [head.pk for head in heads.iterator() if _is_due(head)]


def _is_due(head: ChainHead) -> bool:
    """Whether a chain has events newer than its last seal, and that is long enough ago."""
    enough = Seal.objects.filter(_recent() | Q(seq__gte=head.seq), account=head.pk)
    return head.seq > 0 and _newest_genuine(enough) is None


def _recent() -> Q:
    """A seal dated in the future, by a clock that was wrong, does not count as recent."""
    now = timezone.now()
    return Q(sealed_at__gt=now - settings.SEAL_INTERVAL, sealed_at__lte=now)


def _for_the_ledger() -> list[int]:
    """The account to seal where no seal was made lately and the last one does not state the ledger as it is."""
    if _newest_genuine(Seal.objects.filter(_recent())):
        return []
    last = _newest_genuine(Seal.objects.all())
    if last is None or json.loads(last.statement).get("ledger") == ledger.head():
        return []
    return [last.account_id]


def _newest_genuine(rows: QuerySet[Seal]) -> Seal | None:
    """The newest of these seals that this site signed, of the few newest. Rows that somebody else has put there must
    not keep the site from sealing; where there are many, it seals once more."""
    for seal in rows.select_related("account__chain_head").order_by("-pk")[:LOOKED_AT]:
        try:
            statement = seals.read(seal.statement, seal.signature)
        except seals.BadSeal:
            continue
        head = getattr(seal.account, "chain_head", None)
        if head and statement.chain == head.chain_id and seals.says(statement, seal):
            return seal
    return None


def _digest(channel: str) -> str:
    """A channel's name in a job: its address may hold a password."""
    return hashlib.sha256(channel.encode()).hexdigest()[:16]
