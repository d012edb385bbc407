"""Writing a rule: checked, tried over the whole archive, and then saved.

The editor's text goes to a trial if it can be read, and else stays where it is, with what would be right beside it. The
page of the trial saves it: whoever saves a rule has seen, or could have seen, what it finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.kept_forms import restored
from events.detection.evaluation import previews
from events.detection.rules import own_rules, rule_editing, rule_list
from events.detection.rules.replay_form import ReplayForm
from events.models import Hunt, OwnRule
from events.operations import tasks
from events.views.scope import require_rule_writer

if TYPE_CHECKING:
    import uuid
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse

    from events.detection.sigma.rule import RuleProblem


class TextForm(forms.Form):
    """A rule's text, and the version it was made from."""

    text = forms.CharField(
        label=gettext_lazy("Rule (Sigma, in YAML)"),
        strip=False,
        widget=forms.Textarea(
            attrs={
                "rows": 30,
                "wrap": "off",
                "spellcheck": "false",
                "autocapitalize": "off",
                "autocomplete": "off",
                "autocorrect": "off",
            }
        ),
        error_messages={"required": gettext_lazy("There is no rule to check yet.")},
    )
    version = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, initial: Any = None) -> None:
        super().__init__(data, initial=initial, label_suffix="")

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).replace("\r\n", "\n").replace("\r", "\n")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new(request: HttpRequest) -> HttpResponse:
    """Write a rule. `copy`: the id of one to begin with; `trial`: what was tried."""
    require_rule_writer(request)
    if request.method == "POST":
        return _check(request, None)
    return _editor(request, None, {"text": _text_to_begin_with(request)})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def edit(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
    """Change an own rule. `from`: the number of an earlier version to go back to; `trial`: what was tried."""
    require_rule_writer(request)
    own = get_object_or_404(OwnRule, uid=str(uid))
    if request.method == "POST":
        return _check(request, own)
    text, version = own.text, own.version
    if trial := _own_trial(request, request.GET.get("trial", "")):
        text, version = trial.text, _number(request.GET.get("version")) or own.version
    elif earlier := own.versions.filter(version=_number(request.GET.get("from")) or 0).first():
        text = earlier.text
    return _editor(request, own, {"text": text, "version": version})


def _check(request: HttpRequest, own: OwnRule | None) -> HttpResponse:
    """Have what was typed tried, or say what is wrong with it."""
    form = TextForm(request.POST)
    if not form.is_valid():
        return _page(request, form, own, [])
    text = form.cleaned_data["text"]
    try:
        own_rules.read(text, own)
    except own_rules.Refused as error:
        return _page(request, form, own, error.problems)
    return redirect(_trial_address(previews.request(text, request.user), form.cleaned_data["version"] if own else None))


@require_safe
@never_cache
@vary_on_headers("HX-Request")
def trial(request: HttpRequest, pk: int) -> HttpResponse:
    """What a rule finds in the archive: how far the worker is, then what it found. To htmx the part that changes."""
    hunt = _trial_or_404(request, pk)
    return _trial_page(request, hunt, _number(request.GET.get("version")), ReplayForm())


def _trial_page(request: HttpRequest, hunt: Hunt, version: int | None, replay: ReplayForm) -> HttpResponse:
    tried = previews.Trial(hunt)
    own = OwnRule.objects.filter(uid=tried.uid).first()
    context: dict[str, Any] = {
        "trial": tried,
        "here": _trial_address(hunt, version),
        "no_worker": hunt.state in previews.UNFINISHED and not tasks.worker_is_alive(),
        "version": version,
        "back": _editor_address(hunt, own, version),
        "own": own,
        "replay": replay,
    }
    return render(request, "rules/_trial.html" if request.headers.get("HX-Request") else "rules/trial.html", context)


@require_POST
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """Save what was tried. `enable`: switch it on too; `replay`: put what it finds in the archive into the inbox, of a
    period (`date_from`, `date_to`) or an `account` alone."""
    hunt = _trial_or_404(request, pk)
    version = _number(request.POST.get("version"))
    replay = ReplayForm(request.POST)
    if request.POST.get("replay") and not replay.is_valid():
        return _trial_page(request, hunt, version, replay)
    own = OwnRule.objects.filter(uid=own_rules.uid_of(hunt.text)).first() if version is not None else None
    form = TextForm(initial={"text": hunt.text, "version": version})
    try:
        saved = own_rules.save(
            hunt.text, request.user, own=own, seen=version, enable=True if request.POST.get("enable") else None
        )
    except own_rules.Refused as error:
        return _page(request, form, own, error.problems)
    except own_rules.ChangedMeanwhile as error:
        form = TextForm(initial={"text": hunt.text, "version": error.rule.version})
        return _page(request, form, own, [], meanwhile=error.rule)
    if not saved.is_enabled:
        messages.success(request, _("The rule %(title)s was saved. It is off.") % {"title": saved.title})
        return redirect("events:rule", saved.uid)
    messages.success(
        request,
        _("The rule %(title)s was saved and is on: each event is compared with it as it arrives.")
        % {"title": saved.title},
    )
    if request.POST.get("replay"):
        asked = previews.request(hunt.text, request.user, replay=True, scope=replay.scope)
        return redirect(_trial_address(asked, None))
    return redirect("events:rule", saved.uid)


def _text_to_begin_with(request: HttpRequest) -> str:
    if earlier := _own_trial(request, request.GET.get("trial", "")):
        return earlier.text
    if copied := rule_list.entry(request.user, request.GET.get("copy", "")):
        return own_rules.as_copy(copied.text, copied.rule.title if copied.rule else copied.title)
    return own_rules.example()


def _editor(request: HttpRequest, own: OwnRule | None, initial: dict[str, Any]) -> HttpResponse:
    kept = restored(request)
    form = TextForm(kept) if kept else TextForm(initial=initial)
    return _page(request, form, own, [])


def _page(
    request: HttpRequest,
    form: TextForm,
    own: OwnRule | None,
    problems: Sequence[RuleProblem],
    meanwhile: OwnRule | None = None,
) -> HttpResponse:
    text = str(form["text"].value() or "").replace("\r\n", "\n")
    if problems:
        form.fields["text"].widget.attrs |= {
            "data-lines": " ".join(str(problem.line) for problem in problems),
            "aria-invalid": "true",
            "aria-describedby": "problems",
        }
    context = {
        "form": form,
        "own": own,
        "meanwhile": meanwhile,
        "problems": [(problem, rule_editing.excerpt(text, problem.line)) for problem in own_rules.told(problems)],
        "reference": rule_editing.reference(),
        "action": reverse("events:rule_edit", args=[own.uid]) if own else reverse("events:rule_new"),
        "cancel": reverse("events:rule", args=[own.uid]) if own else reverse("events:rules"),
    }
    return render(request, "rules/editor.html", context)


def _trial_or_404(request: HttpRequest, pk: int) -> Hunt:
    """A trial of the reader's own, as long as they may write rules."""
    require_rule_writer(request)
    hunt: Hunt = get_object_or_404(Hunt, pk=pk, requested_by=request.user.pk)
    return hunt


def _own_trial(request: HttpRequest, pk: str) -> Hunt | None:
    number = _number(pk)
    found: Hunt | None = Hunt.objects.filter(pk=number, requested_by=request.user.pk).first() if number else None
    return found


def _trial_address(hunt: Hunt, version: int | None) -> str:
    address = reverse("events:rule_trial", args=[hunt.pk])
    return address if version is None else f"{address}?version={version}"


def _editor_address(hunt: Hunt, own: OwnRule | None, version: int | None) -> str:
    """Where the text that was tried is changed."""
    if own is None or version is None:
        return f"{reverse('events:rule_new')}?trial={hunt.pk}"
    return f"{reverse('events:rule_edit', args=[own.uid])}?trial={hunt.pk}&version={version}"


def _number(text: str | None) -> int | None:
    """A number from an address; None where it is none, or larger than databases count."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
