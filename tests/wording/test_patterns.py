"""Every regular expression reads a long and hostile text in time that grows with its length, not with its square.

The patterns are found in the source, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from events.export.formulas import harmless, harmless_json
from events.filters import search_box
from events.masking import mask, mask_json, secret_names
from events.nexmo import parse
from events.nexmo.errors import MalformedResponse
from events.sandbox.query import in_order, wildcards
from events.storage import search_index
from events.wording.changes import changes, text_of
from events.wording.context_line import summarise
from events.wording.json_layout import pretty
from events.wording.lookalikes import skeleton
from events.wording.marking import coded, marked
from events.wording.sentences import sentence

ROOT = Path(__file__).parents[2]
FUNCTIONS = {"compile", "sub", "match", "fullmatch", "search", "split", "findall", "finditer"}
# What a long text may be made of, what it may begin with, and what keeps it from matching in the end.
UNITS = (
    "a",
    "0",
    " ",
    "\t",
    '"',
    '\\"',
    "token",
    "://",
    "?a=",
    "-",
    "a:",
    '"a',
    "_",
    ";=",
    "[",
    "{a}",
    "A-",
    "\u200b",
    "\n",
)
STARTS = ("", "?", '"', "://", "2026-01-01T00:00")
ENDS = ("", "\0", '"')
SHORT, LONG = 1_250, 5_000
# A text four times as long may take four times as long; what grows with the square takes sixteen times as long.
MOST_GROWTH = 12
NOTICED = 0.001  # seconds of the longer text: less says nothing, and is no trouble

# Matched from one place only, never looked for at every place of a text.
AT_ONE_PLACE = {
    "events/detection/sigma/metadata.py": (r"[a-z0-9_-]+\.[a-z0-9._-]+",),
    "events/export/csv_text.py": (r"(?:[A-Za-z0-9][A-Za-z0-9_.:-]*+\n)*",),
    "events/nexmo/parse.py": (r'"(?:[^"\\]++|\\.)*+"', r"\s*[0-9]{1,15}\s*"),
    "events/nexmo/values.py": (r"([0-9.]+):[0-9]{1,5}|\[([0-9A-Fa-f:.%]+)\](?::[0-9]{1,5})?",),
    "auditsite/configuration/checks.py": (r"[A-Za-z][A-Za-z0-9+.-]*://\S+",),
    "auditsite/configuration/database_url.py": (r"(.*?)(?::(\d*))?", r"(?:/[^/?#@]*+)++\?(?:\w++=[^&#]*+&?)++"),
    "events/storage/search_index.py": (r'(-?)"([^"]*)(?:"(?=\s|$)|$)|(-(?=[^\s"-]))?([^\s"]+)(?=\s|$)',),
}
OURS = {"events/wording/sentences.py": (r"\[([^\]]*)\]",)}  # reads only our own sentences
DYNAMIC = {
    "events/sandbox/query.py",  # made of what is searched for: test_wildcards_of_the_sandbox
    "events/masking/secret_names.py",  # made of lists of words: test_names_of_secrets
}


# Python before 3.11.5 loses its place where a group that is repeated possessively fails in the middle. On these, 3.11.2
# and 3.11.7 find the same (test_debians_python_finds_the_same).
COMPARED = {
    "auditsite/configuration/database_url.py": (r"(?:/[^/?#@]*+)++\?(?:\w++=[^&#]*+&?)++",),
    "events/detection/sigma/regexes.py": (r"\[\^?\]?(?:\[:\w+:\]|\\.|[^\]\\])*+(?:\]|\Z)",),
    "events/masking/json_texts.py": (r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)',),
    "events/nexmo/parse.py": (r'"(?:[^"\\]++|\\.)*+"', r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)'),
    "events/wording/json_layout.py": (r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)',),
}
_GROUP_REPEATED = re.compile(r"\)(?:[*+?]|\{[0-9,]+\})\+|\(\?>")

BATTERY = tuple((start, unit, end) for start in STARTS for unit in UNITS for end in ENDS if not (start and end))
SCRIPTS = [r"(/\d+/", r"(/\p{M}/", r"(/^[a-z_]+$/", r"(/^\/accounts\/[^/]+\/events\/./"]


def found_patterns() -> Iterator[tuple[str, str, int]]:
    """Every pattern in the source: its file, itself, and its flags."""
    for path in sorted(ROOT.glob("*/**/*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(("accounts/", "auditsite/", "events/")) or "/migrations/" in name:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "re"
                and node.func.attr in FUNCTIONS
            ):
                if not isinstance(node.args[0], ast.Constant):
                    assert name in DYNAMIC, f"{name}:{node.lineno}: a pattern that is not a constant"
                    continue
                flags = sum(
                    getattr(re, part.attr).value
                    for argument in (*node.args[1:], *(keyword.value for keyword in node.keywords))
                    for part in ast.walk(argument)
                    if isinstance(part, ast.Attribute) and part.attr in re.RegexFlag.__members__
                )
                yield name, node.args[0].value, flags


def seconds(work: Callable[[str], Any], text: str, tries: int = 1) -> float:
    """The least processor time that one of a few tries took."""
    best = 1e9
    for _ in range(tries):
        begun = time.thread_time()
        work(text)
        best = min(best, time.thread_time() - begun)
    return best


def assert_linear(work: Callable[[str], Any], texts: Iterable[tuple[str, str, str]] = BATTERY) -> None:
    """Fail where a text four times as long takes many times as long. No clock decides, but the ratio of two.

    One look at each text will do as long as it is harmless; what looks like a square is measured again.
    """
    for start, unit, end in texts:
        long, short = (start + unit * (length // len(unit)) + end for length in (LONG, SHORT))
        taken = seconds(work, long)
        if taken > NOTICED and taken / seconds(work, short) >= MOST_GROWTH:
            again, shorter = seconds(work, long, tries=5), seconds(work, short, tries=5)
            assert again < NOTICED or again / shorter < MOST_GROWTH, (start, unit, end)


def test_groups_are_repeated_possessively_only_where_that_is_the_same_on_every_python() -> None:
    assert [
        (name, pattern)
        for name, pattern, _ in found_patterns()
        if _GROUP_REPEATED.search(str(pattern)) and not any(known in pattern for known in COMPARED.get(name, ()))
    ] == []


FINDING = """
import json, random, re, sys
for pattern, flags in json.load(sys.stdin):
    dice = random.Random(pattern)
    letters = [letter for letter in pattern if not letter.isspace()] + list('ab1"\\\\&;=:/ {}[],.@%_-keyu\\n')
    texts = ["".join(dice.choices(letters, k=dice.randrange(1, 18))) for _ in range(2_000)]
    print(json.dumps([[[*match.span()] for match in re.finditer(pattern, text, flags)] for text in texts]))
