"""Whop, through its SDK: access checks, memberships and the signature of deliveries."""
