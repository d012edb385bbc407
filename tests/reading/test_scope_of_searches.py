"""A search looks at nothing of other accounts: neither its answer nor its work tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import NexmoAccount
from events.models import AuditEvent
from events.reading import candidates, count, pages, read_page, trigrams
from events.reading.candidates import Sought
from events.reading.conditions import Conditions, joined
from events.reading.plan import Span
from events.reading.stream import stream_rows
from events.storage import search_index

Add = Callable[..., AuditEvent]


@pytest.fixture
def archives(cast: dict[str, Any], add_event: Add) -> dict[str, NexmoAccount]:
    """The word stands in a single event of demo0002, and in all of a stranger's demo0003."""
    accounts = {account.api_key: account for account in NexmoAccount.objects.all()}
    for number in range(20):
        add_event(accounts["demo0001"], number, context={"note": "straw"})
    add_event(accounts["demo0002"], 50, context={"note": "needle"})
    for number in range(100, 140):
        add_event(accounts["demo0003"], number, context={"note": "needle"})
    return accounts


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few events are many, so that other accounts' would be."""
    monkeypatch.setattr(candidates, "PROBED", 5)
    for name in ("MOST_WALKED", "FIRST_WALKED"):
        monkeypatch.setattr(pages, name, 4)
    monkeypatch.setattr(pages, "LEAST_WALKED", 1)
    monkeypatch.setattr(candidates, "PATIENCE_MS", 10_000)


def asked(archives: dict[str, NexmoAccount], *keys: str, text: str = "needle") -> Conditions:
    return Conditions(accounts=tuple(archives[key].pk for key in keys), text=text)


def test_word_of_other_accounts_only_is_answered_completely(
    archives: dict[str, NexmoAccount], small_steps: None
) -> None:
    own = asked(archives, "demo0001")

    page = read_page(own, 5)

    assert (page.rows, page.searched_back_to, page.total) == ([], None, 0)
    assert Sought(own).find(Span(None, None)) == ([], 0)
    assert list(stream_rows(own)) == []
    assert count(own).number == 0


def test_candidates_are_those_of_the_accounts_in_question(archives: dict[str, NexmoAccount], small_steps: None) -> None:
    both = asked(archives, "demo0001", "demo0002")
    (event,) = AuditEvent.objects.filter(account=archives["demo0002"])

    assert [row.pk for row in read_page(both, 5).rows] == [event.pk]
    few = Sought(both).find(Span(None, None))
    assert few is not None and [key.pk for key in few.keys] == [event.pk]
    assert Sought(asked(archives, "demo0003")).find(Span(None, None)) is None  # too many to look at each
    assert Sought(Conditions(text="needle")).find(Span(None, None)) is None


def test_page_says_that_nothing_matches_and_not_that_it_goes_on(
    archives: dict[str, NexmoAccount], small_steps: None, login: Callable[[str], Client]
) -> None:
    page = login("bob").get("/events/?search_text=needle").content.decode()

    assert 'data-state="no-match"' in page
    assert "Searched back" not in page


