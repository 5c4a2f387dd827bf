"""Long scenarios of faults and load: `make soak`; each takes minutes."""
