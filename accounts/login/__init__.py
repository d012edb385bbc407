"""What is asked of whoever is logged in: a second factor, to confirm who they are, and to log in again in time."""
