"""Lattice behind the names and habits of other packages, so that their scripts run on it."""
