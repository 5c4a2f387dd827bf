"""Speech recognition by Whisper models, through faster-whisper."""
