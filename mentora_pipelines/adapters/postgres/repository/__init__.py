"""Typed rows of declared tables: read, written, paged."""
