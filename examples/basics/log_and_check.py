"""Log lines with a channel and a level; checks that log what they refuse."""

import alog
import caikit
from caikit.core.exceptions import error_handler

log = alog.use_channel("DEMO")
error = error_handler.get(log)


@alog.logged_function(log.debug)
def repeat(text: str, times: int) -> str:
    error.type_check("<DMO31415926E>", str, text=text)
    error.value_check("<DMO27182818E>", times > 0, "times is {}, expected at least 1", times)
    return text * times


if __name__ == "__main__":
    caikit.configure(config_dict={"text": "ho ", "times": 3})
    config = caikit.get_config()
    alog.configure(config.log.level, config.log.filters, config.log.formatter, thread_id=config.log.thread_id)
    try:
        print(repeat(config.text, config.times))
    except (TypeError, ValueError) as problem:
        print(type(problem).__name__)
