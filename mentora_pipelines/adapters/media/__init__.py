"""Uploads of any kind become 16 kHz mono FLAC, in a confined process of their own."""
