"""HTTP servers: what any ASGI application of the platform can mount."""
