"""Reviews: that somebody looked through the events of a filter, signed off; and who is reminded to do so when."""
