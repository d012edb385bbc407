"""What codes, contexts and times say, in the reader's language. Pure functions."""
