"""Makes an archive, or completes one: events through the real parser and the real insert path.

Run as a process on the archive's DATABASE_URL: `python -m tests.benchmarks.fill EVENTS`. Ctrl-C stops between two
batches; the next run continues from there, because the archive itself says how many events of each account it holds.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC
from typing import Any

import django

BATCH = 1_000
FINISHED_AT_LEAST_EVERY = 5.0  # seconds between two lines of progress
# Who looks: one who sees all accounts, a member of a team that shares twelve of twenty, one of a team with the five
# nearly silent ones.
READERS = ("bench-auditor", "bench-analyst", "bench-quiet")
SHARED = 12


def make_people() -> dict[str, Any]:
    """Readers, teams and accounts; what is there already stays. Returns the accounts by key."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Group

    from accounts.models import NexmoAccount
    from accounts.roles import AUDITORS
    from tests.benchmarks import vocabulary as words

    users = {name: get_user_model().objects.get_or_create(username=name)[0] for name in (*READERS, "bench-owner")}
    teams = {name: Group.objects.get_or_create(name=name)[0] for name in ("bench-team", "bench-quiet-team")}
    users["bench-auditor"].groups.add(Group.objects.get(name=AUDITORS))
    users["bench-analyst"].groups.add(teams["bench-team"])
    users["bench-quiet"].groups.add(teams["bench-quiet-team"])
    accounts = {}
    for number, company in enumerate(words.COMPANIES):
        key = words.api_key(number)
        accounts[key], _ = NexmoAccount.objects.get_or_create(
            api_key=key,
            defaults={"name": company, "owner": users["bench-owner"], "api_secret": f"sandbox-secret-{key[-4:]}"},
        )
        if number < SHARED:
            accounts[key].teams.add(teams["bench-team"])
        if key in words.SILENT_KEYS:
            accounts[key].teams.add(teams["bench-quiet-team"])
    return accounts


def add_missing(total: int, accounts: dict[str, Any], say: Any) -> int:
    """Archive every event that is not there yet, in batches of one account each. Returns how many were added."""
    from events.archive.add import add_events
    from events.nexmo.parse import parse_event
    from tests.benchmarks import internals
    from tests.benchmarks import vocabulary as words
    from tests.benchmarks.generator import END, Story

    story = Story(total)
    there = internals.archived(list(accounts))
    skip = {number: there[words.api_key(number)] for number in range(words.ACCOUNTS)}
    waiting: dict[int, list[int]] = {number: [] for number in range(words.ACCOUNTS)}
    done, added, began, said = sum(skip.values()), 0, time.monotonic(), 0.0

    def flush(account: int) -> None:
        nonlocal done, added, said
        events = [parse_event(story.raw(number), UTC) for number in waiting[account]]
        waiting[account].clear()
        if not events:
            return
        added += add_events(accounts[words.api_key(account)], events, run=None, fetched_at=END).new
        done += len(events)
        if time.monotonic() - said > FINISHED_AT_LEAST_EVERY:
            said = time.monotonic()
            rate = added / max(said - began, 0.001)
            say(f"  {done:,} of {total:,} events archived, {rate:,.0f} a second, {(total - done) / rate:,.0f} s to go")

    for number, account in story.by_account(range(total)):
        if skip[account]:
            skip[account] -= 1
            continue
        waiting[account].append(number)
        if len(waiting[account]) == BATCH:
            flush(account)
    for account in waiting:
        flush(account)
    return added


def fill(total: int, say: Any = print) -> int:
    """Bring the database up to date and the archive to `total` events. Returns how many events were added.

    With a total of 0 there are only people and accounts, as before the first sync.
    """
    from django.core.management import call_command

    from tests.benchmarks import internals
    from tests.benchmarks.generator import END

    call_command("migrate", verbosity=0)
    accounts = make_people()
    if not total:
        return 0
    added = add_missing(total, accounts, say)
    for account in accounts.values():
        internals.note_complete(account, END)
    internals.settle()
    return added


def main() -> None:
    django.setup()
    try:
        fill(int(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit("Stopped. The next run goes on from here.")


if __name__ == "__main__":
    main()
