"""Who may see what: every view begins with one of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from accounts import permissions
from accounts.access.note import about
from accounts.models import NexmoAccount
from events.detection.findings.inbox import line_of
from events.detection.findings.sight import Sight
from events.detection.rules import own_rules
from events.filters.form import EventFilter
from events.filters.saved import Openable
from events.models import (
    AuditEvent,
    Channel,
    Delivery,
    DueReview,
    EvidencePack,
    Finding,
    Report,
    Review,
    ReviewSchedule,
    SavedView,
    SignOff,
    Stream,
    Subscription,
)

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest, QueryDict

    from events.detection.findings.inbox import Line


def visible_account(request: HttpRequest, api_key: str) -> NexmoAccount:
    """The account with this key, or 404 when there is none that the reader may see."""
    # PostgreSQL refuses even to be asked for a NUL.
    account: NexmoAccount | None = (
        None if "\0" in api_key else NexmoAccount.objects.get_visible_to(request.user, api_key)
    )
    if account is None:
        raise Http404
    return account


def chosen_account(request: HttpRequest, api_key: str | None) -> NexmoAccount | None:
    """The account a page is about, or 404; None for a page about all that the reader may see."""
    return None if api_key is None else visible_account(request, api_key)


def visible_accounts(request: HttpRequest) -> list[NexmoAccount]:
    """All accounts the reader may see, without their secrets."""
    accounts = NexmoAccount.objects.list_visible_to(request.user)
    request.access_accounts = accounts  # type: ignore[attr-defined]  # the access log names no others
    return accounts


def visible_events(request: HttpRequest) -> Any:
    """All events the reader may see."""
    return AuditEvent.objects.visible_to(request.user)


def visible_view(request: HttpRequest, pk: int) -> SavedView:
    """The view with this key, or 404 when it is neither the reader's own nor shared with a team of the reader's, or
    names accounts that the reader does not see."""
    view: SavedView = get_object_or_404(SavedView.objects.visible_to(request.user), pk=pk)
    if not Openable(request.user)(view.owner_id, view.query):
        raise Http404
    about(request, view)
    return view


def own_view(request: HttpRequest, pk: int) -> SavedView:
    """The same for those whom the reader may change: only own ones."""
    view: SavedView = get_object_or_404(SavedView.objects.visible_to(request.user), pk=pk, owner=request.user.pk)
    about(request, view)
    return view


def visible_pack(request: HttpRequest, pk: uuid.UUID) -> EvidencePack:
    """The evidence pack with this key, or 404 when the reader may not have it."""
    packs = EvidencePack.objects.visible_to(request.user).select_related("requested_by", "account")
    pack: EvidencePack = get_object_or_404(packs, pk=pk)
    about(request, pack)
    return pack


def require_rule_writer(request: HttpRequest) -> None:
    """Stop whoever may not write detection rules, try them or switch them. That such pages exist is no secret."""
    if not own_rules.may_write(request.user):
        refusal = _("Changing detection rules requires a permission, and access to all accounts. Ask an administrator.")
        raise PermissionDenied(refusal)


def sight_of(request: HttpRequest) -> Sight:
    """What the reader may know of findings."""
    sight = Sight.of(request.user)
    request.access_accounts = sight.accounts.values()  # type: ignore[attr-defined]  # as above
    return sight


def visible_finding(sight: Sight, number: int) -> Line:
    """The finding of this number as the reader may know it, or 404 when none of its accounts is his to see."""
    finding: Finding = get_object_or_404(Finding.objects.visible_to(sight.user), pk=number)
    part = sight.parts_of([finding.pk]).get(finding.pk)
    if part is None:
        raise Http404
    return line_of(sight, finding, part)


def filtered_events(
    request: HttpRequest, account: NexmoAccount | None = None, params: QueryDict | None = None
) -> EventFilter:
    """The filter of a list or an export, over one account or all that the reader may see.

    Args:
        params: what to filter by, where the request's own parameters are others.
    """
    accounts = [account] if account else visible_accounts(request)
    everything = account is None and NexmoAccount.objects.sees_all(request.user)
    return EventFilter(request.GET if params is None else params, accounts=accounts, everything=everything)


def visible_channel(request: HttpRequest, pk: int) -> Channel:
    """The alert channel with this key, or 404 when it is neither the reader's own nor one of the reader's teams'."""
    channels = Channel.objects.visible_to(request.user).select_related("team", "owner")
    channel: Channel = get_object_or_404(channels, pk=pk)
    about(request, channel)
    return channel


