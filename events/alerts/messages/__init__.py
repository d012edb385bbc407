"""What a message says, and what its receivers may know."""
