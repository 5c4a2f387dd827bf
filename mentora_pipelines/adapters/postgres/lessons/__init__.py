"""Lessons in PostgreSQL: videos, versions, and what is made of them."""
