"""All about one user, address, number or application."""
