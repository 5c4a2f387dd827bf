"""The words of a language, and which of them a lesson is about."""
