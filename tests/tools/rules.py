"""Detection rules for tests."""

from __future__ import annotations

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"


def rule_text(
    uid: str = ONE, title: str = "Numbers bought", event_type: str = "NUMBER_ASSIGN", level: str = "medium"
) -> str:
    """A rule that finds each event of a type."""
    return f"""\
title: {title}
id: {uid}
status: experimental
description: Somebody bought a number.
logsource:
    product: vonage
    service: audit
detection:
    selection:
        event_type: {event_type}
    condition: selection
level: {level}
tags:
    - attack.impact
falsepositives:
    - A campaign that begins.
custom:
    next_steps:
        - Ask who bought it.
"""
