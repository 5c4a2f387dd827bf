"""The outside world, one SDK per file, each satisfying ports of `domain/`.

Here belong SQL, models, codecs and folders, and the translation of their errors
into `errors.py`. Not here: rules, Dagster, or the choice between adapters.
"""
