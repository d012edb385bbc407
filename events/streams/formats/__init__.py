"""How events and findings are written for other systems: pure functions of a record (docs/stream-formats.md)."""

from __future__ import annotations

from events.streams.formats import ocsf, ocsf_access
from events.streams.formats.declared import Format
from events.streams.formats.ecs import ECS
from events.streams.formats.flat import FLAT
from events.streams.formats.raw import RAW

OCSF = Format("ocsf", f"OCSF {ocsf.VERSION}", ocsf.EVENT.make, ocsf.FINDING.make, access=ocsf_access.ACCESS.make)

# Every format that a stream can have, by its name.
FORMATS: dict[str, Format] = {each.name: each for each in (RAW, FLAT, ECS, OCSF)}

__all__ = ["FORMATS", "Format"]
