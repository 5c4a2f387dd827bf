"""What the platform makes, one data product per file, named as in `domain/`.

Here belong captions around one call into the domain: what an asset needs, what the
UI says of it and the numbers an operator wants. Not here: rules, SQL, an SDK.
"""
