"""Rate limits: how often somebody may do something, and who somebody is."""
