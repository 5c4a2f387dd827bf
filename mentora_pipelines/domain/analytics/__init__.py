"""What happened, counted: the metrics of days and what analysts read of them."""
