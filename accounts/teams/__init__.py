"""Teams: groups that accounts are shared with, who may read of them, and their pages."""
