"""The benchmark's arithmetic and its page; and a tiny run of it, so that it cannot rot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import connection

from events.nexmo.parse import parse_event
from tests.benchmarks import (
    __main__,
    analysts,
    config,
    databases,
    figures,
    generator,
    history,
    internals,
    machine,
    people,
    report,
    results,
    targets,
    terms,
)
from tests.benchmarks import vocabulary as words
from tests.benchmarks.markdown import table
from tests.tools.calls import python_calls

SYNC = {"accounts": 20, "pages": 1000, "events": 9, "latency ms": 150, "concurrency": 4, "seconds": 40.0}
SYNC |= {"ideal seconds": 37.5, "ratio": 1.07, "requests": 1120, "requests / pages": 1.12}


def test_percentile_is_a_value_that_was_measured() -> None:
    assert figures.percentile([5, 1, 4, 2, 3], 0.5) == 3
    assert figures.percentile(range(1, 101), 0.95) == 95
    assert figures.percentile(range(1, 101), 1) == 100
    with pytest.raises(ValueError, match="no values"):
        figures.percentile([], 0.5)


def test_rounds_are_interleaved_and_each_begins_with_another_variant() -> None:
    order: list[str] = []

    def variant(name: str, time: float) -> Any:
        return lambda: order.append(name) or [time, time, 100.0]

    times = figures.interleave({"a": variant("a", 1.0), "b": variant("b", 2.0)}, 3)

    assert order == ["a", "b", "b", "a", "a", "b"]
    assert times == {"a": [1.0] * 3, "b": [2.0] * 3}  # the median of each round


def test_ratio_is_taken_round_by_round() -> None:
    # The machine was ten times slower in the second round, for both.
    assert figures.paired_ratio([2, 20, 2], [1, 10, 1]) == 2
    with pytest.raises(ValueError, match="same length"):
        figures.paired_ratio([1], [1, 2])


def test_no_sync_is_faster_than_its_longest_account() -> None:
    assert figures.sync_ideal([50] * 20, 0.15, 4) == pytest.approx(37.5)
    assert figures.sync_ideal([100, 1, 1], 0.1, 3) == pytest.approx(10)
    assert figures.sync_ideal([], 0.1, 3) == 0


@pytest.mark.parametrize(("value", "verdict"), [(8.0, "met"), (7.0, "missed by 12 %")])
def test_target_says_whether_it_is_met_and_by_how_much_not(value: float, verdict: str) -> None:
    line = next(each for each in targets.targets() if each.line.startswith("Table and form: the stock page"))

    found = targets.judge(line, "sqlite", {"pages": {"compared": {"stock / ours": value}}})

    assert found.verdict == verdict
    assert targets.judge(line, "sqlite", {}).verdict == "not measured"


def test_flatness_counts_the_worst_request_and_names_it() -> None:
    line = next(each for each in targets.targets() if each.line == "Flat: deep pages")
    flat = {name: {"part ratio": 1.0, "whole ratio": 1.1} for name in targets.DEEP}
    flat[targets.DEEP[1]]["whole ratio"] = 1.3

    found = targets.judge(line, "sqlite", {"pages": {"flat": flat}})

    assert (found.met, found.measured, found.remark) == (False, "1.30 ×", f"worst of 2: {targets.DEEP[1]}")


def test_limits_depend_on_the_database() -> None:
    line = next(each for each in targets.targets() if each.line.startswith("Ingest, of the raw"))

    assert (line.limit("sqlite"), line.limit("postgresql")) == (0.65, 0.80)


def test_page_shows_both_databases_when_only_one_was_measured_now(tmp_path: Path, monkeypatch: Any) -> None:
    for module in (config, results, report):
        monkeypatch.setattr(module, "KEPT", tmp_path)
    entry = {"at": "2026-11-20T10:00:00+00:00", "machine": {"cores": "2"}}
    for engine in ("sqlite", "postgresql"):
        results.keep(config.Archive(engine, 2_000), "sync", entry | {"found": SYNC})
    results.keep(config.Archive("sqlite", 2_000), "search", {"failed": "exit code 1 after 3 s"})

    page = report.write_document(2_000).read_text(encoding="utf-8")

    assert "| Sync: of the ideal time | ≤ 1.30 × | 1.07 ×, met | 1.07 ×, met |" in page
    assert "## SQLite in detail" in page
    assert "## PostgreSQL in detail" in page
    assert "SQLite, search: **the last run failed** (exit code 1 after 3 s)" in page
    assert "| Search: any term, in SQL | ≤ 60 ms | not measured | not measured |" in page


def _entry(day: str, commit: str, found: Any) -> dict[str, Any]:
    described = {"commit": commit, "cores": "2", "memory": "4 GiB", "load": "0.1"}
    return {"at": f"{day}T10:00:00+00:00", "machine": described, "found": found}


def test_each_run_adds_its_line_to_the_history_and_the_next_document_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "benchmarks.md"
    for module in (config, results, report):
        monkeypatch.setattr(module, "KEPT", tmp_path)
    monkeypatch.setattr(report, "DOCUMENT", document)
    report.write_document(config.LEAST_DOCUMENTED)
    assert "| Date | Database | Events |" in history.section(document)
    pages = {"compared": {"whole / ours": 1.875, "calls": {"ours, whole page": 19_000}}}

    for day, commit, events in (("2026-11-26", "aaa1111", 1_000_000), ("2026-11-27", "bbb2222-dirty", 100_000)):
        entries = {"pages": _entry(day, commit, pages), "sync": _entry(day, commit, {"ratio": 1.5})}
        history.append(document, history.row("sqlite", events, entries))
        report.write_document(config.LEAST_DOCUMENTED)

    lines = [line for line in document.read_text(encoding="utf-8").splitlines() if line.startswith("| 2026-")]
    rest = "– | – | – | 1.88 × | 19,000 | – | – | – | – | 1.50 × | – | – |"
    assert lines == [
        f"| 2026-11-26 | SQLite | 1,000,000 | aaa1111 | 2 cores, 4 GiB, load 0.1 | {rest}",
        f"| 2026-11-27 | SQLite | 100,000 | bbb2222-dirty | 2 cores, 4 GiB, load 0.1 | {rest}",
    ]
    assert document.read_text(encoding="utf-8").count(history.HEADING) == 1
    assert "## How to run it" in document.read_text(encoding="utf-8")


def test_history_begins_with_the_run_that_later_ones_are_held_against() -> None:
    lines = [line for line in history.section(config.DOCUMENT).splitlines() if line.startswith("| 2026-11-23")]
    assert [line.split(" | ")[1] for line in lines] == ["SQLite", "PostgreSQL"]
    assert all(line.count("|") == len(history.HEAD) + 1 for line in lines)


def test_quick_run_measures_ratios_with_100_000_events_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("BENCH_EVENTS", "BENCH_ONLY", "BENCH_ROUNDS", "BENCH_SYNC_PAGES", "BENCH_XLSX_ROWS"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("BENCH_ONLY", "sync,search")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for module in (config, results, report):
        monkeypatch.setattr(module, "KEPT", tmp_path)
    document = tmp_path / "document.md"
    document.write_text("# Benchmarks\n", encoding="utf-8")
    monkeypatch.setattr(config, "DOCUMENT", document)
    monkeypatch.setattr(databases, "ensure", lambda archive: None)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "quick"])
    measured = []

    def run(section: str, archive: config.Archive, small: config.Archive) -> bool:
        measured.append((section, archive.events, config.rounds(100)))
        if section == "sync":
            results.keep(archive, section, _entry("2026-11-26", "aaa1111", SYNC))
        return section == "sync"

    monkeypatch.setattr(__main__, "run", run)

    assert __main__.main() == 1, "a section failed"

    assert measured == [("sync", 100_000, 20), ("search", 100_000, 20)]
    told = capsys.readouterr().out
    assert "| Sync: of the ideal time | ≤ 1.30 × | 1.07 ×, met |" in told
    assert "Search: any term, in SQL" not in told, "milliseconds are no ratio"
    assert "not measured" not in told
    assert "| 2026-11-26 | SQLite | 100,000 | aaa1111 |" in document.read_text(encoding="utf-8")


def test_document_that_a_run_wrote_does_not_make_the_next_commit_dirty(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def git(command: list[str], **_: Any) -> Any:
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, "abc1234\n" if "rev-parse" in command else "")

    monkeypatch.setattr(subprocess, "run", git)

    assert machine._commit() == "abc1234"
    assert asked[0][-1] == ":!docs/benchmarks.md"


def test_calls_are_those_of_python_functions() -> None:
    def inner() -> int:
        return len(str(1))

    def outer() -> None:
        inner()
        inner()

    assert python_calls(outer) == 3
    assert sys.getprofile() is None


def test_cells_cannot_break_a_table() -> None:
    assert table(["a"], [["x|y"]]).splitlines()[-1] == "| x\\|y |"


def test_number_of_events_may_be_written_with_separators(monkeypatch: Any) -> None:
    monkeypatch.setenv("BENCH_EVENTS", "5_000,000")
    assert config.events_asked() == 5_000_000
    monkeypatch.setenv("BENCH_EVENTS", "many")
    with pytest.raises(SystemExit, match="BENCH_EVENTS must be a whole number"):
        config.events_asked()


def test_events_are_the_same_every_time_and_as_nexmo_sends_them() -> None:
    story = generator.Story(2_000)
    raws = [story.raw(number) for number in range(2_000)]
    events = [parse_event(raw, UTC) for raw in raws]

    assert raws == [generator.Story(2_000).raw(number) for number in range(2_000)]
    assert not [event for event in events if event.odd_fields]
    assert len({event.event_id for event in events}) == 2_000
    assert [event.created_at for event in events] == sorted(event.created_at for event in events if event.created_at)
    assert sum(words.NEEDLE in raw for raw in raws) == 1
    assert not [raw for raw in raws if words.ABSENT_PHRASE in raw.lower() or words.ABSENT in raw.lower()]
    assert 0.6 < sum(words.COMMON in raw for raw in raws) / 2_000 < 0.75
    old = [number for number, raw in enumerate(raws) if words.OLD in raw]
    assert old == list(range(100))


def test_people_are_where_they_live_but_for_whole_weeks() -> None:
    story = generator.Story(50_000)
    seen: dict[Any, set[str]] = {}
    for number in range(100, 19_000, 3):
        event = story.event(number)
        week = int(datetime.fromisoformat(f"{event['created_at']}+00:00").timestamp()) // people.WEEK
        who = event.get("user_email"), event["account_id"], week if "user_email" in event else 0
        seen.setdefault(who, set()).add(event["source_country"])

    assert len(seen) > 1_000
    assert {len(countries) for countries in seen.values()} == {1}


def test_an_attack_is_one_login_on_one_account_within_minutes() -> None:
    story = generator.Story(50_000)
    first = 2 * people.ATTACK_EVERY
    steps = [story.event(first + number) for number in range(len(people.ATTACK))]
    before, after = story.event(first - 1), story.event(first + len(steps))

    for name in ("account_id", "user_email", "source_ip", "source_country"):
        assert len({step[name] for step in steps}) == 1
        assert before.get(name) != steps[0][name] != after.get(name)
    times = [datetime.fromisoformat(step["created_at"]) for step in steps]
    assert times == sorted(times)
    assert times[-1] - times[0] == timedelta(seconds=people.PACE * (len(steps) - 1))
    assert [step["event_type"] for step in steps] == [event_type for event_type, _ in people.ATTACK]
    late = [story.event(first + number, at_share=0.25)["created_at"] for number in (0, 1)]
    assert late[0] < late[1] < before["created_at"]


def test_silent_accounts_have_as_many_events_in_every_archive() -> None:
    for total in (10_000, 30_000):
        story = generator.Story(total)
        accounts = [account for _, account in story.by_account(range(total))]
        assert [accounts.count(15 + silent) for silent in range(words.SILENT)] == [words.SILENT_EVENTS] * words.SILENT


def test_analysts_follow_the_links_of_the_page_they_are_on() -> None:
    class Always(Random):
        def random(self) -> float:
            return 0.0

    older = '<a rel="next" href="?before=1.2&amp;size=50">Older</a>'
    other = '<a rel="next" href="/accounts/demo0001/events/x/">Older</a>'

    assert analysts.next_path(Always(), "/events/?size=50", older) == "/events/?before=1.2&size=50"
    assert analysts.next_path(Always(), "/accounts/demo0001/events/y/", other) == "/accounts/demo0001/events/x/"
    assert analysts.next_path(Random(1), "/events/", "").startswith(("/events/", "/accounts/"))


def test_there_are_some_two_hundred_search_terms() -> None:
    assert 190 <= terms.count(terms.search_terms(10_000)) <= 230


def test_sizes_are_grouped_by_what_they_serve() -> None:
    assert internals.group_of("events_auditevent") == "events: table"
    assert internals.group_of("event_account_time") == "events: indexes for filters"
    assert internals.group_of("sqlite_autoindex_events_auditevent_1") == "events: unique and primary keys"
    assert internals.group_of("events_search_data") == internals.group_of("event_account_text") == "search index"
    assert internals.group_of("events_daycount") == internals.group_of("month_count_once") == "rollups"
    assert internals.group_of("events_firstseen") == internals.group_of("first_seen_time") == "rollups"
    assert internals.group_of("django_session") == "everything else"


def test_tiny_run_from_the_archive_to_the_page(tmp_path: Path) -> None:
    engine = config.POSTGRESQL if connection.vendor == "postgresql" else config.SQLITE
    settings = {
        "BENCH_DIRECTORY": str(tmp_path),
        "BENCH_EVENTS": "2000",
        "BENCH_SMALL": "2000",  # one archive serves as both
        "BENCH_ROUNDS": "1",
        "BENCH_ONLY": "pages,ingest,detection,sizes",
        "BENCH_DATABASES": engine,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks"],
            cwd=config.ROOT,
            env=os.environ | settings,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        if engine == config.POSTGRESQL:
            databases.drop(config.Archive(engine, 2_000))

    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads((tmp_path / f"results-{engine}-2000.json").read_text(encoding="utf-8"))
    assert kept["pages"]["found"]["flat"]["first page"]["rows"] == [50, 50]
    compared = kept["pages"]["found"]["compared"]
    assert compared["calls"]["ours, whole page"] > compared["calls"]["ours, table and form"] > 500
    assert compared["whole / ours"] > 1
    assert kept["detection"]["found"]["first"]["events/s"] > 0
    assert "### Flatness" in (tmp_path / "benchmarks-2000.md").read_text(encoding="utf-8")
