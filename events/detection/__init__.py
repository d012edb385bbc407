"""What deserves a look before anybody asks. Reads the archive and never holds up a sync."""
