"""Writes quizzes out of a lesson's own sentences."""
