"""The archive for other programs: as Nexmo's Audit API (`/beta/audit/`), and beside it our own (`/api/v1/`)."""
