"""Files of events: kinds, shape, progress."""
