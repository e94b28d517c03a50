# ruff: noqa: E501 (a table: what is compared stands on one line)
"""Analysis side by side: what CASA is called with, and what lattice is; see tests/casa_operations.py."""

from __future__ import annotations

from tests.casa_operations import INPUTS, SKY, Case, Input

INPUTS |= {
    "pb plane": Input((21, 18), INPUTS["plane"].cards, "", ()),
    "pb cube": Input((9, 15, 16), INPUTS["cube"].cards, "", ()),
    "pb cube flat": Input((15, 16), SKY | {"CRPIX1": 9.0, "CRPIX2": 7.0}, "", ()),
    "pb full": Input((7, 2, 14, 13), INPUTS["full"].cards, "", ()),
    "pb full flat": Input((14, 13), SKY | {"CRPIX1": 7.0, "CRPIX2": 8.0}, "", (), False),
}  # fmt: skip


def _contsub(channels: list[int], order: int, kept: str) -> str:
    return f"ia.continuumsub(outline='o', outcont='c', channels={channels}, fitorder={order}, overwrite=True).done(); out = '{kept}'"


ALL_GOOD = ("clean", "clean full", "clean pixel")
CHOSEN = [0, 1, 3, 4, 5, 6]

ANALYSIS = [
    Case("contsub line", ("cube", "full", "clean pixel"), _contsub(CHOSEN, 1, "o"), lambda a, _: a.contsub(CHOSEN, 1).line),
    Case("contsub continuum", ("cube", "full", "clean pixel"), _contsub(CHOSEN, 1, "c"), lambda a, _: a.contsub("0~1;3~6", 1).continuum),
    Case("contsub order 2", ("cube", "full", "clean full"), _contsub([-1], 2, "o"), lambda a, _: a.contsub(order=2).line),
    Case("contsub order 0", ("cube", "full", "clean full"), _contsub([-1], 0, "c"), lambda a, _: a.contsub().continuum),
    *(
        Case(f"pbcor {mode} {cutoff} {pb}", (name,), f"out = ia.pbcor('{pb}.im', outfile='o', mode='{mode}', cutoff={cutoff}, overwrite=True)",
             lambda a, get, pb=pb, mode=mode, cutoff=cutoff: a.pbcor(get(pb), mode, cutoff if cutoff > 0 else None), others=(pb,))
        for name, pb in (("plane", "pb plane"), ("cube", "pb cube"), ("cube", "pb cube flat"), ("full", "pb full"), ("full", "pb full flat"))
        for mode, cutoff in (("divide", 0.9), ("multiply", 2.0), ("divide", -1))
    ),
    Case("pv row", ("cube", "clean", "full"), "out = ia.pv('o', start=[3, 6], end=[8, 6], width=1)", lambda a, _: a.pv([(3, 6), (8, 6)]), 1e-5, apart=1e-3),
    Case("pv row wide", ("cube", "clean", "full"), "out = ia.pv('o', start=[3, 6], end=[9, 6], width=3)", lambda a, _: a.pv([(3, 6), (9, 6)], 3), 1e-5, apart=1e-3),
    # CASA turns the image first, and rounding lets it see the bad neighbours of whole pixels: images without any
    Case("pv column", ALL_GOOD, "out = ia.pv('o', start=[4, 9], end=[4, 5], width=3)", lambda a, _: a.pv([(4, 9), (4, 5)], 3), 1e-5, apart=1e-3),
    Case("pv oblique", ALL_GOOD, "out = ia.pv('o', start=[5, 5], end=[7, 7], width=1)", lambda a, _: a.pv([(5, 5), (7, 7)]), 1e-5, apart=1e-3),
    Case("pv oblique wide", ALL_GOOD, "out = ia.pv('o', start=[4, 5], end=[8, 9], width=3)", lambda a, _: a.pv([(4, 5), (8, 9)], 3), 1e-5, apart=1e-3),
    Case("pv steep", ALL_GOOD, "out = ia.pv('o', start=[7, 4], end=[5, 10], width=1)", lambda a, _: a.pv([(7, 4), (5, 10)], 1), 1e-5, apart=1e-3),
    Case("pv centre", ALL_GOOD, "out = ia.pv('o', center=[6, 7], length=4, pa='90deg', width=1)", lambda a, _: a.pv(center=(6, 7), length=4, pa="90deg"), 1e-5, apart=1e-3),
]  # fmt: skip
"""What is compared."""
