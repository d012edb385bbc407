"""The demo's own page: what to look at, and "Attack now". There is no such page in real use (`urls.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.models import NexmoAccount
from auditsite.demo import environment
from auditsite.demo.attack import FOLLOWED_FOR, Attack, SandboxAway, begin, progress
from events.filters.names import country_title
from events.operations.demo_data import ACCOUNTS

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

SESSION_KEY = "demo_attack"
PACES = {
    "100": gettext_lazy("in seconds"),
    "10": gettext_lazy("in a minute"),
    "1": gettext_lazy("in ten minutes, as it happened"),
}
USUAL_PACE = "10"


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """What to look at, the attack to begin, and how far the last one is known."""
    attack = Attack.from_session(request.session.get(SESSION_KEY))
    if attack and timezone.now() - attack.began > FOLLOWED_FOR:
        attack = None
    context = {
        "accounts": _targets(request),
        "paces": PACES,
        "usual_pace": USUAL_PACE,
        "attack": attack,
        "attacked": NexmoAccount.objects.get_visible_to(request.user, attack.account) if attack else None,
        "country": country_title(attack.source_country) if attack else "",
        "progress": progress(attack, request.user) if attack else None,
        "catcher": f"http://127.0.0.1:{environment.CATCHER_PORT}/",
    }
    return render(request, "demo/page.html", context)


@require_POST
def attack_now(request: HttpRequest) -> HttpResponse:
    """Have the sandbox play the takeover in one of the accounts that the reader may see."""
    account = next((each for each in _targets(request) if each.api_key == request.POST.get("account")), None)
    pace = request.POST.get("pace", USUAL_PACE)
    if account is None or pace not in PACES:
        raise Http404
    try:
        attack = begin(environment.SANDBOX, account.api_key, float(pace))
    except SandboxAway:
        messages.error(request, _("The sandbox does not answer. Restart the demo."))
    else:
        request.session[SESSION_KEY] = attack.for_session()
    return redirect("demo")


def navigation(request: HttpRequest) -> dict[str, str]:
    """For every page of the demo: where its own page is."""
    return {"demo_page": reverse("demo")}


def _targets(request: HttpRequest) -> list[NexmoAccount]:
    """The sandbox's accounts that the reader may see."""
    return list(NexmoAccount.objects.visible_to(request.user).filter(api_key__in=ACCOUNTS).order_by("api_key"))
