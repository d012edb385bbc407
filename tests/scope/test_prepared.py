"""Queries that are compiled once: the same rows as Django's, and statements that PostgreSQL plans once."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from accounts.models import NexmoAccount
from accounts.prepared import Prepared, executed
from tests.tools.services import only_postgres


def of_owner() -> Prepared:
    return Prepared(
        lambda owner, key: NexmoAccount.objects.filter(owner=owner).exclude(api_key=key).values_list("api_key", "name")
    )


def statements() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [statement for (statement,) in cursor.fetchall() if "accounts_nexmoaccount" in statement]


def test_prepared_query_returns_what_its_queryset_does(cast: dict[str, Any]) -> None:
    alice, query = cast["alice"], of_owner()
    expected = list(NexmoAccount.objects.filter(owner=alice).values_list("api_key", "name"))

    assert query.rows(alice.pk, "none") == query.rows(alice.pk, "none") == expected
    assert query.rows(alice.pk, expected[0][0]) == expected[1:]
    assert query.rows(cast["charlie"].pk, "none") != expected


@only_postgres
def test_postgresql_plans_it_once_where_connections_are_ours(
    cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, query = cast["alice"], of_owner()
    connection.ensure_connection()

    monkeypatch.setattr(connection.connection, "prepare_threshold", None)  # a pooler may hand it to another
    query.rows(alice.pk, "none")
    assert statements() == []

    monkeypatch.setattr(connection.connection, "prepare_threshold", 5)
    query.rows(alice.pk, "none")
    query.rows(alice.pk, "demo0001")
    assert len(statements()) == 1


def of_keys() -> Prepared:
    return Prepared(
        lambda *keys: (
            NexmoAccount.objects.filter(api_key__in=keys).exclude(pk__in=[0, -1]).order_by("pk").values_list("api_key")
        )
    )


@pytest.mark.parametrize("keys", [["demo0001"], ["demo0001", "demo0002"], ["demo0002", "a'b{,}", "none", "demo0001"]])
def test_lists_of_any_length_find_what_is_in_them(cast: dict[str, Any], keys: list[str]) -> None:
    expected = NexmoAccount.objects.filter(api_key__in=keys).order_by("pk").values_list("api_key")

    assert of_keys().rows(*keys) == list(expected)


@only_postgres
def test_lists_of_any_length_are_one_statement(cast: dict[str, Any]) -> None:
    query = of_keys()
    with CaptureQueriesContext(connection) as queries:
        for keys in (["a", "b"], ["a", "b", "c"], ["a"] * 60):
            query.rows(*keys)

    assert len({query["sql"].partition("ANY")[0] for query in queries}) == 1
    assert "ANY" in queries[0]["sql"] and "NOT" in queries[0]["sql"]


def test_log_of_queries_holds_its_sql(cast: dict[str, Any]) -> None:
    query = of_owner()
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            query.rows(cast["alice"].pk, "none")

        assert "accounts_nexmoaccount" in queries[0]["sql"]


def test_values_and_percent_signs_stand_where_they_belong(db: None) -> None:
    statement = "SELECT %s, 'a%%s?', %s"
    for log in (contextlib.nullcontext(), CaptureQueriesContext(connection)):
        with log, executed(connections["default"], statement, ["%s?", "b"]) as cursor:
            assert cursor.fetchall() == [("%s?", "a%s?", "b")]
