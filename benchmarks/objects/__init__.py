"""One module for each library: how it builds, writes and reads the same shapes."""
