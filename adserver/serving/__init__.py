"""The data plane: an HTTP request in, an answer out. No Redis on the way to a slot's HTML."""
