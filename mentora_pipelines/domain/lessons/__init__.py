"""From an uploaded video to a published lesson, one step per file."""
