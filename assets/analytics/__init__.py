"""What happened, counted; a partition is a day in UTC."""
