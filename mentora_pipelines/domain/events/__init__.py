"""Events: what happened, told once to everybody whom it concerns.

Here belong their payloads, the life of an event in the outbox, and what each one
sets off. Not here: the table, Dagster's runs or any clock.
"""
