"""Settings become objects, and are closed again; the only place that knows everyone."""

from adserver.wiring.control import ControlPlane, control_plane, keys_here, stop_store
from adserver.wiring.run import run_server

__all__ = ["ControlPlane", "control_plane", "keys_here", "run_server", "stop_store"]
