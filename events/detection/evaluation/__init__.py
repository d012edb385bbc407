"""What rules find: in what arrives, in a trial over the archive, and in how syncing itself goes."""
