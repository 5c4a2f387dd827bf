"""Metrics in PostgreSQL."""