"""
DEBIANS = Path("/usr/bin/python3")


@pytest.mark.skipif(not DEBIANS.exists(), reason="no Python of the system's own")
def test_debians_python_finds_the_same() -> None:
    """In texts made of each pattern's own characters."""
    patterns = [
        [pattern, flags]
        for _, pattern, flags in found_patterns()
        if isinstance(pattern, str) and re.search(r"[*+?}]\+|\(\?>", pattern)
    ]
    assert len(patterns) > 20
    version = subprocess.run([DEBIANS, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True)
    if version.stdout != b"True\n":
        pytest.skip("The system's own Python is older than 3.11.")

    theirs, ours = (
        subprocess.run([python, "-c", FINDING], input=json.dumps(patterns), capture_output=True, text=True, check=True)
        for python in (DEBIANS, sys.executable)
    )

    differing = zip(patterns, theirs.stdout.splitlines(), ours.stdout.splitlines(), strict=True)
    assert [pattern for pattern, *found in differing if found[0] != found[1]] == []


def test_the_measure_sees_a_square() -> None:
    with pytest.raises(AssertionError):
        assert_linear(re.compile(r"a*b").search)


@pytest.mark.parametrize(
    ("file", "pattern", "flags"),
    [pytest.param(*found, id=f"{found[0]}-{ascii(found[1])}") for found in found_patterns()],
)
def test_pattern_reads_any_text_once(file: str, pattern: str | bytes, flags: int) -> None:
    if pattern in OURS.get(file, ()):
        return
    if isinstance(pattern, bytes):  # of the web server; a byte is a letter here
        pattern = pattern.decode("latin-1")
    compiled = re.compile(pattern, flags)
    assert_linear(compiled.match)
    assert_linear(compiled.fullmatch)
    if pattern not in AT_ONE_PLACE.get(file, ()):
        assert_linear(lambda text: list(compiled.finditer(text)))


def test_exceptions_are_still_in_the_source() -> None:
    found = {(file, pattern) for file, pattern, _ in found_patterns()}
    assert {(file, pattern) for listed in (AT_ONE_PLACE, OURS) for file in listed for pattern in listed[file]} <= found


def in_context(read: Callable[[Any], Any]) -> Callable[[str], Any]:
    return lambda text: read({"url": text, text: 1, "before": text, "after": text + "x", "list": [text], "ip": text})


def tolerantly(read: Callable[[str], Any], *expected: type[Exception]) -> Callable[[str], Any]:
    def work(text: str) -> Any:
        try:
            return read(text)
        except expected:
            return None

    return work


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(mask, id="mask"),
        pytest.param(lambda text: mask_json(json.dumps({"url": text})), id="mask_json"),
        pytest.param(text_of, id="text_of"),
        pytest.param(in_context(changes), id="changes"),
        pytest.param(in_context(summarise), id="summarise"),
        pytest.param(in_context(lambda context: sentence("IP_WHITELIST_CREATE", context)), id="sentence"),
        pytest.param(pretty, id="pretty"),
        pytest.param(marked, id="marked"),
        pytest.param(coded, id="coded"),
        pytest.param(skeleton, id="skeleton"),
        pytest.param(harmless, id="harmless"),
        pytest.param(lambda text: harmless_json(json.dumps(text, ensure_ascii=False)), id="harmless_json"),
        pytest.param(search_index.words, id="words"),
        pytest.param(search_index.searchable_text, id="searchable_text"),
        pytest.param(tolerantly(search_box.read, search_box.BadQuery), id="search_box"),
        pytest.param(tolerantly(parse.json_members, MalformedResponse), id="json_members"),
        pytest.param(
            lambda text: parse.parse_event(json.dumps({"id": text, "created_at": text}), UTC), id="parse_event"
        ),
    ],
)
def test_function_reads_any_text_once(work: Callable[[str], Any]) -> None:
    assert_linear(work)


