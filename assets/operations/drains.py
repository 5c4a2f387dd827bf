"""What the drains have in common: how their runs are started and end.

Here belong tags, retries and the translation of errors. Not here: any queue.
"""

import dagster as dg

MAX_RUNTIME_S = 900
"""A drain that hangs is ended after this; what it held is due again by then."""

DRAIN_TAGS = {
    "dagster/max_runtime": str(MAX_RUNTIME_S),
    # Seconds of work that people wait for, before lessons that take minutes.
    "dagster/priority": "10",
}

DRAIN_RETRIES = dg.RetryPolicy(
    max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
"""For a database that restarts; after that the sensor asks for a new run."""
