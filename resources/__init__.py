"""From configuration to adapter: what stands behind the ports that assets name.

Here belong Dagster's resources, each a few lines around `providers`, and the storage
of Dagster's own instance. Not here: work, or a heavy import at the top of a file.
"""
