"""Asks whether videos on the web can be played, and reaches nothing else."""
