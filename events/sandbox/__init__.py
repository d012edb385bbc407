"""The sandbox: a simulator of Nexmo's Audit API, for the demo, for tests, and for trying things out.

It knows nothing of Django and makes no connection of its own. See docs/sandbox.md.
"""

from events.sandbox.chapters import Takeover
from events.sandbox.faults import FAULTS, Fault, FaultSpec
from events.sandbox.odd import odd_events
from events.sandbox.shape import EVENT_TYPES
from events.sandbox.simulator import Sandbox
from events.sandbox.store import SandboxAccount
from events.sandbox.switches import Switches
from events.sandbox.wire import Request

__all__ = [
    "EVENT_TYPES", "FAULTS", "Fault", "FaultSpec", "Request", "Sandbox", "SandboxAccount", "Switches",
    "Takeover", "odd_events",
]  # fmt: skip
