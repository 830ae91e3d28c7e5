"""Black-box checks of a running server."""
