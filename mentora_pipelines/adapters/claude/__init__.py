"""Claude, by Anthropic's API."""
