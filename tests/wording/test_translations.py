"""The catalogues of messages: complete, in step with the code, and faithful to what stands between the words."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import polib
import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.utils import translation

from accounts import names as account_names
from accounts.access.models import AccessEntry
from events.models import names as event_names
from events.nexmo.catalog import EVENT_TYPES, FAMILIES, SOURCES
from events.wording.codes import TO_TRANSLATE
from tests.tools.skips import NO_GETTEXT

ROOT = Path(settings.BASE_DIR)
LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]
OURS = ("accounts", "auditsite", "events")
GETTEXT = shutil.which("xgettext") and shutil.which("msgmerge")
REQUIRED = os.environ.get("GETTEXT_TESTS") == "required"

# What a translation must hold as often as its message: %(name)s, {piece}, tags, `code`, and codes of addresses.
HELD = re.compile(r"%\(\w+\)[sd]|%%|\{[\w-]*\}|</?[a-z][^>]*>|`[^`]+`|\b[A-Z]+_[A-Z_]+\b")
OPTIONAL = re.compile(r"\[([^\]]*)\]")


def catalogue(language: str) -> polib.POFile:
    return polib.pofile(str(ROOT / "locale" / language / "LC_MESSAGES" / "django.po"))


def translations(entry: polib.POEntry) -> list[str]:
    return [*entry.msgstr_plural.values()] if entry.msgid_plural else [entry.msgstr]


def held(text: str) -> tuple[Counter[str], list[list[str]]]:
    return Counter(HELD.findall(text)), sorted(sorted(HELD.findall(part)) for part in OPTIONAL.findall(text))


def keys(messages: Any) -> set[tuple[str | None, str, str]]:
    return {(entry.msgctxt, entry.msgid, entry.msgid_plural or "") for entry in messages}


def test_every_language_on_offer_has_a_catalogue() -> None:
    assert sorted(path.name for path in (ROOT / "locale").iterdir()) == sorted(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_translated(language: str) -> None:
    messages = catalogue(language)
    assert [entry.msgid for entry in messages if entry.obsolete or entry.fuzzy or not entry.translated()] == []
    assert len(messages) > 400


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_hold_what_their_messages_hold(language: str) -> None:
    for entry in catalogue(language):
        messages = [entry.msgid, entry.msgid_plural] if entry.msgid_plural else [entry.msgid]
        for translated in translations(entry):
            # A form for one thing may leave the number out.
            assert held(translated) in [held(message) for message in messages], entry.msgid
            assert translated == translated.strip()


def test_spanish_spells_a_word_one_way_where_two_are_right() -> None:
    words = [translated for entry in catalogue("es") for translated in translations(entry)]
    assert [text for text in words if "período" in text.lower()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogue_is_in_step(language: str) -> None:
    written = catalogue(language)
    compiled = polib.mofile(str(ROOT / "locale" / language / "LC_MESSAGES" / "django.mo"))

    def content(messages: Any) -> dict[tuple[str | None, str], Any]:
        return {(entry.msgctxt, entry.msgid): translations(entry) for entry in messages}

    assert content(compiled) == content(written)


@pytest.mark.skipif(not GETTEXT and not REQUIRED, reason=NO_GETTEXT)
def test_catalogues_hold_the_messages_of_the_code_and_no_others(tmp_path: Path) -> None:
    assert GETTEXT, NO_GETTEXT
    for name in (*OURS, "templates", "locale"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "static"))
    command = [sys.executable, str(ROOT / "manage.py"), "makemessages", "--all", "--no-obsolete", "--verbosity", "0"]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)

    for language in LANGUAGES:
        extracted = polib.pofile(str(tmp_path / "locale" / language / "LC_MESSAGES" / "django.po"))
        missing, left_over = keys(extracted) - keys(catalogue(language)), keys(catalogue(language)) - keys(extracted)
        assert (missing, left_over) == (set(), set()), "run `make messages` and translate what is new"


def test_no_message_hides_in_an_f_string() -> None:
    """xgettext does not look into those."""
    hidden = []
    for path in (path for name in OURS for path in (ROOT / name).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                calls = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
                if any(isinstance(call, ast.Name) and (call.id == "_" or "gettext" in call.id) for call in calls):
                    hidden.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert hidden == []


def test_catalogues_words_stand_where_translators_find_them() -> None:
    known = {*EVENT_TYPES.values(), *SOURCES.values(), *(title for _, _, title in FAMILIES), "Other"}
    assert set(TO_TRANSLATE) == known
    assert len(TO_TRANSLATE) == len(known)


def test_names_that_the_admin_shows_stand_where_translators_find_them() -> None:
    found = set()
    with translation.override(None):
        for model in (
            model for name in ("accounts", "events", "mfa") for model in apps.get_app_config(name).get_models()
        ):
            options: Any = model._meta
            for kind in ("verbose_name", "verbose_name_plural"):
                if kind not in options.original_attrs:
                    found.add(str(getattr(options, kind)))
            if model in admin.site._registry:
                hidden = (*(admin.site._registry[model].exclude or ()), "user", "data")  # Django's own word; not shown
                found |= {
                    str(field.verbose_name)
                    for field in (*options.local_fields, *options.local_many_to_many)
                    if field._verbose_name is None and not field.primary_key and field.name not in hidden
                }
    renamed = {str(name) for singular, plural, _ in account_names.OURS.values() for name in (singular, plural)}
    assert found - {*account_names.TO_TRANSLATE, *event_names.TO_TRANSLATE, *renamed} == set()


# What only "tú" would say.
FAMILIAR = re.compile(r"\b(tú|tus?|te|ti|contigo|tuy[oa]s?|puedes|tienes|quieres|eres|estás|has)\b", re.IGNORECASE)
IMPERATIVE = re.compile(
    r"(?:^|[.:;!?] |Después |Luego )(?:entra|vuelve|cierra|arrastra|pulsa|elige|escribe|pon|haz|usa|añade|quita|borra"
    r"|abre|busca|comprueba|introduce|selecciona|inicia|revisa|confirma|descarga|marca|configura|ejecuta|pregunta"
    r"|comparte|repite|intenta|reinicia|actualiza|escanea"
    r"|(?:ciérr|cámbi|bórr|quít|guárd|cópi|márc|revís|búsc|pruéb|configúr|elimín|actív|desactív|intént)al[oa]s?)\b",
    re.IGNORECASE,
)


def test_spanish_is_polite() -> None:
    familiar = [
        text
        for entry in catalogue("es")
        for text in translations(entry)
        if FAMILIAR.search(text) or IMPERATIVE.search(text)
    ]

    assert familiar == []


def test_log_s_column_and_by_a_date_are_two_words() -> None:
    with translation.override("es"):
        assert str(AccessEntry._meta.get_field("via").verbose_name) == "por"
        assert translation.pgettext("at the latest", "by") == "a más tardar"
