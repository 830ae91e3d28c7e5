"""Work in threads and processes that can be stopped."""
