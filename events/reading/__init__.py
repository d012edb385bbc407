"""Reading the archive, newest first, as fast at a billion events as at a thousand.

`conditions` is what is asked for, `plan` says which index serves it, `candidates` looks few events through
whole, `pages` reads page by page, `counts` counts. docs/architecture.md tells how.
"""

from events.reading.conditions import Conditions
from events.reading.counts import Count, count
from events.reading.pages import BadCursor, Cursor, Page, read_page, read_page_at
from events.reading.rows import Row

__all__ = ["BadCursor", "Conditions", "Count", "Cursor", "Page", "Row", "count", "read_page", "read_page_at"]
