"""What any ASGI server on uvicorn can hope for: one function, no framework, no threads."""

import uvicorn
from command_line import SILENT_SECONDS, options

if __name__ == "__main__":
    chosen = options(__doc__)
    uvicorn.run(
        "bare_asgi:app",
        host="127.0.0.1",
        port=chosen.port,
        workers=chosen.workers,
        access_log=False,
        log_level="warning",
        timeout_keep_alive=SILENT_SECONDS,
        lifespan="off",
    )
