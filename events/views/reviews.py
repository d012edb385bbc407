"""Reviews: what is due and what was signed off, signing off, one review and its statements."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.kept_forms import restored
from events.archive import review_statements
from events.export.refusal import refused
from events.filters.parameters import unknown
from events.filters.pills import pills
from events.filters.query_string import OPENED, with_params
from events.models import ReviewStatement
from events.operations import tasks
from events.reviews import schedules, sign
from events.reviews.forms import ListForm, SignForm
from events.reviews.matter import Matter, lasting
from events.reviews.shown import list_page, shown
from events.views.scope import due_review, filtered_events, own_sign_off, visible_accounts, visible_review

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest

    from events.models import DueReview

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def overview(request: HttpRequest) -> HttpResponse:
    """What the reader is expected to sign off, and the reviews of accounts that the reader may see."""
    form = ListForm(request.GET, accounts=visible_accounts(request))
    asked = form.cleaned_data if form.is_valid() else None
    page = list_page(request.user, asked, request.GET.get("before", "")) if asked is not None else None
    context = {
        "form": form,
        "page": page,
        "older": with_params(request.GET, before=page.more) if page and page.more else "",
        "narrows": any(request.GET.get(name) for name in form.fields),
        "waiting": schedules.waiting(request.user, timezone.now()),
        "unsigned": sign.unsigned_of(request.user),
    }
    return render(request, "reviews/overview.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Show what is to be signed off, and sign it off: the events of a filter, or with `due` those of a period of a
    schedule. Sent with the form, `query` is the filter that was shown, and `shown` the digest of what was: where that
    is different now, the page is shown again."""
    given = request.POST if request.method == "POST" else request.GET
    due = due_review(request, given["due"]) if given.get("due") else None
    try:
        matter = schedules.matter_of(due, request.user) if due else None
    except schedules.NotReviewable as error:
        messages.error(request, str(error))
        return redirect("events:reviews")
    if matter is None:
        params = QueryDict(request.POST.get("query", "")) if request.method == "POST" else request.GET
        event_filter = filtered_events(request, params=_without_view(params))
        wrong = unknown(params)
        if wrong or not event_filter.form.is_valid():
            return refused(request, event_filter, None, *wrong)
        matter = _fixed(request, lasting(event_filter, timezone.now()))
    data = request.POST if request.method == "POST" else restored(request)
    form = SignForm(data)
    if request.method == "POST" and form.is_valid():
        if request.POST.get("shown") != matter.digest:
            changed = _("The filter or its accounts have changed since this page was opened. Look at the events again.")
            form.add_error(None, changed)
        else:
            try:
                return redirect(sign.request(request.user, matter, form.cleaned_data["note"], due))
            except sign.Refused as error:
                form.add_error(None, str(error))
    context = {"form": form, "matter": matter, "pills": _pills(matter), "due": due and _period(due)}
    return render(request, "reviews/new.html", context)


def _without_view(params: QueryDict) -> QueryDict:
    """The conditions alone: a list that was opened as a view says so in its address."""
    conditions = params.copy()
    conditions.pop(OPENED, None)
    return conditions


def _fixed(request: HttpRequest, query: str) -> Matter:
    return Matter(filtered_events(request, params=QueryDict(query)))


def _pills(matter: Matter) -> list[Any]:
    return [pill for pill in pills(matter.event_filter) if pill.name not in ("date_from", "date_to")]


def _period(due: DueReview) -> schedules.Period:
    return schedules.Period(due, schedules.state_of(due, timezone.now()))


@require_safe
@never_cache
@vary_on_headers("HX-Request")
def page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One review; to who signs it off, until it is signed, how far that is. To htmx only what changes."""
    review = visible_review(request, pk)
    if review is not None:
        if request.headers.get("HX-Request"):  # it has been signed since
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "reviews/review.html", {"shown": shown(request.user, review)})
    sign_off = own_sign_off(request, pk)
    context = {"sign_off": sign_off, "no_worker": not sign_off.problem and not tasks.worker_is_alive()}
    if request.headers.get("HX-Request"):
        return render(request, "reviews/_waiting.html", context)
    return render(request, "reviews/waiting.html", context)


@require_POST
def retry(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Have it signed again, after that has failed."""
    sign_off = own_sign_off(request, pk)
    if sign_off.problem:
        sign.retry(sign_off)
    return redirect(sign_off)


@require_POST
def discard(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Sign nothing after all."""
    sign.discard(own_sign_off(request, pk))
    messages.success(request, _("Nothing was signed."))
    return redirect("events:reviews")


@require_safe
def file(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The signed statements that the reader may see, one JSON object a line, as `verify_evidence.py` takes them."""
    review = visible_review(request, pk)
    if review is None:
        raise Http404
    rows = ReviewStatement.objects.visible_to(request.user).filter(review=review).order_by("pk")
    lines = (json.dumps(review_statements.export(row), sort_keys=True) + "\n" for row in rows.iterator(chunk_size=100))
    logger.info("%s takes the statements of review %s away", request.user.get_username(), review.pk)
    response = HttpResponse("".join(lines), content_type="application/x-ndjson")
    response["Content-Disposition"] = f'attachment; filename="review-{review.pk}.ndjson"'
    return response
