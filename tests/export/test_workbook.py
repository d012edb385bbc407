"""A workbook is more than a table of texts: dates, widths, a heading that filters, and what it says of itself."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.management import call_command
from django.utils import timezone
from xlsxwriter import Workbook

from accounts.models import NexmoAccount, profile_of
from events.export import workbook
from events.export.columns import COLUMNS, Shape
from events.sync import coverage
from tests.conftest import NOON
from tests.tools.export import (
    FURTHER,
    HEADER,
    SHEET,
    SHEET_HEADER,
    Add,
    Login,
    about,
    add_many,
    body,
    csv_rows,
    number_formats,
    sheets,
)


def part(content: bytes, name: str) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return ElementTree.fromstring(book.read(f"xl/{name}.xml"))


def one(tree: ElementTree.Element, tag: str) -> ElementTree.Element:
    (found,) = tree.iter(f"{SHEET}{tag}")
    return found


def format_of(content: bytes, cell: str) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        formats = number_formats(book.read("xl/styles.xml"))
    (found,) = (node for node in part(content, "worksheets/sheet1").iter(f"{SHEET}c") if node.get("r") == cell)
    return formats[int(found.get("s", "0"))]


class TestTimes:
    def test_they_are_numbers_that_excel_takes_for_dates(
        self, login: Login, account: NexmoAccount, add_event: Add
    ) -> None:
        add_event(account, 1, created_at="2026-07-01T12:00:00Z")

        content = body(login("alice").get("/events/export.xlsx?times=Europe/Madrid"))

        cell = next(node for node in part(content, "worksheets/sheet1").iter(f"{SHEET}c") if node.get("r") == "A2")
        assert cell.get("t") is None
        assert float(cell.findtext(f"{SHEET}v") or 0) == pytest.approx(46204 + 14 / 24)  # DATE(2026, 7, 1), 14:00
        assert format_of(content, "A2") == 'yyyy-mm-dd hh:mm:ss "+02:00"'

    def test_the_heading_shows_the_zone_and_keeps_its_name(self, login: Login, cast: dict[str, Any]) -> None:
        content = body(login("alice").get("/events/export.xlsx?times=Europe/Madrid"))

        assert sheets(content)["Events"][0][0] == "created_at"
        assert format_of(content, "A1") == '@" (Europe/Madrid)"'

    def test_the_hour_that_comes_twice_is_told_apart(self, login: Login, account: NexmoAccount, add_event: Add) -> None:
        add_event(account, 1, created_at="2026-10-25T00:30:00Z")
        add_event(account, 2, created_at="2026-10-25T01:30:00Z")

        rows = sheets(body(login("alice").get("/events/export.xlsx?times=Europe/Madrid")))["Events"]

        assert [row[0] for row in rows[1:]] == ["2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+02:00"]

    def test_fractions_of_a_second_stay(self, login: Login, account: NexmoAccount, add_event: Add) -> None:
        add_event(account, 1, created_at="2026-07-01T12:00:00.25Z")

        content = body(login("alice").get("/events/export.xlsx?times=utc"))

        assert sheets(content)["Events"][1][0] == "2026-07-01T12:00:00.250000+00:00"
        assert format_of(content, "A2") == 'yyyy-mm-dd hh:mm:ss.000 "UTC"'

    @pytest.mark.parametrize("text", ["1899-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00"])
    def test_what_excel_has_no_date_of_stays_text(self, text: str, tmp_path: Path) -> None:
        target = tmp_path / "old.xlsx"
        with Workbook(target, {"constant_memory": True}) as book:
            written = workbook._Sheets(book, Shape(("created_at",), timezone.get_default_timezone()))
            written.add((text,))
            written.end()
            book.add_worksheet("About")

        assert sheets(target.read_bytes())["Events"] == [["created_at"], [text]]


def test_heading_stays_in_view_and_filters_all_rows(login: Login, account: NexmoAccount) -> None:
    add_many(account, range(1, 8))

    sheet = part(body(login("alice").get("/events/export.xlsx")), "worksheets/sheet1")

    assert (one(sheet, "pane").get("ySplit"), one(sheet, "pane").get("state")) == ("1", "frozen")
    assert one(sheet, "autoFilter").get("ref") == "A1:P8"


def test_each_sheet_filters_its_own_rows(login: Login, account: NexmoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "ROWS_PER_SHEET", 4)
    add_many(account, range(1, 7))

    content = body(login("alice").get("/events/export.xlsx?columns=event_id"))

    found = [one(part(content, f"worksheets/sheet{number}"), "autoFilter").get("ref") for number in (1, 2)]
    assert found == ["A1:A5", "A1:A3"]


def test_every_column_has_a_width(login: Login, cast: dict[str, Any]) -> None:
    assert set(workbook.WIDTHS) == set(COLUMNS)

    sheet = part(body(login("alice").get("/events/export.xlsx")), "worksheets/sheet1")

    widths = [float(node.get("width", "0")) for node in sheet.iter(f"{SHEET}col")]
    assert [int(width) for width in widths] == [workbook.WIDTHS[name] for name in SHEET_HEADER]


class TestInWords:
    def exported(self, client: Any, kind: str = "csv") -> dict[str, str]:
        content = body(client.get(f"/events/export.{kind}?columns={','.join((*HEADER, *FURTHER))}"))
        if kind == "csv":
            return csv_rows(content)[0]
        header, row = sheets(content)["Events"]
        return dict(zip(header, row, strict=True))

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_what_happened_and_where_are_said(
        self, login: Login, account: NexmoAccount, add_event: Add, kind: str
    ) -> None:
        add_event(account, 1, event_type="NUMBER_RELEASE", context={"msisdn": "447700900000"}, source_country="gb")

        row = self.exported(login("alice"), kind)

        assert row["what_happened"] == "Released number 447700900000"
        assert (row["source_country"], row["source_country_name"]) == ("GB", "United Kingdom")

    def test_stands_in_excel_behind_when_whose_and_who(
        self, login: Login, account: NexmoAccount, add_event: Add
    ) -> None:
        add_event(account, 1)

        header = sheets(body(login("alice").get("/events/export.xlsx")))["Events"][0]

        assert list(header[:6]) == ["created_at", "account", "account_name", "user_email", "what_happened", "event_id"]
        assert sorted(header) == sorted(COLUMNS)

    def test_in_the_language_of_the_reader(
        self, login: Login, cast: dict[str, Any], account: NexmoAccount, add_event: Add
    ) -> None:
        profile = profile_of(cast["alice"])
        profile.language = "es"
        profile.save()
        add_event(account, 1, event_type="NUMBER_RELEASE", context={"msisdn": "447700900000"}, source_country="GB")
        client = login("alice")

        row = self.exported(client)

        assert row["what_happened"] == "Liberó el número 447700900000"
        assert row["source_country_name"] == "Reino Unido"
        assert list(about(body(client.get("/events/export.xlsx"))))[0] == "Eventos"

    def test_they_hold_no_markup_and_no_formula(self, login: Login, account: NexmoAccount, add_event: Add) -> None:
        add_event(account, 1, event_type="APP_CREATE", context={"name": "<b>&=1+1"})
        add_event(account, 2, event_type="-1+1", event_type_description="", source_country="=X")
        client = login("alice")

        hostile, marked = csv_rows(body(client.get("/events/export.csv?columns=" + ",".join(FURTHER))))

        assert marked == {"what_happened": "Created application <b>&=1+1", "source_country_name": "United Kingdom"}
        assert hostile == {"what_happened": "'-1+1", "source_country_name": ""}

    def test_without_a_sentence_the_description_stands(
        self, login: Login, account: NexmoAccount, add_event: Add
    ) -> None:
        add_event(account, 1, event_type="SOMETHING_NEW", event_type_description="Something new", context=...)

        assert self.exported(login("alice"))["what_happened"] == "Something new"

    def test_programs_get_them_only_where_they_ask(self, login: Login, account: NexmoAccount) -> None:
        add_many(account, range(1))

        assert list(csv_rows(body(login("alice").get("/events/export.csv")))[0]) == HEADER

    def test_a_secret_in_an_address_is_hidden_there_too(
        self, login: Login, account: NexmoAccount, add_event: Add
    ) -> None:
        add_event(
            account,
            1,
            event_type="NUMBER_UPDATED",
            context={"number": "1", "voice-type": "sip", "voice-value": "https://x.example/?token=hush"},
        )

        assert "hush" not in self.exported(login("alice"))["what_happened"]


class TestAbout:
    def test_it_says_what_was_exported(self, login: Login, account: NexmoAccount) -> None:
        add_many(account, range(1, 8))
        coverage.add(account, None, NOON)

        found = about(
            body(
                login("alice").get(
                    "/events/export.xlsx?account=demo0001&source=CD&date_from=2026-03-01&times=Europe/Madrid"
                )
            )
        )

        assert found["Events"] == "7"
        assert found["Filter"].splitlines() == [
            "From 2026-03-01",
            "Account is Quillfern Parcel",
            "Source is Dashboard",
        ]
        assert found["Period"] == "Since 2026-03-01 01:00:00 +01:00"
        assert found["Accounts"] == "Quillfern Parcel (demo0001)"
        assert found["Times"].startswith("In Europe/Madrid.")
        assert found["Completeness"] == "Complete until 2026-03-15 13:00:00 +01:00."
        assert found["Exported by"] == "alice"
        assert found["Exported at"][:4].isdecimal()

    def test_without_a_filter_it_says_so(self, login: Login, cast: dict[str, Any]) -> None:
        found = about(body(login("alice").get("/events/export.xlsx")))

        assert found["Events"] == "0"
        assert found["Filter"] == "None: all events of these accounts."
        assert found["Period"] == "All times."
        assert len(found["Accounts"].splitlines()) == 2

    def test_it_names_no_account_of_others(self, login: Login, cast: dict[str, Any]) -> None:
        found = about(body(login("charlie").get("/events/export.xlsx")))

        assert "demo0001" not in str(found) and "demo0003" in found["Accounts"]

    def test_an_account_that_is_left_out_is_not_named(self, login: Login, cast: dict[str, Any]) -> None:
        found = about(body(login("alice").get("/events/export.xlsx?account=-demo0001")))

        assert "demo0001" not in found["Accounts"] and "demo0002" in found["Accounts"]

    def test_a_long_list_is_told_whole(self, login: Login, cast: dict[str, Any]) -> None:
        many = [f"SOURCE{number}" for number in range(25)]

        found = about(body(login("alice").get(f"/events/export.xlsx?source={','.join(many)}")))

        assert all(name in found["Filter"] for name in many) and "remove" not in found["Filter"]

    def test_a_cut_points_to_no_file_without_such_a_sheet(
        self, login: Login, cast: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(workbook, "CELL", 100)
        many = ",".join(f"SOURCE{number}" for number in range(25))

        found = about(body(login("alice").get(f"/events/export.xlsx?source={many}")))["Filter"]

        assert found.endswith(" … [cut: a cell holds 32,767 characters]") and len(found) == 100

    def test_hostile_words_are_text(self, login: Login, cast: dict[str, Any], account: NexmoAccount) -> None:
        NexmoAccount.objects.filter(pk=account.pk).update(name="=1+1")

        found = about(body(login("alice").get("/events/export.xlsx", {"search_text": "=2+2", "account": "demo0001"})))

        assert "=2+2" in found["Filter"] and found["Accounts"] == "=1+1 (demo0001)"

    def test_a_command_says_that_it_was_one(self, account: NexmoAccount, add_event: Add, tmp_path: Path) -> None:
        add_event(account, 1)
        target = tmp_path / "events.xlsx"

        call_command("export_events", "--format", "xlsx", "-o", str(target))

        found = about(target.read_bytes())
        assert (found["Events"], found["Exported by"]) == ("1", "manage.py export_events")
