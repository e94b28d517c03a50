"""Grammar files of the languages that lattice reads; installed as the package ``lattice.grammar``."""
