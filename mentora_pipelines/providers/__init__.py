"""Which adapter stands behind each port: settings in, adapter out.

Here belongs the choice, once, for the assets' resources and for the command line.
Not here: Dagster, or what an adapter does. Heavy packages load when they are used.
"""
