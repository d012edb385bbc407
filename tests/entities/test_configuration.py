"""How a number or an application is set up at a moment, folded from its events."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.entities.configuration import Configuration, configuration
from events.entities.entity import Entity, entity
from events.reading import Row
from events.wording.changes import Change

NUMBER, APP, OTHER = "447700900000", "11111111-2222-4333-a444-555555555555", "99999999-2222-4333-a444-555555555555"
START = datetime(2026, 3, 1, tzinfo=UTC)


def of(slug: str, value: str) -> Entity:
    found = entity(slug, value)
    assert found
    return found


def story(*told: tuple[str, Any]) -> list[Row]:
    """Rows, newest first, one a day from START on."""
    rows = [
        Row(
            pk=day, account_id=1, event_id=f"e{day}", event_type=code, event_type_description="", created_at=at,
            created_at_basis="UTC", user_email="", user_id="", source="CD", source_description="", source_ip="",
            source_country="", context=json.dumps(context), odd_fields="",
        )
        for day, (code, context) in enumerate(told)
        for at in [START + timedelta(days=day)]
    ]  # fmt: skip
    return rows[::-1]


def shown(found: Configuration) -> dict[str, tuple[str, ...]]:
    return {str(setting.label): setting.values for setting in found.settings}


def set_by(found: Configuration) -> dict[str, int]:
    return {str(setting.label): setting.row.pk for setting in found.settings}


LINK = {"country": "GB", "account": "demo0001", "msisdn": NUMBER, "applicationId": APP}
NUMBERS_STORY = story(
    ("NUMBER_ASSIGN", {"country": "GB", "msisdn": NUMBER}),
    ("NUMBER_LINKED", LINK),
    ("NUMBER_UPDATED", {"country": "GB", "msisdn": NUMBER, "voice-type": "app", "voice-value": APP}),
    ("NUMBER_UPDATED", {"msisdn": "447700900001", "voice-type": "tel", "voice-value": NUMBER}),
    ("NUMBER_UNLINKED", LINK),
    ("number_updated", {"msisdn": f"+{NUMBER}", "http": "https://u:p@example.com/in?token=s3cret"}),
    ("NUMBER_USER_CANCELED", {"country": "GB", "msisdn": NUMBER}),
    ("NUMBER_ASSIGN", {"country": "GB", "msisdn": NUMBER}),
)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (-1, {}),
        (0, {"Status": ("bought",), "Country": ("GB",)}),
        (1, {"Status": ("bought",), "Country": ("GB",), "Application": (APP,)}),
        (
            3,
            {
                "Status": ("bought",),
                "Country": ("GB",),
                "Application": (APP,),
                "Calls routed by": ("app",),
                "Calls routed to": (APP,),
            },
        ),
        (
            5,
            {
                "Status": ("bought",),
                "Country": ("GB",),
                "Application": (),
                "Calls routed by": ("app",),
                "Calls routed to": (APP,),
                "SMS webhook": ("https://•••@example.com/in?token=•••",),
            },
        ),
        (6, {"Status": ("cancelled",)}),
        (7, {"Status": ("bought",), "Country": ("GB",)}),
    ],
)
def test_number_at_a_moment(day: int, expected: dict[str, tuple[str, ...]]) -> None:
    found = configuration(of("number", NUMBER), NUMBERS_STORY, START + timedelta(days=day, hours=1))

    assert shown(found) == expected
    assert found.has_ended == (day == 6)


def test_setting_names_the_event_that_set_it() -> None:
    found = configuration(of("number", NUMBER), NUMBERS_STORY[2:])

    assert set_by(found) == {
        "Status": 0,
        "Country": 0,  # later events only repeat it
        "Application": 4,
        "Calls routed by": 2,
        "Calls routed to": 2,
        "SMS webhook": 5,
    }


@pytest.mark.parametrize(
    ("slug", "value", "told"),
    [
        ("number", NUMBER, ("NUMBER_ASSIGN", {"msisdn": "447700900999", "voice-type": "tel", "voice-value": NUMBER})),
        ("application", APP, ("NUMBER_RELEASE", {"msisdn": NUMBER, "voice-type": "app", "voice-value": APP})),
        ("number", NUMBER, ("NUMBER_RELEASE", {"msisdn": "447700900999", "voice-value": NUMBER})),
    ],
)
def test_beginning_or_end_of_another_wipes_nothing(slug: str, value: str, told: tuple[str, Any]) -> None:
    beginning = {
        "number": ("NUMBER_ASSIGN", {"country": "GB", "msisdn": NUMBER}),
        "application": ("APP_CREATE", {"applicationId": APP, "name": "Shop"}),
    }[slug]

    alone = shown(configuration(of(slug, value), story(beginning)))

    assert alone
    assert shown(configuration(of(slug, value), story(beginning, told))) == alone


def test_each_event_shows_what_it_changed() -> None:
    steps = configuration(of("number", NUMBER), NUMBERS_STORY, START).steps

    assert steps[1] == [Change("Application", None, APP)]
    assert steps[3] == []  # another number's calls came to it
    assert steps[4] == [Change("Application", APP, "none")]
    assert steps[6] == [Change("Status", "bought", "cancelled")]


APPS_STORY = story(
    (
        "APP_CREATE",
        {"appId": APP, "created": {"accountId": "x", "appId": APP, "name": "Shop", "answer_url": {"method": "GET"}}},
    ),
    ("NUMBER_LINKED", LINK),
    ("NUMBER_LINKED", LINK | {"msisdn": "447700900001"}),
    ("APP_UPDATE", {"appId": APP, "updated": {"name": "Store"}, "previous": {"name": "Shop"}}),
    ("APP_DISABLE", {"appId": APP}),
    ("NUMBER_UNLINKED", LINK),
    ("NUMBER_UPDATED", {"msisdn": NUMBER, "voice-type": "app", "voice-value": APP, "http": "https://example.com"}),
    ("APP_ENABLE", {"appId": APP}),
    ("APP_DELETE", {"appId": APP}),
)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (0, {"Status": ("created",), "Name": ("Shop",), "Answer method": ("GET",)}),
        (
            2,
            {
                "Status": ("created",),
                "Name": ("Shop",),
                "Answer method": ("GET",),
                "Linked numbers": (NUMBER, "447700900001"),
            },
        ),
        (
            6,
            {
                "Status": ("disabled",),
                "Name": ("Store",),
                "Answer method": ("GET",),
                "Linked numbers": ("447700900001",),
            },
        ),
        (8, {"Status": ("deleted",)}),
    ],
)
def test_application_at_a_moment(day: int, expected: dict[str, tuple[str, ...]]) -> None:
    found = configuration(of("application", APP), APPS_STORY, START + timedelta(days=day))

    assert shown(found) == expected
    assert found.has_ended == (day == 8)


def test_application_events_show_what_they_changed() -> None:
    steps = configuration(of("application", APP.upper()), APPS_STORY).steps

    assert steps[2] == [Change("Linked numbers", None, "447700900001")]
    assert steps[3] == [Change("Name", "Shop", "Store")]
    assert steps[5] == [Change("Linked numbers", NUMBER, None)]


def test_value_before_comes_from_the_event_where_no_earlier_one_tells_it() -> None:
    rows = story(("APP_UPDATE", {"appId": APP, "updated": {"name": "Store"}, "previous": {"name": "Shop"}}))

    assert configuration(of("application", APP), rows).steps[0] == [Change("Name", "Shop", "Store")]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([NUMBER, APP]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["msisdn", "appId", "applicationId", "name", "before", "after", "voice-value", "updated"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
_CODES = st.sampled_from(["NUMBER_ASSIGN", "NUMBER_LINKED", "NUMBER_UNLINKED", "APP_CREATE", "APP_DELETE", "ODD"])


@given(st.lists(st.tuples(_CODES, _JSON), max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_events_are_folded(told: list[tuple[str, Any]]) -> None:
    for subject in (of("number", NUMBER), of("application", APP)):
        found = configuration(subject, story(*told))
        assert set(found.steps) == set(range(len(told)))


def test_contexts_nobody_bounds_stay_bounded() -> None:
    context = {"msisdn": NUMBER} | {f"field{n}": "x" * 1_000 for n in range(1_000)}

    found = configuration(of("number", NUMBER), story(("NUMBER_UPDATED", context)))

    assert len(found.settings) <= 40
    assert all(len(value) <= 300 for setting in found.settings for value in setting.values)
