"""Whatever strangers and members may send: no input is a server error, and no query of theirs runs away."""
