"""Quizzes in PostgreSQL: rows, evidence, life cycle, requests."""
