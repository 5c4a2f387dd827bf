"""From an uploaded video to a published lesson; a partition is a video."""
