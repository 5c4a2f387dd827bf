"""From our errors to Dagster's, for work that belongs to no video."""

from assets.observation import platform_step

permanent_errors_fail_at_once = platform_step
"""A permanent error fails the step, any other one is tried again."""
