"""docs/integrity.md says who can do what and how it is found: each line of its table has tests that show it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import NexmoAccount
from events.archive import seals
from events.models import AuditEvent, Removal, RemovedEvent, Seal
from events.storage import chain
from tests.archive.conftest import SQL, problem, verified
from tests.archive.test_tampering import borrowed
from tests.archive.test_verify import rewrite_chain
from tests.tools.processes import ROOT

# Beginnings of the first two cells of each line, in order, and the tests, by file.
LINES: tuple[tuple[str, str, dict[str, tuple[str, ...]]], ...] = (
    ("a user of the site", "nothing", {"archive/test_integrity_document": ("test_no_role_changes_an_event",)}),
    (
        "whoever has the database's password",
        "change, delete or replace",
        {
            "archive/test_verify": (
                "test_database_refuses_to_change_the_archive",
                "test_database_refuses_to_replace_or_empty",
            ),
            "archive/test_tampering": (
                "test_nothing_guarded_is_replaced",
                "test_records_beside_the_events_are_kept_from_change",
                "test_readings_are_not_redated",
                "test_holds_are_never_deleted_or_rewritten_and_released_once",
            ),
            "archive/test_retention": ("test_record_of_a_removal_cannot_be_changed",),
            "reviews/test_tampering": ("test_database_refuses_to_change_or_delete_what_was_signed",),
            "archive/test_guards": (
                "test_every_column_of_a_guarded_table_is_guarded",
                "test_every_key_of_a_guarded_table_is_guarded",
                "test_withdrawn_discrepancy_does_not_take_the_place_of_a_standing_one",
                "test_tables_that_a_session_puts_before_ours_open_no_door",
            ),
        },
    ),
    (
        "the same",
        "change, delete or replace the history of a finding",
        {
            "detection/findings/test_history_is_kept": (
                "test_database_refuses_to_change_a_findings_history",
                "test_a_part_of_another_account_opens_no_door",
                "test_database_refuses_to_replace_a_findings_history",
                "test_account_without_events_takes_its_findings_and_their_history_along",
            )
        },
    ),
    (
        "the same",
        "set how a finding stands now",
        {"detection/findings/test_history_is_kept": ("test_state_set_by_hand_has_no_line_in_the_history",)},
    ),
    (
        "the same",
        "add events that Nexmo never sent",
        {
            "archive/test_integrity_document": ("test_added_event_stands_in_the_chain",),
            "views/test_integrity_pages": ("test_event_that_is_gone_is_said_to_be_and_stays",),
        },
    ),
    (
        "the same",
        "claim coverage that no reading proves, such as",
        {
            "archive/test_tampering": (
                "test_coverage_that_no_reading_proves_is_found_and_not_sealed",
                "test_failed_reading_cannot_be_called_verified",
            )
        },
    ),
    (
        "the same",
        "take away coverage",
        {
            "archive/test_tampering": (
                "test_coverage_that_was_taken_away_is_found",
                "test_coverage_that_was_sealed_cannot_shrink",
            )
        },
    ),
    (
        "the same",
        "remove an event under a removal of another account",
        {
            "archive/test_tampering": (
                "test_removal_of_another_account_of_nothing_or_of_long_ago_opens_no_door",
                "test_held_event_cannot_be_called_removed",
            )
        },
    ),
    (
        "the same",
        "record a removal of their own",
        {"archive/test_integrity_document": ("test_removal_by_hand_stands_in_the_records_and_in_later_seals",)},
    ),
    (
        "the same",
        "take entries out of the search index",
        {
            "archive/test_tampering": (
                "test_entry_taken_out_of_the_search_index_is_found",
                "test_large_archive_is_probed_at_random",
            ),
            "archive/test_hidden_events": ("test_entries_moved_so_that_all_sums_agree_are_found",),
        },
    ),
    (
        "the same",
        "take an event type off the list",
        {"archive/test_hidden_events": ("test_type_taken_from_the_list_is_found_and_listed_again",)},
    ),
    (
        "the same",
        "exchange the API keys",
        {
            "archive/test_tampering": (
                "test_exchanged_keys_are_found",
                "test_exchanged_keys_are_found_by_seals_too",
                "test_exchanged_key_is_found_once_either_account_had_an_event_or_a_seal",
            )
        },
    ),
    (
        "the same",
        "put in seals of their own",
        {
            "operations/test_sealing": ("test_rows_of_somebody_else_keep_nothing_from_being_sealed",),
            "archive/test_unreadable": ("test_row_of_a_seal_that_says_something_else_is_found",),
        },
    ),
    (
        "the same",
        "add a trigger, a rule or row security",
        {
            "archive/test_additions": (
                "test_trigger_that_passes_over_a_persons_entries_is_found",
                "test_rule_that_writes_nothing_is_found",
                "test_row_security_is_found",
            )
        },
    ),
    (
        "whoever removes the triggers",
        "-",
        {
            "archive/test_verify": ("test_missing_trigger_is_told",),
            "archive/test_tampering": ("test_trigger_replaced_by_one_that_does_nothing_is_found",),
            "archive/test_guards": ("test_function_that_was_altered_is_found",),
        },
    ),
    (
        "the same, and alters, removes",
        "break the chain",
        {
            "archive/test_verify": (
                "test_altered_field_is_found",
                "test_removed_row_is_found",
                "test_inserted_row_is_found",
                "test_reordered_rows_are_found",
                "test_truncated_tail_is_found",
            )
        },
    ),
    (
        "the same, and stores a value",
        "hide events",
        {
            "archive/test_tampering": (
                "test_value_in_another_form_is_found",
                "test_form_counts_beside_the_events_too",
                "test_column_of_another_type_is_found",
                "test_index_that_leaves_rows_out_is_found",
                "test_index_whose_entries_say_something_else_is_found",
            ),
            "archive/test_hidden_events": ("test_no_pack_is_made_where_events_may_be_hidden_from_its_filter",),
        },
    ),
    (
        "the same, and alters counts",
        "make the archive look",
        {
            "archive/test_verify": ("test_wrong_count_is_found", "test_wrong_first_event_is_found"),
            "archive/test_tampering": (
                "test_tampered_hold_is_found",
                "test_tampered_record_beside_the_events_is_found",
                "test_removal_that_removed_more_than_it_says_is_found",
                "test_failed_reading_cannot_be_called_verified",
            ),
        },
    ),
    (
        "the same, and deletes an account",
        "leave no event",
        {"archive/test_tampering": ("test_account_deleted_with_all_its_rows_is_found",)},
    ),
    (
        "the same, and alters a review",
        "have somebody sign off",
        {"reviews/test_tampering": ("test_altered_review_is_found", "test_change_signed_with_another_key_is_found")},
    ),
    (
        "the same, and deletes a review",
        "hide that it was signed off",
        {
            "reviews/test_tampering": (
                "test_deleted_review_is_found",
                "test_review_deleted_in_part_is_found",
                "test_review_without_anything_signed_is_found",
                "test_statement_put_in_by_hand_is_found",
            )
        },
    ),
    (
        "the same, and says that a review was about other events",
        "-",
        {
            "reviews/test_tampering": (
                "test_altered_review_is_found",
                "test_what_retention_removed_stays_accounted_for",
            )
        },
    ),
    (
        "whoever hides events from a filter",
        "have them not looked through",
        {"reviews/test_tampering": ("test_event_that_was_hidden_from_the_filter_when_it_was_signed_is_found",)},
    ),
    (
        "the same, and removes new entries of the access log",
        "leave no trace of what was done",
        {"access/test_chain": ("test_removal_that_retention_cannot_have_made_is_found",)},
    ),
    (
        "whoever also recomputes",
        "make a consistent",
        {
            "archive/test_verify": ("test_rewritten_chain_is_found_by_a_seal", "test_chain_begun_anew_is_found"),
            "archive/test_tampering": (
                "test_ledger_computed_anew_is_found_by_a_seal",
                "test_account_deleted_with_its_ledger_entry_is_found_by_another_accounts_seal",
            ),
            "reviews/test_tampering": ("test_review_proves_the_chain_up_to_it",),
        },
    ),
    (
        "whoever also removes the seals",
        "leave no trace",
        {
            "archive/test_verify": (
                "test_rewritten_chain_whose_seals_were_removed_too_is_found_by_a_seal_kept_outside",
            ),
            "archive/test_tampering": ("test_account_deleted_with_every_trace_is_found_by_a_seal_kept_elsewhere",),
        },
    ),
    (
        "whoever has SEAL_KEY",
        "forge seals",
        {"archive/test_integrity_document": ("test_forged_seals_do_not_fit_those_sent_away_before",)},
    ),
    (
        "whoever controls the machine",
        "keep it out",
        {"views/test_integrity_pages": ("test_event_that_was_altered_is_shown_with_the_difference_and_marked",)},
    ),
)


def lines_of_the_table() -> list[tuple[str, str]]:
    text = (ROOT / "docs" / "integrity.md").read_text(encoding="utf-8")
    table = re.search(r"^\| Who .*?\n\|[ |-]+\n(.*?)\n\n", text, re.MULTILINE | re.DOTALL)
    assert table
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].splitlines()]
    return [(who, what) for who, what, _ in cells]


def test_every_line_of_the_table_has_its_tests() -> None:
    lines = lines_of_the_table()
    assert len(lines) == len(LINES)
    for (who, what), (who_begins, what_begins, tests) in zip(lines, LINES, strict=True):
        assert who.startswith(who_begins)
        assert what.startswith(what_begins)
        for file, names in tests.items():
            source = (Path(ROOT) / "tests" / f"{file}.py").read_text(encoding="utf-8")
            assert names
            for name in names:
                assert f"def {name}(" in source, (file, name)


# --- lines that have no other test ----------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("person", ["admin", "alice", "bob", "audrey"])
def test_no_role_changes_an_event(archive: NexmoAccount, login: Any, person: str) -> None:
    client = login(person)
    event = AuditEvent.objects.get(seq=4)
    before = AuditEvent.objects.values().get(seq=4)
    for page in (
        f"/admin/events/auditevent/{event.pk}/change/",
        f"/admin/events/auditevent/{event.pk}/delete/",
        event.get_absolute_url(),
        reverse("events:list"),
    ):
        assert client.post(page, {"post": "yes", "raw": "{}", "event_type": "X"}).status_code in (302, 403, 404, 405)
        client.delete(page)
    assert AuditEvent.objects.values().get(seq=4) == before


@pytest.mark.django_db
def test_added_event_stands_in_the_chain(archive: NexmoAccount) -> None:
    AuditEvent.objects.create(account=archive, event_id="made-up", created_at=AuditEvent.objects.get(seq=1).created_at)
    assert verified() == "intact"
    assert AuditEvent.objects.get(event_id="made-up").seq == 8


@pytest.mark.django_db
def test_removal_by_hand_stands_in_the_records_and_in_later_seals(archive: NexmoAccount, sql: SQL) -> None:
    removal = borrowed(archive)
    event = AuditEvent.objects.get(seq=4)
    left = chain.record_hash(chain.values_of(event)).hex()
    RemovedEvent.objects.create(account=archive, seq=4, record_hash=left, removal=removal)
    event.delete()
    assert Removal.objects.get().count == 1
    assert seals.read(*_signed(seals.seal(archive))).removed == 1


@pytest.mark.django_db
def test_forged_seals_do_not_fit_those_sent_away_before(archive: NexmoAccount, attack: SQL) -> None:
    sent = seals.read(*_signed(seals.seal(archive)))
    rows = list(AuditEvent.objects.order_by("seq"))
    rows[3].user_id = "somebody else"
    rewrite_chain(archive, rows)
    attack("DELETE FROM events_seal")
    seals.seal(archive)
    assert problem(archive) == ""
    assert "the chain was rewritten" in problem(archive, outside_seals=[sent])


def _signed(seal: Seal) -> tuple[str, str]:
    return seal.statement, seal.signature
