"""What docs/look.md says of the stylesheet's parts."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from auditsite import assets

STATIC = Path(settings.BASE_DIR) / "auditsite" / "static" / "auditsite"
TOKENS = (STATIC / "tokens.css").read_text()
OTHERS = {path.name: path.read_text() for path in [*STATIC.glob("css/*.css"), STATIC / "admin.css"]}
# White paper for a code that phones read, in either theme.
ALLOWED = {"event.css": {"#fff"}}


def test_only_the_tokens_name_colours() -> None:
    named = {
        name: set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])|\b(?:rgb|hsl|oklch)a?\([^)]*\)", css))
        - ALLOWED.get(name, set())
        for name, css in OTHERS.items()
    }

    assert {name: colours for name, colours in named.items() if colours} == {}


def test_every_token_is_defined_used_and_documented() -> None:
    defined = set(re.findall(r"^\s+(--[\w-]+):", TOKENS, re.MULTILINE))
    set_by_parts = {name for css in OTHERS.values() for name in re.findall(r"(--[\w-]+):", css)}
    used = {name for css in [TOKENS, *OTHERS.values()] for name in re.findall(r"var\((--[\w-]+)", css)}
    document = (Path(settings.BASE_DIR) / "docs" / "look.md").read_text()

    assert used - defined - set_by_parts == set()
    assert defined - used == set()
    for name in defined:
        stem = name.removesuffix("-soft") if name not in document else name
        assert stem in document or "--family-" in name, name


def test_every_part_is_in_the_bundle() -> None:
    parts = {str(path.relative_to(STATIC).with_suffix("")) for path in STATIC.glob("css/*.css")}
    scripts = {str(path.relative_to(STATIC).with_suffix("")) for path in STATIC.glob("js/*.js")}

    assert parts == set(assets.STYLES) - {"tokens"}
    assert scripts == set(assets.SCRIPTS) | {"js/ticks"}, "that one comes with the lists of boxes"
