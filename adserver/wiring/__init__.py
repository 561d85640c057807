"""Settings become objects, and are closed again; the only place that knows everyone."""
