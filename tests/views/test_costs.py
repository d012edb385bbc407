"""How many Python functions each page calls. A feature that raises a number says why in its commit.

A page has its number within a few per cent: Python releases differ in what they call, and a page that became cheaper
gets its new number too. `docs/benchmarks.md` has the times.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest
from django.template import Context
from django.template.base import Template
from django.test.utils import _TestState
from django.utils import timezone

from accounts.models import NexmoAccount
from events.models import AuditEvent
from events.sync import coverage
from tests.conftest import event_json
from tests.tools.calls import python_calls
from tests.tools.export import add_many
from tests.tools.findings import make_finding
from tests.tools.pages import Login, finished
from tests.tools.services import only_sqlite

# For Alice, who sees two of five accounts with 60 events each; a page of 50. The entry of the access log takes 190.
CALLS = {
    # Order, the day where it changes, a head for paper, the control for time; marks of findings; activity is noted
    "/events/": 8_050,
    "/events/?source=CD&event_type=NUMBER_UPDATED": 12_100,  # whether to tell of a second factor, on every page: 18
    "/accounts/demo0001/events/": 8_100,  # the link to streams, for those who may have them; signing off; activity
    "/accounts/demo0001/events/{event}/": 21_500,  # whether it is its user's first from its country; its sessions
    "/events/summary": 24_250,
    "/about/user/yourname@example.com": 40_000,  # its chart has up to 64 bars, from first to last seen
    "/views/": 10_950,  # the number of open findings; alerts, reports; scheduled reviews
    "/reports/": 8_500,
    "/reviews/": 15_450,
    "/reviews/new": 10_270,
    "/accounts/": 17_850,
    "/accounts/demo0001/": 63_850,  # each of its 371 days has a shade; changes of its retention: a query, 1,300
    "/findings/": 26_250,  # its form has nine fields and a menu of what to do, each drawn by Django itself
    "/findings/{finding}/": 19_050,
}


@pytest.fixture(autouse=True)
def _as_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates render as they do outside of tests, without telling the test client of each."""
    monkeypatch.setattr(Template, "_render", _TestState.saved_data.template_render)


@only_sqlite  # the adapters of databases call different functions
@pytest.mark.parametrize("path", CALLS)
def test_page_takes_its_calls(login: Login, cast: dict[str, Any], path: str) -> None:
    for account in NexmoAccount.objects.all():
        add_many(account, range(60))
        finished(account)
        coverage.add(account, None, timezone.now())
    events = list(AuditEvent.objects.filter(account__api_key="demo0001").select_related("account")[:8])
    made = [make_finding(events[at % 4 : at % 4 + 4]) for at in range(60)] if "findings" in path else []
    alice = login("alice")
    address = path.format(event=event_json(0)["id"], finding=made[-1].pk if made else 0)
    for _ in range(3):  # what is kept in this process is there by then
        assert alice.get(address).status_code == 200

    taken = python_calls(lambda: alice.get(address))

    assert taken <= CALLS[path] * 1.02
    if sys.version_info < (3, 12):  # later ones call no function for a comprehension
        assert taken >= CALLS[path] * 0.95


@pytest.mark.parametrize("path", ["/events/", "/events/?source=CD", "/findings/", "/views/", "/reports/"])
def test_templates_look_for_no_attribute_in_vain(
    login: Login, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """For each that there is not, Django lists all that there are: of a request or a person that takes longer than most
    of a page's parts, and no call of a Python function shows it."""
    sought: list[str] = []

    def listed(value: Any) -> list[str]:
        sought.append(type(value).__name__)
        return dir(value)

    monkeypatch.setattr("django.template.base.dir", listed, raising=False)
    add_many(NexmoAccount.objects.get(api_key="demo0001"), range(5))

    assert login("alice").get(path).status_code == 200
    assert sought == []

    Template("{{ thing.lacking }}").render(Context({"thing": object()}))
    assert sought == ["object"], "Django looks for attributes in another way: this test sees nothing any more"
