"""Which tactics and techniques of MITRE ATT&CK a rule's tags name."""

from __future__ import annotations

import re

from events.detection.sigma import attack
from events.detection.sigma.read import read_rules
from tests.tools.catalogue import CATALOGUE


def test_tags_are_read_each_once_and_in_order() -> None:
    tags = [
        "attack.impact",
        "attack.t1098.001",
        "cve.2026-1",
        "attack.T1098",
        "attack.impact",
        "attack.credential_access",
    ]

    assert [(named.uid, named.name) for named in attack.tactics(tags)] == [
        ("TA0040", "Impact"),
        ("TA0006", "Credential Access"),
    ]
    assert [(named.uid, named.is_sub_technique) for named in attack.techniques(tags)] == [
        ("T1098.001", True),
        ("T1098", False),
    ]


def test_a_technique_that_is_not_known_here_has_no_name_and_nonsense_is_none() -> None:
    assert attack.techniques(["attack.t9999", "attack.t12", "attack.g0001"]) == [attack.Named("T9999", "")]
    assert attack.tactics(["attack.nothing"]) == []


def test_every_tag_of_the_rules_that_ship_is_known() -> None:
    for file in CATALOGUE.glob("*.yml"):
        for rule in read_rules(file.read_text(encoding="utf-8"), file.name)[0]:
            named = [*attack.tactics(rule.tags), *attack.techniques(rule.tags)]

            assert len(named) == len([tag for tag in rule.tags if tag.startswith("attack.")])
            assert all(each.name and re.fullmatch(r"T(A\d{4}|\d{4}(\.\d{3})?)", each.uid) for each in named)
