"""What is asked: form, search box, pills, saved views."""
