"""From modules and tasks to RPCs: what a runtime offers, decided before the first request arrives."""
