"""Quizzes in the formats of other programs, and on paper."""
