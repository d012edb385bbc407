"""Files are called by what is in them, in a way that every system takes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import NexmoAccount
from events.export.names import file_name
from events.filters.form import EventFilter
from events.models import EvidencePack
from tests.tools.export import Login, body

ACCOUNT = NexmoAccount(pk=1, api_key="demo0001", name="Quillfern Parcel")
OTHER = NexmoAccount(pk=2, api_key="demo0002", name="日本")


def name_of(query: str, account: NexmoAccount | None = None) -> str:
    event_filter = EventFilter(QueryDict(query), accounts=[account] if account else [ACCOUNT, OTHER])
    assert event_filter.is_valid(), event_filter.errors
    return file_name(event_filter, account, "csv")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", "all_TODAY"),
        ("source=", "all_TODAY"),
        ("source=CD", "cd_TODAY"),
        ("source=-CD,API", "not-cd_api_TODAY"),
        ("account=demo0001", "quillfern-parcel_TODAY"),
        ("account=demo0002", "demo0002_TODAY"),
        ("account=demo0001,demo0002", "2-accounts_TODAY"),
        ("account=-demo0001", "some-accounts_TODAY"),
        ("search_text=account:demo0001", "quillfern-parcel_TODAY"),
        ("event_type=ACCOUNT_SECRET_*", "account-secret_TODAY"),
        ("user_email=Zoë@Example.com", "zoe-example-com_TODAY"),
        ("source_ip=192.0.2.0/24&source_country=GB", "192-0-2-0-24_gb_TODAY"),
        ("search_text=../../etc", "etc_TODAY"),
        ("search_text=日本", "search_TODAY"),
        ("new=country", "new-country_TODAY"),
        ("date_from=2026-10-01&date_to=2026-10-31", "2026-10-01_2026-10-31"),
        ("date_from=2026-10-01", "2026-10-01_TODAY"),
        ("date_to=2026-10-31&source=CD", "cd_until-2026-10-31"),
        ("account=demo0001&event_type=NUMBER_*&date_from=2026-10-01&date_to=2026-10-01",
         "quillfern-parcel_number_2026-10-01_2026-10-01"),
    ],
)  # fmt: skip
def test_name_says_whose_what_and_when(query: str, named: str) -> None:
    assert name_of(query) == f"auditsite-events_{named.replace('TODAY', str(timezone.localdate()))}.csv"


@pytest.mark.django_db
def test_files_of_one_account_are_called_by_it() -> None:
    assert name_of("source=CD", ACCOUNT) == f"auditsite-events_quillfern-parcel_cd_{timezone.localdate()}.csv"


@pytest.mark.django_db
def test_days_are_those_of_the_readers_calendar() -> None:
    with timezone.override("Asia/Tokyo"):
        assert name_of("date_from=2026-10-01&date_to=2026-10-02").endswith("_2026-10-01_2026-10-02.csv")


@pytest.mark.django_db
def test_of_many_conditions_as_many_are_named_as_fit() -> None:
    many = ",".join(f"SOURCE{number:02}" for number in range(30))

    name = name_of(f"source={many}&date_from=2026-10-01&date_to=2026-10-31")

    assert name.startswith("auditsite-events_source00_source01_")
    assert name.endswith("_and-more_2026-10-01_2026-10-31.csv")
    assert len(name) < 120


@pytest.mark.django_db
def test_the_longest_name_is_one_that_evidence_packs_may_have() -> None:
    query = QueryDict(f"source=-{'x' * 30},{'y' * 11},z&date_from=2026-10-01&date_to=2026-10-31")
    longest = NexmoAccount(pk=1, api_key="demo0001", name="n" * 80)
    event_filter = EventFilter(query, accounts=[longest])
    assert event_filter.is_valid(), event_filter.errors

    name = file_name(event_filter, longest, "zip", holds="evidence")

    assert name.startswith(f"auditsite-evidence_{'n' * 24}_")
    assert name.endswith("_and-more_2026-10-01_2026-10-31.zip")
    assert len(name) == 119 < (EvidencePack._meta.get_field("name").max_length or 0)


@pytest.mark.django_db
@given(text=st.text(min_size=1, max_size=60))
def test_any_text_makes_a_safe_name(text: str) -> None:
    query = QueryDict(mutable=True)
    query["source"] = text
    event_filter = EventFilter(query, accounts=[NexmoAccount(pk=1, api_key="demo0001", name=text)])
    if not event_filter.is_valid():
        return

    for account in (None, *event_filter.accounts.values()):
        assert re.fullmatch(r"auditsite-events(_[a-z0-9-]+)+\.xlsx", file_name(event_filter, account, "xlsx"))


def test_the_answer_carries_the_name(login: Login, cast: dict[str, Any]) -> None:
    response = login("alice").get("/events/export.csv?source=CD&date_from=2026-10-01&date_to=2026-10-31")
    body(response)

    assert response["Content-Disposition"] == ('attachment; filename="auditsite-events_cd_2026-10-01_2026-10-31.csv"')
