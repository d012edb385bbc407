"""The inbox, one finding, and the forms of both."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount, Profile
from events.detection.findings.inbox_table import short_names
from events.models import Finding, FindingAccount, FindingChange, Suppression
from tests.conftest import NOON
from tests.tools.findings import OTHER_RULE, RULE, make_finding, set_parts, version_of
from tests.tools.pages import Add, Login, text_of, violations


def numbers(page: Any) -> list[int]:
    return [int(found) for found in re.findall(r'data-finding="(\d+)"', page.content.decode())]


def sent(finding: Finding, **fields: str) -> dict[str, str]:
    finding.refresh_from_db()
    return {"finding": f"{finding.pk}.{version_of(finding)}"} | fields


def messages_of(page: Any) -> str:
    found = re.search(r'<ul class="messages".*?</ul>', page.content.decode(), re.DOTALL)
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", found[0])).split()) if found else ""


@pytest.fixture
def second(cast: dict[str, Any]) -> NexmoAccount:
    found: NexmoAccount = NexmoAccount.objects.get(api_key="demo0002")
    return found


@pytest.fixture
def various(account: NexmoAccount, second: NexmoAccount, cast: dict[str, Any]) -> dict[str, Finding]:
    """One of each kind, the last the newest."""
    kinds: dict[str, dict[str, Any]] = {
        "plain": {},
        "critical": {"severity": 4},
        "low": {"severity": 1},
        "second": {"accounts": [second]},
        "other rule": {"rule": OTHER_RULE, "title": "Allow list opened to 100%"},
        "acknowledged": {"state": "acknowledged"},
        "resolved": {"state": "resolved"},
        "suppressed": {"state": "suppressed"},
        "withdrawn": {"state": "withdrawn"},
        "mine": {},
    }
    made = {
        name: make_finding(**({"accounts": [account], "found_at": NOON + timedelta(days=at)} | fields))
        for at, (name, fields) in enumerate(kinds.items())
    }
    set_parts([made["mine"]], assigned_to=cast["alice"])
    return made


UNFINISHED = {"plain", "critical", "low", "second", "other rule", "acknowledged", "mine"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", UNFINISHED),
        ("?state=all", UNFINISHED | {"resolved", "suppressed", "withdrawn"}),
        ("?state=acknowledged", {"acknowledged"}),
        ("?state=resolved,suppressed", {"resolved", "suppressed"}),
        ("?state=resolved&state=withdrawn", {"resolved", "withdrawn"}),
        ("?severity=critical", {"critical"}),
        ("?severity=low,critical", {"low", "critical"}),
        ("?account=demo0002", {"second"}),
        ("?account=demo0001,demo0002&severity=critical", {"critical"}),
        (f"?rule={OTHER_RULE}", {"other rule"}),
        (f"?rule={OTHER_RULE.upper()}", {"other rule"}),
        ("?assignee=me", {"mine"}),
        ("?assignee=alice", {"mine"}),
        ("?assignee=none&severity=high", {"plain", "second", "other rule", "acknowledged"}),
        ("?q=ALLOW LIST", {"other rule"}),
        ("?q=100%25", {"other rule"}),
        ("?q=10_%25", set()),
        ("?date_from=2026-03-22&state=all", {"suppressed", "withdrawn", "mine"}),
        ("?date_from=2026-03-16&date_to=2026-03-16", {"critical"}),
        ("?period=24h", set()),
    ],
)
def test_filter_finds(client: Client, various: dict[str, Finding], query: str, expected: set[str]) -> None:
    page = client.get(f"/findings/{query}")

    by_pk = {finding.pk: name for name, finding in various.items()}
    found = numbers(page)
    assert {by_pk[pk] for pk in found} == expected
    assert found == sorted(found, reverse=True)
    if expected:
        assert f'<strong id="count">{len(expected)}</strong>' in page.content.decode()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?severity=dreadful", "“dreadful” is not one of the choices."),
        ("?state=open,odd", "“odd” is not one of the choices."),
        ("?account=demo0003", "No account demo0003 is visible to you."),
        ("?assignee=charlie", "“charlie” is not one of the choices."),
        ("?rule=%3Cb%3E", "“<b>” is not one of the choices."),
        ("?period=soon", "There is no period “soon”."),
        ("?date_from=x", "Enter a date such as"),
        ("?date_from=2026-03-20&date_to=2026-03-01", "This is before the start"),
    ],
)
def test_wrong_value_shows_its_error_and_no_rows(
    client: Client, various: dict[str, Finding], query: str, sentence: str
) -> None:
    page = client.get(f"/findings/{query}")

    assert numbers(page) == []
    assert 'data-state="invalid"' in page.content.decode()
    assert text_of(page).count(sentence) >= 2  # beside its field, and in place of the table


def test_name_that_nobody_reads_is_told(client: Client, various: dict[str, Finding]) -> None:
    words = text_of(client.get("/findings/?severty=high"))

    assert "There is no filter “severty”; did you mean “severity”?" in words


@pytest.mark.parametrize(
    ("person", "query", "state"),
    [
        ("alice", "", "nothing-open"),
        ("alice", "?severity=low", "no-match"),
        ("alice", "?before=1.1", "past-the-end"),
    ],
)
def test_empty_inbox_says_what_to_do(login: Login, cast: dict[str, Any], person: str, query: str, state: str) -> None:
    page = login(person).get(f"/findings/{query}").content.decode()

    assert f'data-state="{state}"' in page
    assert '<a class="button"' in page.partition('id="empty"')[2]


def test_reader_without_accounts_is_told_whom_to_ask(login: Login, cast: dict[str, Any]) -> None:
    NexmoAccount.objects.get(api_key="demo0003").delete()

    assert "Ask the owner of a Nexmo account" in text_of(login("charlie").get("/findings/"))


def test_pages_lead_on_and_back(client: Client, account: NexmoAccount) -> None:
    made = [make_finding(accounts=[account], found_at=NOON + timedelta(minutes=at)).pk for at in range(5)]

    def link(page: Any, rel: str) -> str:
        return html.unescape(re.findall(rf'rel="{rel}" href="([^"]*)"', page.content.decode())[0])

    first = client.get("/findings/?size=2&state=all")
    second = client.get("/findings/" + link(first, "next"))
    last = client.get("/findings/" + link(second, "next"))
    back = client.get("/findings/" + link(last, "prev"))

    assert [numbers(page) for page in (first, second, last, back)] == [
        [made[4], made[3]],
        [made[2], made[1]],
        [made[0]],
        [made[2], made[1]],
    ]


def test_inbox_takes_as_many_queries_for_many_as_for_few(client: Client, account: NexmoAccount) -> None:
    def queries() -> int:
        caches["local"].clear()
        with CaptureQueriesContext(connection) as taken:
            assert client.get("/findings/?size=100").status_code == 200
        return len(taken)

    client.get("/findings/")
    make_finding(accounts=[account])
    few = queries()
    for _ in range(20):
        make_finding(accounts=[account])

    assert queries() == few == 13  # one of them writes the entry of the access log


def test_finding_takes_as_many_queries_for_many_events_as_for_two(
    client: Client, account: NexmoAccount, add_event: Add
) -> None:
    def queries(finding: Finding) -> int:
        caches["local"].clear()
        with CaptureQueriesContext(connection) as taken:
            assert client.get(f"/findings/{finding.pk}/").status_code == 200
        return len(taken)

    events = [add_event(account, number) for number in range(1, 25)]
    few, many = make_finding(events[:2]), make_finding(events, rule=OTHER_RULE)
    queries(few)

    assert queries(few) == queries(many)


def test_one_finding_tells_what_where_who_and_when(client: Client, account: NexmoAccount, add_event: Add) -> None:
    events = [
        add_event(account, 1, event_type="USER_LOGIN", context=None),
        add_event(account, 3, event_type="ACCOUNT_SECRET_CREATE", context={"secretId": "s-1"}),
        add_event(account, 6, event_type="ACCOUNT_SECRET_CREATE", context={"secretId": "s-1"}),
    ]
    finding = make_finding(events, steps=["login", "secret", "secret"], details={"seen_before": ["DE"], "empty": None})

    page = client.get(f"/findings/{finding.pk}/")
    words, text = text_of(page), page.content.decode()

    assert (
        "yourname@example.com from 192.0.2.1 in Quillfern Parcel: logged in to the dashboard; "
        "created an API secret s-1 (× 2). 3 events within 5 min." in words
    )
    assert 'What it was compared with seen before: ["DE"] ' in words
    assert "empty" not in words.partition("What it was compared with")[2].partition("Triage")[0]
    assert [f'data-event-id="{event.event_id}"' in text for event in events] == [True] * 3
    assert '<span class="step" title="login">login</span>' in text
    assert "+ 2 min" in words
    for address in ("/about/user/yourname@example.com", "/about/ip/192.0.2.1"):
        assert f'href="{address}"' in text
    assert violations(page) == []


def test_steps_of_a_rule_are_called_by_their_titles_in_the_readers_language(
    cast: dict[str, Any], client: Client, account: NexmoAccount, add_event: Add
) -> None:
    events = [add_event(account, number) for number in (1, 2)]
    uid = "4c0e84b8-b28f-4cea-adce-81e209acdb54"
    finding = make_finding(events, steps=["leaked_key_secret", "gone_since"], rule=uid)
    page = client.get(f"/findings/{finding.pk}/").content.decode()
    assert '<span class="step" title="leaked_key_secret">API secret created</span>' in page
    assert ">gone since</span>" in page

    Profile.objects.update_or_create(user=cast["alice"], defaults={"language": "es"})
    assert ">Secreto de API creado</span>" in client.get(f"/findings/{finding.pk}/").content.decode()
    assert "API usada desde una dirección nunca vista allí; " in client.get(f"/rules/{uid}/").content.decode()


def test_steps_are_told_without_what_they_all_begin_with() -> None:
    assert short_names({"leaked_key_secret", "leaked_key_numbers_abroad"}) == {
        "leaked_key_secret": "secret",
        "leaked_key_numbers_abroad": "numbers abroad",
    }
    assert short_names({"a_b", "a_b_c", "x"}) == {"a_b": "a b", "a_b_c": "a b c", "x": "x"}
    assert short_names({"a_b", "a_b_c"}) == {"a_b": "b", "a_b_c": "c"}
    assert short_names({"only_one"}) == {"only_one": "only one"}
    assert short_names(set()) == {}


def test_one_account_and_one_step_take_no_columns(
    client: Client, account: NexmoAccount, second: NexmoAccount, add_event: Add
) -> None:
    same = [add_event(account, number) for number in (1, 2)]
    page = client.get(f"/findings/{make_finding(same, steps=['one', 'one']).pk}/").content.decode()
    assert 'class="account"' not in page and 'class="step"' not in page

    both = [add_event(account, 3), add_event(second, 4)]
    page = client.get(f"/findings/{make_finding(both, steps=['one', 'two']).pk}/").content.decode()
    assert 'class="account"' in page and 'class="step"' in page


@pytest.mark.parametrize(("days", "told"), [(0, False), (3, True)])
def test_list_tells_when_it_happened_where_that_was_long_before(
    client: Client, account: NexmoAccount, days: int, told: bool
) -> None:
    make_finding(accounts=[account], found_at=NOON + timedelta(days=days))
    page = client.get("/findings/").content.decode()
    assert ("Happened" in page, f'<time datetime="{NOON.date()}">' in page) == (told, told)


def test_amount_in_a_story_holds_no_mark_of_ours(client: Client, account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1, event_type="AUTORELOAD_ENABLE", context={"amount": 2000, "threshold": 1500})
    page = client.get(f"/findings/{make_finding([event]).pk}/", headers={"accept-language": "es"})
    assert "recargar 2 000 cuando quede menos de 1 500" in text_of(page)


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        ({"previous_at": "2026-03-01T10:00:00+00:00"}, "The previous event was at 2026-03-01 10:00:00 UTC."),
        ({"previous": 30, "previous_at": "2026-03-01T10:00:00+00:00"}, "The previous value was 30, set at 2026-03-01"),
        (
            {"previous_country": "DE", "previous_at": "2026-03-01T10:00:00+00:00"},
            "The same user's previous event came from Germany, at 2026-03-01 10:00:00 UTC.",
        ),
        ({"near": 1, "known": 110}, "Of 110 earlier events, 1 were within an hour of that time of day."),
        ({"previous_at": "soon", "other": "<b>"}, "What it was compared with other: <b>"),
    ],
)
def test_what_was_compared_is_told_in_words(
    client: Client, account: NexmoAccount, details: dict[str, Any], sentence: str
) -> None:
    finding = make_finding(accounts=[account], details=details)

    assert sentence in text_of(client.get(f"/findings/{finding.pk}/"))


def test_events_that_are_kept_no_longer_are_named(client: Client, account: NexmoAccount, add_event: Add) -> None:
    finding = make_finding([add_event(account, 1)])
    finding.evidence.update(event=987_654, nexmo_id="gone-1")

    assert "No longer kept, under the retention of their account: gone-1" in text_of(
        client.get(f"/findings/{finding.pk}/")
    )


def test_hostile_texts_are_harmless(client: Client, account: NexmoAccount, add_event: Add) -> None:
    evil = '<script>alert(1)</script>"\u202e'
    finding = make_finding(
        [add_event(account, 1, user_email=f"{evil}@example.com")],
        title=evil,
        group={"host": evil},
        details={evil: evil},
        steps=[evil],
    )
    FindingChange.objects.create(finding=finding, at=NOON, action="noted", by_name=evil, note=evil)

    for path in ("/findings/", f"/findings/{finding.pk}/", "/events/", f"/findings/{finding.pk}/suppress"):
        page = client.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()
        assert "\u202e" not in page.content.decode()


@pytest.mark.parametrize(
    ("deed", "state", "said"),
    [
        ("acknowledge", "acknowledged", "1 finding updated."),
        ("resolve:true", "resolved", "1 finding updated."),
        ("assign:alice", "open", "1 finding updated."),
        ("assign:", "open", "1 finding needed no change."),
        ("reopen", "open", "1 finding needed no change."),
        ("note", "open", "Write a note first."),
        ("assign:charlie", "open", "Choose what to do."),
        ("", "open", "Choose what to do."),
    ],
)
def test_deed_of_the_page_is_done_and_told(
    client: Client, account: NexmoAccount, deed: str, state: str, said: str
) -> None:
    finding = make_finding(accounts=[account])

    page = client.post("/findings/triage", sent(finding, deed=deed, next=f"/findings/{finding.pk}/"), follow=True)

    assert page.redirect_chain == [(f"/findings/{finding.pk}/", 302)]
    assert messages_of(page) == said
    finding.refresh_from_db()
    assert finding.state == state


def test_order_is_switched_and_kept(client: Client, account: NexmoAccount) -> None:
    for severity in (4, 1, 2):
        make_finding(accounts=[account], severity=severity, title=f"Of {severity}")

    newest = client.get("/findings/?state=open").content.decode()
    assert re.findall(r">Of (\d)<", newest) == ["2", "1", "4"]
    (turn,) = re.findall(r'class="order" href="([^"]*)"', newest)
    worst = client.get(f"/findings/{html.unescape(turn)}&size=2").content.decode()
    assert re.findall(r">Of (\d)<", worst) == ["4", "2"]
    assert '<input type="hidden" name="order" value="severity"' in worst
    following = html.unescape(re.findall(r'rel="next" href="([^"]*)"', worst)[0])
    assert re.findall(r">Of (\d)<", client.get(f"/findings/{following}").content.decode()) == ["1"]

    marker = following.partition("before=")[2]
    assert "marker" in text_of(client.get(f"/findings/?before={marker}"))  # of another order
    assert "There is no order “oldest”." in text_of(client.get("/findings/?order=oldest"))


def test_several_are_handled_at_once(client: Client, various: dict[str, Finding]) -> None:
    chosen = [sent(various[name])["finding"] for name in ("plain", "critical", "withdrawn")]

    page = client.post("/findings/triage", {"finding": chosen, "deed": "resolve:benign", "note": "test"}, follow=True)

    assert "2 findings updated." in messages_of(page)
    assert f"#{various['withdrawn'].pk}: It was withdrawn" in messages_of(page)
    assert various["plain"].changes.latest("pk").note == "test"
    assert page.redirect_chain == [("/findings/", 302)]


def test_nothing_chosen_is_told(client: Client, various: dict[str, Finding]) -> None:
    page = client.post("/findings/triage", {"finding": ["x", "1"], "deed": "acknowledge"}, follow=True)

    assert "tick the boxes" in messages_of(page)


def test_answer_leads_to_no_other_site(client: Client, account: NexmoAccount) -> None:
    finding = make_finding(accounts=[account])

    answer = client.post("/findings/triage", sent(finding, deed="acknowledge", next="https://evil.example/"))

    assert answer["Location"] == "/findings/"


def test_number_in_the_navigation_is_each_readers_own(login: Login, account: NexmoAccount) -> None:
    make_finding(accounts=[account])
    badge = 'title="open findings">1</span>'

    assert badge in login("alice").get("/views/").content.decode()
    assert "open findings" not in login("charlie").get("/views/").content.decode()
    for model in (Finding, FindingAccount):
        model.objects.update(state="resolved")
    assert badge in login("alice").get("/views/").content.decode()  # believed for some seconds
    caches["local"].delete(f"open-findings:{login('alice').session['_auth_user_id']}")
    assert "open findings" not in login("alice").get("/views/").content.decode()


def test_many_open_findings_are_99_and_more(client: Client, account: NexmoAccount) -> None:
    for _ in range(101):
        make_finding(accounts=[account])

    assert 'title="open findings">99+</span>' in client.get("/views/").content.decode()


def test_accounts_tell_their_open_findings_by_severity(client: Client, account: NexmoAccount, second: Any) -> None:
    for severity in (4, 1, 1):
        make_finding(accounts=[account], severity=severity)
    make_finding(accounts=[account], severity=4, state="acknowledged")
    make_finding(accounts=[second], severity=2)

    overview, page = client.get("/accounts/"), client.get("/accounts/demo0001/")

    rows = dict(re.findall(r'<tr data-account="(\w+)">(.*?)</tr>', overview.content.decode(), re.DOTALL))
    shown = {key: re.findall(r"</i>(\d+ \w+)</span>", row) for key, row in rows.items()}
    assert shown == {"demo0001": ["1 Critical", "2 Low"], "demo0002": ["1 Medium"]}
    assert "Open findings 1 Critical 2 Low" in text_of(page)
    link = html.unescape(re.findall(r'href="(/findings/\?[^"]*severity=low)"', page.content.decode())[0])
    assert len(numbers(client.get(link))) == 2


def test_worst_open_findings_are_worth_a_look_first(client: Client, account: NexmoAccount, second: Any) -> None:
    made = {
        severity: make_finding(accounts=[account], severity=severity, title=f"Of {severity}") for severity in (3, 4, 2)
    }
    make_finding(accounts=[second], severity=4, state="acknowledged", title="Looked after")

    strip = text_of(client.get("/events/")).partition("Worth a look")[2]

    assert strip.index("Critical: Of 4") < strip.index("High: Of 3")
    assert "Of 2" not in strip
    assert "Looked after" not in strip
    page = client.get("/accounts/demo0002/events/").content.decode()
    assert "Of 4" not in page
    key = re.findall(r'name="key" value="(\w+)"', client.get("/events/").content.decode())[0]
    client.post("/events/worth-a-look/dismiss", {"key": key, "next": "/events/"})
    assert f'href="/findings/{made[4].pk}/"' not in client.get("/events/").content.decode()


@pytest.mark.parametrize(
    "path", ["/events/", "/accounts/demo0001/events/", "/about/user/yourname@example.com", "/session/ip/192.0.2.1"]
)
def test_events_that_led_to_findings_are_marked(
    client: Client, account: NexmoAccount, add_event: Add, path: str
) -> None:
    events = [add_event(account, number) for number in range(1, 5)]
    low, worst = make_finding(events[:2], severity=1), make_finding(events[1:2], severity=3)
    make_finding(events[2:3], state="withdrawn")
    make_finding(events[2:3], state="suppressed")

    rows = re.findall(r'<tr data-event-id="([^"]*)".*?</tr>', client.get(path).content.decode(), re.DOTALL)
    page = client.get(path).content.decode()
    marks = {
        event: re.findall(r'class="mark [^"]*" href="/findings/(\d+)/"', row)
        for event, row in re.findall(r'<tr data-event-id="([^"]*)"(.*?)</tr>', page, re.DOTALL)
    }

    assert len(rows) == 4
    assert {event: [int(number) for number in its] for event, its in marks.items()} == {
        events[0].event_id: [low.pk],
        events[1].event_id: [worst.pk],
        events[2].event_id: [],
        events[3].event_id: [],
    }
    assert "high: API secret created at an unusual hour" in page


def test_events_page_names_its_findings_the_worst_first(client: Client, account: NexmoAccount, add_event: Add) -> None:
    event = add_event(account, 1)
    finding = make_finding([event], state="resolved", severity=4)
    newest = make_finding([event], severity=2)
    make_finding([event], state="withdrawn", title="Withdrawn one")

    words = text_of(client.get(event.get_absolute_url()))

    assert f"Part of finding #{finding.pk}: API secret created at an unusual hour Resolved" in words
    assert words.index(f"finding #{finding.pk}") < words.index(f"finding #{newest.pk}")
    assert "Withdrawn one" not in words


def test_suppressing_shows_first_what_it_covers(client: Client, account: NexmoAccount, add_event: Add) -> None:
    events = [add_event(account, 1), add_event(account, 2)]
    finding, like = make_finding(events[:1]), make_finding(events[1:])
    path = f"/findings/{finding.pk}/suppress"
    form = {"fields_": ["user_email"], "account": "demo0001", "span": "7", "reason": "a test"}
    offered = text_of(client.get(path))
    assert "Country: United Kingdom" in offered and "Source: Dashboard" in offered

    blind = client.post(path, form | {"save": "1", "version": version_of(finding)})
    assert not Suppression.objects.exists()
    assert "It covers 2 existing findings" in text_of(blind)
    shown = re.findall(r'name="shown" value="(\w+)"', blind.content.decode())[0]
    version = re.findall(r'name="version" value="(\w+)"', blind.content.decode())[0]

    changed = client.post(path, form | {"save": "1", "shown": shown, "version": version, "span": "90"})
    assert not Suppression.objects.exists()  # something else than what was shown
    assert changed.status_code == 200

    client.post(path, form | {"save": "1", "shown": shown, "version": version})
    made = Suppression.objects.get()
    assert (made.fields, made.account, made.created_by.username, made.reason) == (
        {"user_email": "yourname@example.com"},
        account,
        "alice",
        "a test",
    )
    assert set(Finding.objects.values_list("pk", "state")) == {(finding.pk, "suppressed"), (like.pk, "suppressed")}
    page = text_of(client.get("/findings/suppressions/"))
    assert "User: yourname@example.com Quillfern Parcel" in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"fields_": []}, "Choose one to three values."),
        ({"fields_": ["user_email", "source_ip", "source", "source_country"]}, "Choose one to three values."),
        ({"fields_": ["raw"]}, "not one of the available choices"),
        ({"account": "all"}, "not one of the available choices"),  # for who sees all
        ({"account": "demo0003"}, "not one of the available choices"),
        ({"span": "window"}, "Say when it ends."),
        ({"span": "window", "starts_at": "2026-03-02", "expires_at": "2026-03-01"}, "This is before the start"),
    ],
    ids=str,
)
def test_suppression_that_cannot_be_meant_is_refused(
    client: Client, account: NexmoAccount, add_event: Add, fields: dict[str, Any], sentence: str
) -> None:
    finding = make_finding([add_event(account, 1)])
    form = {"fields_": ["user_email"], "account": "demo0001", "span": "7"} | fields

    page = client.post(f"/findings/{finding.pk}/suppress", form)

    assert sentence in text_of(page)
    assert not Suppression.objects.exists()


def test_window_of_a_suppression_is_of_the_events_times(client: Client, account: NexmoAccount, add_event: Add) -> None:
    finding = make_finding([add_event(account, 1)])
    path = f"/findings/{finding.pk}/suppress"
    form = {"fields_": ["user_email"], "account": "demo0001", "span": "window", "expires_at": "2026-03-20"}
    shown = re.findall(r'name="shown" value="(\w+)"', client.post(path, form).content.decode())[0]

    client.post(path, form | {"save": "1", "shown": shown, "version": version_of(finding)})

    made = Suppression.objects.get()
    assert made.starts_at is None
    assert f"{made.expires_at:%Y-%m-%d %H:%M}" == "2026-03-20 23:59"


def test_rule_of_findings_is_listed_with_similar_ones(client: Client, account: NexmoAccount) -> None:
    old = make_finding(accounts=[account], found_at=NOON, state="resolved")
    make_finding(accounts=[account], found_at=NOON, group={"user_email": "other@example.com"})
    new = make_finding(accounts=[account], group={"user_email": "YOURNAME@example.com"})

    page = client.get(f"/findings/{new.pk}/").content.decode()

    similar = page.partition('id="similar"')[2]
    assert re.findall(r'href="/findings/(\d+)/"', similar) == [str(old.pk)]
    assert f"?state=all&amp;rule={RULE}" in similar
