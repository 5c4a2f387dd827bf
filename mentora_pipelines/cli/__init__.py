"""The `mentora` command, one file per noun.

Here belong arguments, tables and exit codes: 0 ok, 1 failed, 2 misused. Standard
output holds the answer and nothing else; progress goes to standard error. Not here:
rules; Dagster is imported only where a command runs a job.
"""
