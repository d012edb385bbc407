"""Saved views as digests by e-mail: who is due (`due`), what a period was like (`figures`), what the mail says
(`message`, `chart`), and sending it (`deliver`); `outcome` alone writes what became of a mail."""
