"""What is cached under which name, for how long, and what a change makes stale."""
