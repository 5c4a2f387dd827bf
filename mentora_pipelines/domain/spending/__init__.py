"""What asking a provider costs: reserved before, settled after, within a budget."""
