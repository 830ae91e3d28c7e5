"""What the two server faces are made of."""
