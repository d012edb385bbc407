"""A finding over several accounts shows each reader the part of his own accounts, without a hint of the rest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group

from accounts.models import NexmoAccount
from accounts.roles import RESPONDERS
from events.detection.findings import triage, writing
from events.detection.findings.sight import Sight
from events.models import Finding, FindingChange, Suppression
from tests.conftest import NOON
from tests.tools.findings import RULE, make_finding, set_parts, version_of
from tests.tools.pages import text_of
from tests.tools.scope import CAST, SEES, Add, Login

HIDDEN = ("Tannelhof", "demo0003", "intruder@tannelhof.example", "198.51.100.77", "447700900333", "charlie")


@pytest.fixture
def accounts(cast: dict[str, Any]) -> dict[str, NexmoAccount]:
    return {account.api_key: account for account in NexmoAccount.objects.all()}


@pytest.fixture
def finding(cast: dict[str, Any], accounts: dict[str, NexmoAccount], add_event: Add) -> Finding:
    """One event of Alice's account, then two of Charlie's; Charlie handles it and speaks of his account."""
    foreign = {
        "user_email": "intruder@tannelhof.example",
        "source_ip": "198.51.100.77",
        "context": {"msisdn": "447700900333"},
    }
    events = [
        add_event(accounts["demo0001"], 1),
        add_event(accounts["demo0003"], 2, id="foreign-2", **foreign),
        add_event(accounts["demo0003"], 3, id="foreign-3", **foreign),
    ]
    made = make_finding(
        events,
        group={"source_country": "GB"},
        details={"accounts": "Tannelhof Reisen, Quillfern Parcel"},
        found_at=NOON + timedelta(hours=1),
        joined_at={accounts["demo0001"]: NOON + timedelta(hours=5)},
        steps=["login", "number", "number"],
    )
    theirs = made.parts.filter(account=accounts["demo0003"])
    theirs.update(assigned_to=cast["charlie"], state="acknowledged", acknowledged_at=NOON + timedelta(hours=2))
    writing.settle([made.pk])
    FindingChange.objects.create(
        finding=made, at=NOON, action="extended", details="Tannelhof", accounts=[accounts["demo0003"].pk]
    )
    for action, details, note in (
        ("assigned", "charlie", ""),
        ("noted", "", "Tannelhof Reisen called"),
        ("acknowledged", "", "see Tannelhof"),
    ):
        FindingChange.objects.create(
            finding=made,
            at=NOON + timedelta(hours=2),
            by=cast["charlie"],
            by_name="charlie",
            action=action,
            details=details,
            note=note,
            accounts=[accounts["demo0003"].pk],
        )
    return made


def statuses(login: Login, path: str) -> dict[str, int]:
    return {person: login(person).get(path).status_code for person in CAST}


def test_finding_is_404_to_who_sees_none_of_its_accounts(login: Login, accounts: dict[str, NexmoAccount]) -> None:
    made = make_finding(accounts=[accounts["demo0002"], accounts["demo0004"]])

    answers = statuses(login, f"/findings/{made.pk}/")

    assert answers == {"nobody": 302, "alice": 200, "bob": 404, "charlie": 404, "audrey": 200, "admin": 200}


def test_form_of_suppressing_is_for_those_who_may(login: Login, accounts: dict[str, NexmoAccount]) -> None:
    made = make_finding(accounts=[accounts["demo0001"]])

    answers = statuses(login, f"/findings/{made.pk}/suppress")

    assert answers == {"nobody": 302, "alice": 200, "bob": 403, "charlie": 404, "audrey": 403, "admin": 200}


@pytest.mark.parametrize("person", CAST[1:])
def test_inbox_lists_the_findings_of_visible_accounts(
    login: Login, accounts: dict[str, NexmoAccount], person: str
) -> None:
    made = {key: make_finding(accounts=[account], title=f"In {key}") for key, account in accounts.items()}

    page = login(person).get("/findings/").content.decode()

    shown = {key for key, it in made.items() if f'data-finding="{it.pk}"' in page}
    assert shown == set(SEES[person])
    assert {key for key in made if f"In {key}" in page} == set(SEES[person])
    assert f'<strong id="count">{len(shown)}</strong>' in page
    assert f'title="open findings">{len(shown)}</span>' in page


@pytest.mark.parametrize("path", ["/findings/", "/findings/{}/", "/accounts/", "/events/", "/findings/?assignee=none"])
def test_part_tells_nothing_of_the_rest(login: Login, finding: Finding, path: str) -> None:
    page = login("alice").get(path.format(finding.pk))

    assert page.status_code == 200
    assert [word for word in HIDDEN if word in page.content.decode()] == []
    assert "API secret created at an unusual hour" in page.content.decode()


def test_part_is_told_with_its_own_times_counts_and_history(login: Login, finding: Finding) -> None:
    words = text_of(login("alice").get(f"/findings/{finding.pk}/"))

    assert "yourname@example.com from 192.0.2.1 in Quillfern Parcel" in words
    assert "within" not in words.partition("Why it matters")[0]  # one event
    assert "Found 2026-03-15 17:00:00" in words  # when its account joined, not when others had it
    assert "2026-03-15 13:00:00" not in words
    history = words.partition("History")[2].partition("Similar")[0]
    assert "Acknowledged" not in history
    assert "Events added" not in history
    assert "Note added" not in history
    assert "Assigned" not in history


@pytest.mark.parametrize("person", ["charlie", "audrey", "admin"])
def test_who_sees_what_the_author_saw_reads_the_note(login: Login, finding: Finding, person: str) -> None:
    words = text_of(login(person).get(f"/findings/{finding.pk}/"))

    assert "Tannelhof Reisen called" in words
    assert "charlie" in words


def test_name_of_somebody_who_sees_the_readers_account_is_told(
    login: Login, finding: Finding, cast: dict[str, Any]
) -> None:
    triage.act(
        Sight.of(cast["admin"]),
        triage.Deed(FindingChange.Action.RESOLVED, resolution="true", note="Tannelhof first"),
        {finding.pk: version_of(finding)},
    )

    history = text_of(login("alice").get(f"/findings/{finding.pk}/")).partition("History")[2]

    assert "Resolved True positive · admin" in history
    assert "Tannelhof" not in history


def test_assignee_whom_the_reader_cannot_know_is_nobody(login: Login, finding: Finding, cast: dict[str, Any]) -> None:
    cast["charlie"].groups.add(Group.objects.get(name=RESPONDERS))
    set_parts([finding], state="open")
    row, alice = f'data-finding="{finding.pk}"', login("alice")

    assert row in alice.get("/findings/?assignee=none").content.decode()
    refused = alice.get("/findings/?assignee=charlie")
    assert row not in refused.content.decode()
    assert text_of(refused).count("“charlie” is not one of the choices.") > 0
    assert row in login("audrey").get("/findings/?assignee=charlie").content.decode()


def test_hidden_part_does_not_move_a_finding_among_the_readers_pages(
    login: Login, finding: Finding, accounts: dict[str, NexmoAccount]
) -> None:
    between = make_finding(accounts=[accounts["demo0001"]], found_at=NOON + timedelta(hours=3))

    def order(person: str) -> list[int]:
        page = login(person).get("/findings/").content.decode()
        places = {pk: page.index(f'data-finding="{pk}"') for pk in (finding.pk, between.pk)}
        return sorted(places, key=places.__getitem__)

    assert order("alice") == [finding.pk, between.pk]  # it came to her account after the other
    assert order("audrey") == [between.pk, finding.pk]


def test_similar_ones_are_of_visible_accounts(login: Login, accounts: dict[str, NexmoAccount]) -> None:
    hidden = make_finding(accounts=[accounts["demo0003"]], found_at=NOON)
    visible = make_finding(accounts=[accounts["demo0002"]], found_at=NOON + timedelta(hours=1))
    latest = make_finding(accounts=[accounts["demo0001"]], found_at=NOON + timedelta(hours=2))

    page = login("alice").get(f"/findings/{latest.pk}/").content.decode()

    assert f'href="/findings/{visible.pk}/"' in page
    assert f'href="/findings/{hidden.pk}/"' not in page
    assert f'href="/findings/{visible.pk}/"' not in login("bob").get(f"/findings/{latest.pk}/").content.decode()


@pytest.mark.parametrize(
    ("person", "status"), [("nobody", 302), ("bob", 403), ("audrey", 403), ("charlie", 403), ("alice", 302)]
)
def test_handling_is_a_permission(login: Login, accounts: dict[str, NexmoAccount], person: str, status: int) -> None:
    made = make_finding(accounts=[accounts["demo0001"]])
    sent = {"finding": f"{made.pk}.{version_of(made)}", "deed": "acknowledge"}

    answer = login(person).post("/findings/triage", sent)

    assert answer.status_code == status
    made.refresh_from_db()
    assert made.state == ("acknowledged" if person == "alice" else "open")


def test_hidden_finding_is_404_to_who_handles_others(login: Login, accounts: dict[str, NexmoAccount]) -> None:
    made = make_finding(accounts=[accounts["demo0003"]])
    sent = {"finding": f"{made.pk}.{version_of(made)}", "deed": "acknowledge"}

    assert login("alice").post("/findings/triage", sent).status_code == 404
    made.refresh_from_db()
    assert made.state == "open"


def test_responders_handle_findings_and_manage_nothing_else(
    login: Login, cast: dict[str, Any], accounts: dict[str, NexmoAccount]
) -> None:
    cast["bob"].groups.add(Group.objects.get(name=RESPONDERS))
    made = make_finding(accounts=[accounts["demo0001"]])
    bob = login("bob")

    assert 'name="deed"' in bob.get(f"/findings/{made.pk}/").content.decode()
    bob.post("/findings/triage", {"finding": f"{made.pk}.{version_of(made)}", "deed": "resolve:benign"})
    made.refresh_from_db()
    assert (made.state, made.resolution) == ("resolved", "benign")
    assert bob.get("/accounts/new").status_code == 403
    assert bob.get("/admin/").status_code == 302


@pytest.mark.parametrize("person", ["bob", "audrey"])
def test_readers_see_no_forms(login: Login, accounts: dict[str, NexmoAccount], person: str) -> None:
    made = make_finding(accounts=[accounts["demo0001"]])

    for path in ("/findings/", f"/findings/{made.pk}/"):
        page = login(person).get(path).content.decode()
        assert 'name="deed"' not in page
        assert 'type="checkbox"' not in page


def test_suppressions_are_told_to_who_sees_their_account(
    login: Login, cast: dict[str, Any], accounts: dict[str, NexmoAccount]
) -> None:
    of = {key: accounts.get(key) for key in ("demo0001", "demo0003", "all")}
    made = {
        key: Suppression.objects.create(
            rule=RULE, account=account, fields={"user_email": f"{key}@example.com"}, created_at=NOON
        )
        for key, account in of.items()
    }

    def shown(person: str) -> set[str]:
        page = login(person).get("/findings/suppressions/").content.decode()
        return {key for key in made if f"{key}@example.com" in page}

    assert shown("alice") == shown("bob") == {"demo0001"}
    assert shown("audrey") == {"demo0001", "demo0003", "all"}
    assert login("alice").post(f"/findings/suppressions/{made['demo0003'].pk}/end").status_code == 404
    assert login("bob").post(f"/findings/suppressions/{made['demo0001'].pk}/end").status_code == 403
    assert login("alice").post(f"/findings/suppressions/{made['demo0001'].pk}/end").status_code == 302
    assert Suppression.objects.get(pk=made["demo0001"].pk).expires_at is not None
    assert Suppression.objects.get(pk=made["demo0003"].pk).expires_at is None


def test_note_is_not_told_when_the_finding_has_lost_what_its_author_saw(
    login: Login, cast: dict[str, Any], accounts: dict[str, NexmoAccount]
) -> None:
    made = make_finding(accounts=[accounts["demo0001"], accounts["demo0002"]])
    noted = triage.Deed(FindingChange.Action.NOTED, note="Demo0002 is theirs")
    triage.act(Sight.of(cast["alice"]), noted, {made.pk: version_of(made)})
    made.parts.filter(account=accounts["demo0002"]).delete()  # late events took its events out

    shown = {
        person: "Demo0002 is theirs" in login(person).get(f"/findings/{made.pk}/").content.decode()
        for person in ("alice", "bob", "audrey")
    }

    assert shown == {"alice": True, "bob": False, "audrey": True}


def test_findings_of_a_deleted_account_alone_are_gone(
    login: Login, cast: dict[str, Any], accounts: dict[str, NexmoAccount]
) -> None:
    mistyped = NexmoAccount.objects.create(owner=cast["alice"], name="Slip", api_key="abcd9999", api_secret="x" * 8)
    make_finding(accounts=[mistyped], title="Sync failing")
    both = make_finding(accounts=[mistyped, accounts["demo0001"]])

    mistyped.delete()

    assert list(Finding.objects.values_list("pk", flat=True)) == [both.pk]
    assert 'title="open findings">1</span>' in login("admin").get("/findings/").content.decode()
