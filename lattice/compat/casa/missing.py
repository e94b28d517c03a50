"""What CASA has and is not served here: scripts may name it, and are told when they use it."""

from __future__ import annotations

from typing import Any, NoReturn

from lattice.compat.casa.errors import CasaError

__all__ = ["SHELL", "TASKS", "TOOLS", "Unserved", "UnservedError", "missed", "note"]

_TOOLS = """
    agentflagger atmosphere atcafiller calanalysis calibrater componentlist ctsys functional
    imagemetadata imagepol imager iterbotsink linearmosaic miriadfiller ms msmetadata mstransformer
    sakura sdm sidebandseparator simulator singledishms spectralline synthesisdeconvolver
    synthesisimager synthesisimstore synthesismaskhandler synthesisnormalizer synthesisutils table
    tablerow utils vlafiller vpmanager wvr
"""
TOOLS = frozenset(_TOOLS.split())
"""CASA's tools for other things than images."""

_TASKS = """
    accor apparentsens applycal asdmsummary bandpass blcal calstat clearcal clearstat concat
    conjugatevis cvel cvel2 deconvolve defintent delmod exportasdm exportuvfits feather fixplanets
    fixvis flagcmd flagdata flagmanager fluxscale fringefit ft gaincal gencal getantposalma getcalmodvla
    getephemtable hanningsmooth imbaseline imfit importasap importasdm importatca importfitsidi
    importgmrt importmiriad importnro importuvfits importvla initweights listcal listfits listhistory
    listobs listpartition listsdm listvis mstransform msuvbin nrobeamaverage partition phaseshift
    plotants plotbandpass plotprofilemap plotweather polcal polfromgain predictcomp rerefant rmfit
    sdatmcor sdbaseline sdcal sdfit sdfixscan sdgaincal sdimaging sdintimaging sdpolaverage
    sdsidebandsplit sdsmooth sdtimeaverage setjy simalma simanalyze simobserve slsearch smoothcal
    specfit specflux splattotable split spxfit statwt tclean testconcat tsdimaging uvcontsub
    uvcontsub_old uvmodelfit uvsub virtualconcat vishead visstat widebandpbcor wvrgcal
"""
TASKS = frozenset(_TASKS.split())
"""CASA's tasks that are not served."""

SHELL = {
    "af": "agentflagger", "at": "atmosphere", "cb": "calibrater", "cl": "componentlist", "fn": "functional",
    "im": "imager", "imd": "imagemetadata", "lm": "linearmosaic", "ms": "ms", "msmd": "msmetadata",
    "mt": "mstransformer", "po": "imagepol", "sdms": "singledishms", "sl": "spectralline", "sm": "simulator",
    "tb": "table", "vp": "vpmanager",
}  # fmt: skip
"""Names of tools in CASA's shell."""

_seen: dict[str, int] = {}


class UnservedError(CasaError, AttributeError):
    """What CASA has, and lattice has not."""


class Unserved:
    """What stands for a tool or task that is not served: it can be named, but not used.

    Parameters
    ----------
    name : str
        Its name, with that of its package.

    Examples
    --------
    >>> Unserved("casatasks.tclean")
    <casatasks.tclean, which is not served by lattice>
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"<{self._name}, which is not served by lattice>"

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse the call, and count it."""
        self._refuse(self._name)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(f"{self!r} has no {name}")
        self._refuse(f"{self._name}.{name}")

    def _refuse(self, name: str) -> NoReturn:
        note(name)
        raise UnservedError(f"{name} is not served by lattice", hint="it needs CASA itself")


def note(name: str) -> None:
    """Count a call that is not served."""
    _seen[name] = _seen.get(name, 0) + 1


def missed(*, forget: bool = False) -> dict[str, int]:
    """Return the names that were asked for in vain, and how often.

    Parameters
    ----------
    forget : bool, optional
        Whether to count anew from now on.

    Examples
    --------
    >>> note("image.nothing")
    >>> missed(forget=True)["image.nothing"]
    1
    """
    found = dict(_seen)
    if forget:
        _seen.clear()
    return found
