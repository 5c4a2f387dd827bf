"""Measured comparisons; run one as a script, or all with `make bench`."""
