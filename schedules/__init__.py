"""What starts work at a time, one cadence per file.

Here belong a job, a cadence and the reason for it. Not here: work.
"""
