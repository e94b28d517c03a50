"""The tests of lattice; this file makes sure that `tests` is found here and nowhere else."""
