"""One message on its way: where it may go, how it is signed, posted or given to apprise. Writes nothing down."""
