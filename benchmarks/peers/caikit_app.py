"""caikit, over the transport that the variant names: standard or native."""

import json
import os
import sys
from pathlib import Path

from command_line import LONGEST_BODY, TASKS, options


def main() -> None:
    chosen = options(__doc__)
    models = chosen.folder / "models"
    module_id = f"7a5b0c86-51a8-4f5d-8c5c-7d9c3f6a1e0{TASKS.index(chosen.task) + 1}"
    for name in [chosen.task, *(f"{chosen.task}-{number}" for number in range(1, chosen.models))]:
        (models / name).mkdir(parents=True)
        (models / name / "config.yml").write_text(f"module_id: {module_id}\n")
    settings = {
        "library": "bench_models",
        "local_models_dir": str(models),
        "transport": chosen.variant,
        "workers": chosen.workers,
        "batching": {"default": {"size": chosen.batch, "collect_delay_s": 0.005}},
        "max_held_request_bytes": None,
        "grpc": {
            "host": "127.0.0.1",
            "port": chosen.grpc_port,
            "unix_socket_path": "",
            "options": {"grpc.max_receive_message_length": LONGEST_BODY},
        },
        "http": {"host": "127.0.0.1", "port": chosen.port, "max_body_size": LONGEST_BODY},
        "metrics": {"host": "127.0.0.1", "port": 0},
    }
    config = chosen.folder / "config.yml"
    config.write_text(json.dumps({"runtime": settings, "log": {"level": "error"}}))
    os.environ["CONFIG_FILES"] = str(config)
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    os.execv(sys.executable, [sys.executable, "-m", "caikit.runtime"])


if __name__ == "__main__":
    main()
