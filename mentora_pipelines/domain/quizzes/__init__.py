"""Quizzes: their questions, the rules these must pass, and their life."""
