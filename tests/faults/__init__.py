"""Faults under load, on real processes, each with a control that must fail."""
