"""Which class serves which kind of stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.models import Stream
from events.streams.destinations.bulk import Bulk
from events.streams.destinations.files import Files
from events.streams.destinations.splunk import Splunk
from events.streams.destinations.syslog import Syslog
from events.streams.destinations.webhook import Webhook

if TYPE_CHECKING:
    from events.streams.destinations.destination import Destination

DESTINATIONS: dict[str, Destination] = {
    Stream.Kind.WEBHOOK: Webhook(),
    Stream.Kind.SPLUNK: Splunk(),
    Stream.Kind.BULK: Bulk(),
    Stream.Kind.SYSLOG: Syslog(),
    Stream.Kind.FILES: Files(),
}
