"""The words of a report: for the terminal, for Markdown, and for each failure."""
