"""Serves over gRPC alone."""

from . import main

if __name__ == "__main__":
    main()
