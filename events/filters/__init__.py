"""The filter: form, search box, pills, saved views. Which filters there are stands in `events.reading.filterable`."""