def own_channel(request: HttpRequest, pk: int) -> Channel:
    """The same for those whom the reader may change."""
    channels = Channel.objects.changeable_by(request.user).select_related("team", "owner")
    channel: Channel = get_object_or_404(channels, pk=pk)
    about(request, channel)
    return channel


def own_subscription(request: HttpRequest, pk: int) -> Subscription:
    """The alert subscription with this key, or 404 when the reader may not change it."""
    subscriptions = Subscription.objects.changeable_by(request.user).select_related("channel", "view", "team", "owner")
    subscription: Subscription = get_object_or_404(subscriptions, pk=pk)
    about(request, subscription)
    return subscription


def own_delivery(request: HttpRequest, pk: int) -> Delivery:
    """The alert delivery with this key, or 404 when the reader may not change its channel."""
    deliveries = Delivery.objects.changeable_by(request.user).select_related("channel")
    delivery: Delivery = get_object_or_404(deliveries, pk=pk)
    return delivery


def visible_stream(request: HttpRequest, pk: int) -> Stream:
    """The stream with this key, or 404 when it is neither the reader's own nor one of the reader's teams'."""
    streams = Stream.objects.visible_to(request.user).select_related("team", "owner__profile", "view")
    stream: Stream = get_object_or_404(streams, pk=pk)
    about(request, stream)
    return stream


def own_stream(request: HttpRequest, pk: int) -> Stream:
    """The same for those whom the reader may change."""
    streams = Stream.objects.changeable_by(request.user).select_related("team", "owner__profile", "view")
    stream: Stream = get_object_or_404(streams, pk=pk)
    about(request, stream)
    return stream


def visible_report(request: HttpRequest, pk: int) -> Report:
    """The report with this key, or 404 when it is neither the reader's own nor one of the reader's teams'."""
    reports = Report.objects.visible_to(request.user).select_related("team", "owner", "view")
    report: Report = get_object_or_404(reports, pk=pk)
    about(request, report)
    return report


def own_report(request: HttpRequest, pk: int) -> Report:
    """The same for those whom the reader may change."""
    reports = Report.objects.changeable_by(request.user).select_related("team", "owner", "view")
    report: Report = get_object_or_404(reports, pk=pk)
    about(request, report)
    return report


def visible_review(request: HttpRequest, pk: uuid.UUID) -> Review | None:
    """The review with this key; None where there is none with an account that the reader may see."""
    review: Review | None = Review.objects.visible_to(request.user).filter(pk=pk).first()
    return review


def own_sign_off(request: HttpRequest, pk: uuid.UUID) -> SignOff:
    """What the reader asked to have signed, as long as it is not; 404 for anybody else."""
    sign_offs = SignOff.objects.filter(person=request.user.pk).exclude(pk__in=Review.objects.filter(pk=pk).values("pk"))
    sign_off: SignOff = get_object_or_404(sign_offs.select_related("person"), pk=pk)
    return sign_off


def due_review(request: HttpRequest, key: str) -> DueReview:
    """The due review with this key, or 404 when the reader is not among those who may sign it off."""
    if not (key.isascii() and key.isdigit() and len(key) < 19):
        raise Http404
    expected = DueReview.objects.visible_to(request.user).filter(review=None)
    due: DueReview = get_object_or_404(
        expected.select_related("schedule__owner__profile", "schedule__team", "schedule__view", "review"), pk=int(key)
    )
    return due


def own_review_schedule(request: HttpRequest, pk: int) -> ReviewSchedule:
    """The review schedule with this key, or 404 when the reader may not change it."""
    schedules = ReviewSchedule.objects.changeable_by(request.user).select_related("team", "owner__profile", "view")
    schedule: ReviewSchedule = get_object_or_404(schedules, pk=pk)
    about(request, schedule)
    return schedule


def require_streams(request: HttpRequest) -> None:
    """Stop whoever may not set up streams."""
    if not request.user.has_perm(permissions.MANAGE_STREAMS):
        raise PermissionDenied(_("Setting up streams requires a permission. Ask an administrator."))
