"""How events are shown: table, histogram, page size."""
