"""Every metric: declared in one list, counted by workers in a `Meter`, shown of a whole node."""
