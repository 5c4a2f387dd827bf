"""Who may see what a creator sells: memberships, as Whop says."""
