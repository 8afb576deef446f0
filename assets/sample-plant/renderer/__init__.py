"""Renders the sample plant's sources to PDF, DOCX, Markdown and plain text."""
