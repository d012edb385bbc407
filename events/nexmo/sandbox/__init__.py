"""The sandbox: a simulator of Nexmo's Audit API, for the demo, for tests, and for trying things out.

It knows nothing of Django and makes no connection of its own. See docs/sandbox.md.
"""

from events.nexmo.sandbox.chapters import Takeover
from events.nexmo.sandbox.faults import FAULTS, Fault, FaultSpec
from events.nexmo.sandbox.odd import odd_events
from events.nexmo.sandbox.sandbox import Sandbox
from events.nexmo.sandbox.shape import EVENT_TYPES
from events.nexmo.sandbox.store import SandboxAccount
from events.nexmo.sandbox.switches import Switches
from events.nexmo.sandbox.wire import Request

__all__ = [
    "EVENT_TYPES", "FAULTS", "Fault", "FaultSpec", "Request", "Sandbox", "SandboxAccount", "Switches",
    "Takeover", "odd_events",
]  # fmt: skip
