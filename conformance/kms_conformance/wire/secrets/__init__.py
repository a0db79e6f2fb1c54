"""Redaction of secrets: the search by value, the patterns by name, and the redactor that combines both."""
