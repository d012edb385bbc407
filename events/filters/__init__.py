"""The filter: form, search box, pills, saved views."""
