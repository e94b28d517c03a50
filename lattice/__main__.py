"""``python -m lattice`` is the command ``lattice``."""

from __future__ import annotations

from lattice.cli import main

if __name__ == "__main__":
    main()
