"""Serve the models in ./models over gRPC and HTTP, until Ctrl-C."""

import alog
from caikit.runtime.__main__ import main

import text_sentiment  # noqa: F401 - registers the module and configures the runtime

if __name__ == "__main__":
    alog.configure(default_level="info")
    main()