def test_sample_is_of_the_accounts_in_question(
    archives: dict[str, NexmoAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trigrams, "SMALL", 1)
    trigrams._samples.clear()
    own, other = ((archives[key].pk,) for key in ("demo0001", "demo0003"))

    assert trigrams._sampled(20, own).share("nee") < 0.1 < 0.9 < trigrams._sampled(40, other).share("nee")
    assert trigrams.choose(("needle",), trigrams.Scope(own))


def test_words_that_most_events_hold_are_not_looked_up(
    archives: dict[str, NexmoAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However seldom their pieces stand together by chance."""
    monkeypatch.setattr(trigrams, "SMALL", 1)
    trigrams._samples.clear()
    other = (archives["demo0003"].pk,)

    assert not trigrams.narrows([("needle",)], trigrams.Scope(other), 20)  # of forty, sampled 400 times
    assert trigrams.narrows([("needle",)], trigrams.Scope(other), 40)
    assert trigrams.narrows([("needle", "straw")], trigrams.Scope(other), 1)
    monkeypatch.setattr(trigrams, "LONGEST", 30)
    assert not trigrams.narrows([("needle",)], trigrams.Scope(other), 40)  # each piece is in all forty
    assert trigrams.narrows([("needle", "straw")], trigrams.Scope(other), 40)


def test_one_sampled_event_is_no_accident_where_others_were_met(
    archives: dict[str, NexmoAccount], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trigrams, "SMALL", 1)
    scope = trigrams.Scope(None)
    scope.events, scope.sample = 40_000, trigrams.Sample(0.0, 400, {"nee": 1, "eed": 1, "edl": 1, "dle": 1})

    assert trigrams.narrows([("needle",)], scope, 90)
    assert not trigrams.narrows([("needle",)], scope, 90, are_there=True)  # one of 400: a hundred in all
    assert trigrams.turn_up([("needle",)], scope, 0.0)
    assert not trigrams.turn_up([("needle",)], scope, 0.05)


def test_pieces_along_a_walk_are_rare_and_of_each_word(db: None) -> None:
    scope = trigrams.Scope(None)
    scope.events = 1_000_000
    shares = {"nee": 20, "eed": 8, "edl": 20, "dle": 20, "str": 99, "tra": 40, "raw": 40}
    scope.sample = trigrams.Sample(0.0, 400, {piece: (1 << number) - 1 for piece, number in shares.items()})

    assert trigrams.pieces_within([("needle", "straw")], scope, 8_000) == [["eed", "tra"]]
    assert trigrams.pieces_within([("needle",)], scope, 500) == [["eed"]]  # among few events one is enough
    assert trigrams.pieces_within([("str",)], scope, 8_000) == [["str"]]
    scope.sample.holding["str"] = (1 << 100) - 1
    assert trigrams.pieces_within([("str",)], scope, 8_000) == []  # in a quarter of all
    assert trigrams.pieces_within([("needle",), ("zq",)], scope, 8_000) == []  # one way has no piece
    assert trigrams.pieces_within([("needle",)] * 5, scope, 8_000) == []


@pytest.mark.parametrize("text", ["-needle", "zq", ""])
def test_no_sample_is_drawn_where_there_is_nothing_to_look_up(
    archives: dict[str, NexmoAccount], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(trigrams, "SMALL", 1)
    monkeypatch.setattr(trigrams, "_sampled", None)

    page = read_page(Conditions(text=text, wanted={"source_ip": (("0" * 32, "f" * 32),)}), 5)

    assert bool(page.rows) is (text != "zq")


@pytest.fixture
def along_walks(small_steps: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """SQLite's index of texts is asked along walks, and never about all events."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL's index of texts cannot be read in part")
    monkeypatch.setattr(pages, "MOST_WALKED", 100)
    monkeypatch.setattr(trigrams, "SMALL", 1)
    monkeypatch.setattr(trigrams, "RARE", 2.0)
    monkeypatch.setattr(trigrams, "fts_query", lambda *_: "")
    monkeypatch.setattr(candidates, "COMMON", {"sqlite": 2.0})
    trigrams._samples.clear()
    yield
    trigrams._samples.clear()


@pytest.mark.parametrize(
    ("limit", "most"),
    [("PROBED", 39), ("MOST_STRETCHES", 0), ("PROBED", 40)],
)
def test_where_the_index_names_too_many_each_event_is_looked_at(
    archives: dict[str, NexmoAccount], along_walks: None, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(candidates, "PROBED", 100)
    monkeypatch.setattr(candidates, limit, most)
    walked: list[Any] = []
    walk = pages._walk
    monkeypatch.setattr(pages, "_walk", lambda *asked: walked.append(asked) or walk(*asked))

    page = read_page(asked(archives, "demo0003"), 100)

    assert len(page.rows) == 40
    assert bool(walked) is (most < 40)


@pytest.mark.parametrize("keys", [("demo0001",), ("demo0001", "demo0002")])
def test_candidates_along_a_walk_are_those_of_the_accounts_in_question(
    archives: dict[str, NexmoAccount], along_walks: None, monkeypatch: pytest.MonkeyPatch, keys: tuple[str, ...]
) -> None:
    """The forty of another account, which would be too many, lie in the same stretch."""
    monkeypatch.setattr(pages, "_walk", None)

    page = read_page(asked(archives, *keys), 5)

    assert [row.account_id for row in page.rows] == [archives["demo0002"].pk] * (len(keys) - 1)


@pytest.mark.parametrize(
    ("words", "pieces"),
    [
        (("mary.sommerville@example.com",), [["mar", "som", "mer", "vil"]]),
        (("needle", "straws"), [["nee", "dle"], ["str", "aws"]]),
        (("needle", "münchen", "haystacks"), [["nee", "dle"], ["nch"], ["hay"]]),
        (("needle", "zq"), []),  # too short: looked up as they are
        (("447700900853",), [["447", "700", "900", "853"]]),
        (("ünïcödé wörds ünïcödé",), []),
    ],
)
def test_long_words_are_looked_up_by_pieces_apart(words: tuple[str, ...], pieces: list[list[str]], db: None) -> None:
    assert trigrams.choose_apart(words, trigrams.Scope(None)) == pieces


@pytest.mark.parametrize(
    "app",
    ["xxcafe\u0301-night-desk-77", "12abc\u0308def\u0308ghi\u0308jkl\u0308mno\u0308", "STRASSE-straße-Desk"],
)
def test_ids_of_applications_are_looked_up_as_texts_are_kept(
    archives: dict[str, NexmoAccount], add_event: Add, monkeypatch: pytest.MonkeyPatch, app: str
) -> None:
    """An accent that follows its letter is one letter with it in the text to search in."""
    monkeypatch.setattr(candidates, "PATIENCE_MS", 10_000)
    account = archives["demo0001"]
    expected = {
        add_event(account, number, event_type="APP_UPDATE", context={"application_id": app}).pk for number in (900, 901)
    }
    for accounts in ((account.pk,), None):
        few = Sought(Conditions(accounts=accounts, wanted={"application": ((None, app),)})).find(Span(None, None))
        assert few is not None and {key.pk for key in few.keys} == expected


def test_rare_pieces_are_looked_up(archives: dict[str, NexmoAccount], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trigrams, "SMALL", 1)
    trigrams._samples.clear()
    own = (archives["demo0001"].pk,)

    (pieces,) = trigrams.choose_apart(("straw-needle-haystack-straw",), trigrams.Scope(own))

    assert len(pieces) == 4
    assert not {"str", "tra", "raw"} & set(pieces)  # every event holds these


@pytest.mark.parametrize("account", [1, 6_399, 6_400, 40_960_000, 2_147_483_647])
def test_mark_of_an_account_is_the_same_in_python_and_in_sql(account: int, db: None) -> None:
    mark = search_index.account_mark(account)

    assert len(mark) == 3
    assert all("\ue000" <= letter <= "\uf8ff" for letter in mark)
    if connection.vendor == "sqlite":
        text = search_index.indexed_text().replace("account_id", str(account)).replace("searchable", "'x'")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {text.replace('raw', chr(39) * 2)}")
            assert cursor.fetchone() == (f"x{mark}",)


def test_index_is_asked_with_the_accounts(archives: dict[str, NexmoAccount]) -> None:
    many = tuple(range(1, 1_500))
    query = trigrams.fts_query([("needle",)], trigrams.Scope(many))
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM events_search WHERE events_search MATCH %s", [query])
            assert cursor.fetchone() == (41,)
    else:
        with connection.cursor() as cursor:
            # In a small table every other way may look as cheap, and so may filtering what one condition finds.
            for other in ("seqscan", "indexscan", "indexonlyscan"):
                cursor.execute(f"SET LOCAL enable_{other} = off")
            account = (
                f"{search_index.POSTGRESQL_ACCOUNT} IN (%s, %s)",
                [archives["demo0002"].pk, archives["demo0004"].pk],
            )
            text = (f"{search_index.POSTGRESQL_TEXT} ILIKE %s", ["%needle%"])
            for asked in ([account], [text], [account, text]):
                where, values = joined(asked)
                cursor.execute(f"EXPLAIN SELECT id FROM events_auditevent WHERE {where}", values)
                plan = "\n".join(line for (line,) in cursor.fetchall())
                assert search_index.POSTGRESQL_INDEX in plan
                if asked == [account]:
                    assert "account_id + 0" in plan.partition("Index Cond")[2]


def test_index_of_all_accounts_together_is_made_anew(archives: dict[str, NexmoAccount]) -> None:
    if connection.vendor == "sqlite":
        search_index.remove(connection)
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE VIRTUAL TABLE events_search USING fts5(text, content='', tokenize='trigram', detail='none', "
                "columnsize=0)"
            )
    else:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute(f"DROP INDEX {search_index.POSTGRESQL_INDEX}")
            cursor.execute("CREATE INDEX event_text ON events_auditevent (id)")

    search_index.install(connection)

    assert search_index.missing(connection) == []
    few = Sought(asked(archives, "demo0002")).find(Span(None, None))
    assert few is not None and few.number == 1
