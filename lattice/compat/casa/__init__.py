"""CASA's image tool, its helpers and image tasks on lattice: scripts run after changing one import line.

``from lattice.compat.casa import image`` instead of ``from casatools import image``, and so on. Where scripts
are not to be changed, `install` lets those lines themselves find this package, and
``python -m lattice.compat.casa script.py`` runs a script so.
"""

from __future__ import annotations

from lattice.compat.casa import tasks
from lattice.compat.casa.coordsys import coordsys
from lattice.compat.casa.image import image
from lattice.compat.casa.installing import install, uninstall
from lattice.compat.casa.logs import casalog, logsink
from lattice.compat.casa.measures import measures
from lattice.compat.casa.missing import missed
from lattice.compat.casa.quanta import quanta
from lattice.compat.casa.regionmanager import regionmanager
from lattice.compat.casa.tasks import *  # noqa: F403 - the list of tasks stands there, once

__all__ = [
    "casalog",
    "coordsys",
    "image",
    "install",
    "logsink",
    "measures",
    "missed",
    "quanta",
    "regionmanager",
    "uninstall",
    *tasks.__all__,
]
