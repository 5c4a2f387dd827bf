"""Rules and ports: what a lesson is and how one thing follows from another.

Here belong frozen types, pure functions, and the Protocols that name what a rule
needs from outside. Not here: I/O, a clock, an SDK, Dagster, the environment.
"""
