"""What is known of the work: logs, times, errors told to Sentry; and what is not told.

Here belongs what every layer above may use. Not here: Dagster, or what is watched.
"""
