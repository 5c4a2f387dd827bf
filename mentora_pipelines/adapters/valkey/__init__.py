"""Valkey, Redis and what speaks like them: the cache, and what must not be evicted."""
