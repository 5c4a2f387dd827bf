"""What keeps the platform going: mail, rewards."""
