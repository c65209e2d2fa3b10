"""The sandbox venues in the foreground, for a container: prepares the catalogue, serves, and ends when one of them dies."""

import os
import signal
import sys
import threading

from include.errors import PolybrokerError
from include.hooks.prepare import prepare, sandbox_settings
from include.sandbox import control

LOOK_SECONDS = 2.0


def serve(screens: str, stop: threading.Event) -> int:
    """Serve until `stop` is set (0) or a venue has died (1): whoever started this starts it again.

    Args:
        screens: `synthetic`, a folder of exports, or an old universe.json.
        stop: Ends it.
    """
    settings = sandbox_settings(screens)
    folder = settings.environ.sandbox_dir
    prepare(settings, None)
    control.up(folder)
    print(f"Venues listen; their addresses are in {folder / 'sandbox.env'}", flush=True)
    try:
        while not stop.wait(LOOK_SECONDS):
            dead = [row["venue"] for row in control.status(folder) if not row["running"]]
            if dead:
                print(f"{', '.join(dead)} ended by itself", file=sys.stderr, flush=True)
                return 1
        return 0
    finally:
        control.down(folder)


def main() -> int:
    """Serve the screens of `POLYBROKER_SCREENS` (default: synthetic) until SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        return serve(os.environ.get("POLYBROKER_SCREENS") or "synthetic", stop)
    except PolybrokerError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
