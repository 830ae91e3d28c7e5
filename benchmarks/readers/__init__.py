"""Large files, and the ways to read them."""
