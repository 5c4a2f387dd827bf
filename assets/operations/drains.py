"""What the drains have in common: how long their runs may take, and who goes first.

Here belong tags. Not here: any queue.
"""

from assets.tags import run_limits

MAX_RUNTIME_S = 900
"""A drain that hangs is ended after this; what it held is due again by then."""

# Seconds of work that people wait for, before lessons that take minutes.
DRAIN_TAGS = run_limits(MAX_RUNTIME_S, priority=10)