def test_the_address_that_took_18_seconds() -> None:
    assert_linear(mask, [("https://x.example/?", "token", "@b.example"), ("?token=", "://a", "@"), ("", "?key=a", "")])


def test_wildcards_of_the_sandbox() -> None:
    patterns = wildcards("%a" * 50 + "%b", 0)

    assert_linear(lambda text: in_order(text, patterns))
    assert in_order("xaa" * 40 + "b", patterns)
    assert not in_order("a" * 49 + "b", patterns)


def test_scripts_have_no_other_patterns() -> None:
    """Those below were looked at: each is anchored, or a single class."""
    literal = re.compile(r"[(=,!]\s*/(?![/*])(?:\[(?:[^\]\\\n]|\\.)*\]|[^/\\\n\[]|\\.)+/|new RegExp")
    scripts = (ROOT / "auditsite" / "static").rglob("*.js")

    assert sorted({match[0] for path in scripts for match in literal.finditer(path.read_text())}) == SCRIPTS


def test_names_of_secrets() -> None:
    units = (*secret_names.LONG, *secret_names.SHORT, *secret_names.KEYS, *secret_names.AFTER, "_", " ", "key", "\\n")
    texts = (*BATTERY, *((start, unit, end) for start in ("", "private") for unit in units for end in ("", "x")))
    assert_linear(lambda text: secret_names.may_name_secret(text, text.lower()), texts)
    assert_linear(secret_names.is_secret, texts)
    assert_linear(secret_names._is_secret.__wrapped__, texts)
