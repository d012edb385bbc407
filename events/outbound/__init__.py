"""How anything leaves for somebody else's server: where it may go, how it is posted and signed, what answers mean."""
