"""Settings with defaults in code, overridden by files and by environment variables."""

import caikit

caikit.configure(config_dict={"greeter": {"text": "Hello", "times": 1, "loud": False}})

greeter = caikit.get_config().greeter
for _ in range(greeter.times):
    print(greeter.text.upper() if greeter.loud else greeter.text)
