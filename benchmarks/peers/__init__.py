"""The programs that are compared, one module each; none is imported before its worker runs."""

from __future__ import annotations

import importlib

from benchmarks.peers.base import Peer

__all__ = ["DEFAULT_PEERS", "PEERS", "Peer", "load_peer"]

PEERS = {
    "lattice": "benchmarks.peers.lattice_peer:LatticePeer",
    "lattice-casa": "benchmarks.peers.lattice_peer:LatticeCasaPeer",
    "casacore": "benchmarks.peers.casacore_peer:CasacorePeer",
    "spectral-cube": "benchmarks.peers.spectral_cube_peer:SpectralCubePeer",
    "libvips": "benchmarks.peers.vips_peer:VipsPeer",
    "dask": "benchmarks.peers.dask_peer:DaskPeer",
    "dask-zarr": "benchmarks.peers.dask_peer:DaskZarrPeer",
    "numexpr": "benchmarks.peers.numexpr_peer:NumexprPeer",
}
DEFAULT_PEERS = ("lattice", "casacore", "spectral-cube", "libvips", "dask", "numexpr")


def load_peer(name: str) -> Peer:
    """The peer of that name; its library is not imported yet."""
    try:
        module, _, attribute = PEERS[name].partition(":")
    except KeyError:
        raise ValueError(f"no such peer: {name}; there are {', '.join(PEERS)}") from None
    peer: Peer = getattr(importlib.import_module(module), attribute)()
    return peer
