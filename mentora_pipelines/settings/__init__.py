"""Every environment variable the platform reads, one class per service.

Here belong names, defaults and their checks. Not here: connecting to anything. A
class reads the environment when it is made, never at import.
"""
