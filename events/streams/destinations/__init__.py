"""Where streams lead: one module for each kind of destination, all of them `destination.Destination`s."""
