"""Lessons with questions whose answers are known, by which search is judged."""
