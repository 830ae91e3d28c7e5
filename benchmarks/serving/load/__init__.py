"""A load generator: each connection sends its next request when it has its answer, and looks at every byte of it."""
