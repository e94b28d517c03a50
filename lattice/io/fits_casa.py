"""FITS files with the header that casacore and CASA write, and their order of axes."""

from __future__ import annotations

import datetime
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lattice.coords.header import WcsCards
from lattice.coords.spectral import C, to_hertz, unit_factor
from lattice.errors import LatticeError, warn
from lattice.graph.attributes import Attributes
from lattice.graph.beams import plane_axes
from lattice.graph.sections import Section
from lattice.io.base import ImageSpec, Output
from lattice.io.fits_cards import image_cards, structure
from lattice.io.fits_encode import Encoder, native_encoder, scaled_encoder
from lattice.io.fits_header import Card, header_bytes
from lattice.io.fits_history import log_to_lines
from lattice.io.fits_options import CASA_ONLY, WriteOptions
from lattice.io.fits_staged import RangeOutput

__all__ = ["CasaStyle", "arrangement", "casa_cards", "casa_header", "casa_output"]

_VELREF = {
    "LSRK": 1,
    "BARYCENT": 2,
    "HELIOCEN": 2,
    "TOPOCENT": 3,
    "LSRD": 4,
    "GEOCENTR": 5,
    "SOURCE": 6,
    "GALACTOC": 7,
}


@dataclass(frozen=True)
class CasaStyle:
    """How a file in the style of CASA is laid out; the defaults are those of its image tool.

    Attributes
    ----------
    velocity : bool
        Whether the spectral axis counts velocities. Those of an axis that is linear in frequency are not
        always linear too: a warning tells how far off they are.
    optical : bool
        Whether velocities, also the alternative ones beside frequencies, are optical rather than radio.
    wavelength : bool
        Whether the spectral axis counts wavelengths.
    airwavelength : bool
        Whether these are wavelengths in air.
    stokeslast : bool
        Whether the Stokes axis becomes the last one of the file.
    dropstokes : bool
        Whether a Stokes axis of one plane is left out.
    dropdeg : bool
        Whether all axes of length 1 are left out.
    deglast : bool
        Whether axes of length 1 become the last of the file.
    history : bool
        Whether the history is written.
    """

    velocity: bool = False
    optical: bool = True
    wavelength: bool = False
    airwavelength: bool = False
    stokeslast: bool = True
    dropstokes: bool = False
    dropdeg: bool = False
    deglast: bool = False
    history: bool = True

    @classmethod
    def of(cls, options: WriteOptions) -> CasaStyle:
        """Return the style that options ask for."""
        given = {name: getattr(options, name) for name in CASA_ONLY if getattr(options, name) is not None}
        for name, value in given.items():
            if not isinstance(value, bool | np.bool_):
                raise LatticeError(f"{name}={value!r} is neither True nor False")
        made = cls(**given)
        if made.velocity and (made.wavelength or made.airwavelength):
            raise LatticeError("a spectral axis counts either velocities or wavelengths")
        return made


def casa_output(
    path: str, spec: ImageSpec, options: WriteOptions, *, overwrite: bool = False, sync: bool = False
) -> Output:
    """Start a file in the style of CASA; parameters as of `lattice.io.fits.FitsFormat.create`."""
    inner, order, wcs, about = _described(spec, CasaStyle.of(options))

    def start(encoder: Encoder, extra: Sequence[Card] = ()) -> Output:
        more = {
            "style": [*_scaling(encoder), *extra, *about],
            "wcs": wcs,
            "overwrite": overwrite,
            "sync": sync,
        }
        return options.output(path, inner, encoder, **more)

    made: Output
    if options.needs_range:
        bitpix = options.bitpix or 16

        def finish(low: float, high: float, bad: bool) -> Output:
            found: list[Card] = [("DATAMIN", low, ""), ("DATAMAX", high, "")] if low <= high else []
            return start(scaled_encoder(bitpix, low, high, bad or bitpix != 16), found)

        made = RangeOutput(path, inner, finish, overwrite=overwrite, mask=options.mask)
    elif options.minpix is not None:
        made = start(
            options.encoder(inner), [("DATAMIN", options.minpix, ""), ("DATAMAX", options.maxpix, "")]
        )
    else:
        made = start(options.encoder(inner))
    return made if order == tuple(range(len(spec.shape))) else _ArrangedOutput(made, spec, order)


def _described(
    spec: ImageSpec, style: CasaStyle
) -> tuple[ImageSpec, tuple[int, ...], list[Card], list[Card]]:
    """Return what becomes of an image: its description, order of axes, coordinates, and cards about it."""
    order = arrangement(spec, style)
    inner = _arranged(spec, order)
    inner = replace(inner, history=tuple(log_to_lines(inner.history)) if style.history else ())
    wcs, about = casa_cards(inner, style)
    return inner, order, wcs, about


def _scaling(encoder: Encoder) -> list[Card]:
    return [("BSCALE", 1.0, ""), ("BZERO", 0.0, "")] if encoder.bitpix < 0 else []


def casa_header(spec: ImageSpec, style: CasaStyle | None = None) -> bytes:
    """Return the header of the FITS file that CASA would write of an image, without writing one.

    Parameters
    ----------
    spec : ImageSpec
        The image.
    style : CasaStyle, optional
        How it is laid out.
    """
    inner, _, wcs, about = _described(spec, style or CasaStyle())
    encoder = native_encoder(np.dtype(inner.dtype), True)
    cards = structure(encoder.bitpix, inner.shape)
    return header_bytes([*cards, *image_cards(inner, wcs, encoder, style=[*_scaling(encoder), *about])])


# -- the order of axes ----------------------------------------------------------------------------------


def arrangement(spec: ImageSpec, style: CasaStyle) -> tuple[int, ...]:
    """Return which axes of an image become those of the file, both in numpy order."""
    n = len(spec.shape)
    kinds = tuple(spec.coords.kinds) if spec.coords is not None else ("none",) * n
    axes = list(range(n - 1, -1, -1))  # the first of the file is the last of numpy
    stokes = [a for a in axes if kinds[a] == "stokes"]
    if style.dropdeg and any(k > 1 for k in spec.shape):
        axes = [a for a in axes if spec.shape[a] > 1]
    elif style.dropstokes and stokes:
        if spec.shape[stokes[0]] == 1 and n > 1:
            axes.remove(stokes[0])
        else:
            warn(f"dropstokes=True drops one plane only; the image has {spec.shape[stokes[0]]} of them")
    if style.deglast:
        axes = [a for a in axes if spec.shape[a] > 1] + [a for a in axes if spec.shape[a] == 1]
    if style.stokeslast:
        axes = [a for a in axes if kinds[a] != "stokes"] + [a for a in axes if kinds[a] == "stokes"]
    return tuple(reversed(axes))


def _arranged(spec: ImageSpec, order: tuple[int, ...]) -> ImageSpec:
    if order == tuple(range(len(spec.shape))):
        return spec
    coords = spec.coords.select(order) if spec.coords is not None else None
    beams = spec.beams
    image = Attributes(np.dtype(spec.dtype), tuple(spec.shape), tuple(spec.dims), coords=spec.coords)
    axes = plane_axes(image, len(beams)) if len(beams) > 1 else None
    if axes is not None:
        grid = np.array(beams).reshape((*(spec.shape[a] for a in axes), 3))
        moved = [axes.index(a) for a in order if a in axes]
        gone = [i for i in range(len(axes)) if i not in moved]
        beams = tuple(tuple(b) for b in grid.transpose((*gone, *moved, len(axes))).reshape(-1, 3).tolist())
    return replace(
        spec,
        shape=tuple(spec.shape[a] for a in order),
        dims=tuple(spec.dims[a] for a in order),
        coords=coords,
        beams=beams,
    )


class _ArrangedWriter:
    """A writer that takes the axes of the image, and gives them on in the order of the file."""

    def __init__(self, inner: Any, shape: tuple[int, ...], order: tuple[int, ...]) -> None:
        self.inner, self.shape, self.order = inner, tuple(shape), order
        self.dtype, self.direct = inner.dtype, inner.direct

    @property
    def chunks(self) -> tuple[int, ...]:
        """The chunks of the file, in the order of the image."""
        out = [1] * len(self.shape)
        for axis, n in zip(self.order, self.inner.chunks, strict=True):
            out[axis] = n
        return tuple(out)

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Write values and their mask."""
        place = tuple(section[a] for a in self.order)
        self.inner.write(place, self._turned(values), None if mask is None else self._turned(mask))

    def _turned(self, values: np.ndarray) -> np.ndarray:
        gone = [a for a in range(len(self.shape)) if a not in self.order]
        shape = tuple(values.shape[a] for a in self.order)
        return np.ascontiguousarray(values.transpose((*gone, *self.order)).reshape(shape))


class _ArrangedOutput(Output):
    """An output of which the axes have another order than those of the image."""

    def __init__(self, inner: Output, spec: ImageSpec, order: tuple[int, ...]) -> None:
        super().__init__()
        self._inner = inner
        self.path = inner.path
        self.writer = _ArrangedWriter(inner.writer, spec.shape, order)
        self.mask_writers = {
            name: _ArrangedWriter(writer, spec.shape, order) for name, writer in inner.mask_writers.items()
        }

    def _commit(self) -> None:
        self._inner.commit()

    def _abort(self) -> None:
        self._inner.abort()


# -- the header -----------------------------------------------------------------------------------------


def casa_cards(spec: ImageSpec, style: CasaStyle) -> tuple[list[Card], list[Card]]:
    """Return the cards of the coordinates, and those about the image, as CASA writes them."""
    given = spec.coords.to_cards(spec.shape) if spec.coords is not None else ()
    meta = {key: value for key, value, _ in spec.meta}
    about: list[Card] = []
    if "BTYPE" not in meta:
        about.append(("BTYPE", "Intensity", ""))
    out: list[Card] = []
    if any(kind != "none" for kind in (spec.coords.kinds if spec.coords is not None else ())):
        out = _Description(spec, given, style).cards()
    if "TIMESYS" not in meta and not any(key == "TIMESYS" for key, _, _ in given):
        about.append(("TIMESYS", "UTC", "time system"))
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    about += [("DATE", now, "when the file was written"), ("ORIGIN", f"lattice {_version()}", "")]
    return out, about


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lattice-images")
    except PackageNotFoundError:  # a checkout that is not installed
        return ""


class _Description:
    """The coordinates of an image in cards of its own."""

    def __init__(self, spec: ImageSpec, given: Sequence[Card], style: CasaStyle) -> None:
        assert spec.coords is not None
        self.spec, self.style, self.coords = spec, style, spec.coords
        self.wcs = WcsCards.parse(given)
        self.values: dict[str, Any] = {key: value for key, value, _ in given}
        self.given = given
        self.n = max(len(spec.shape), self.wcs.axes)
        kinds = spec.coords.kinds
        self.kinds = {len(kinds) - i: kind for i, kind in enumerate(kinds)}

    def cards(self) -> list[Card]:
        """Return them all."""
        matrix, cdelt = self._matrix()
        numbers = range(1, self.n + 1)
        out: list[Card] = [] if self.n == len(self.spec.shape) else [("WCSAXES", self.n, "")]
        out += self._frame()
        out += self._poles(matrix, cdelt)
        out += [(f"PC{i}_{j}", matrix.get((i, j), float(i == j)), "") for j in numbers for i in numbers]
        after: list[Card] = []
        for i in numbers:
            axis: list[Any] = [self.wcs.ctype(i), self.wcs.number("CRVAL", i, 0.0), cdelt[i], self._unit(i)]
            if self.kinds.get(i) == "spectral":
                axis, after = self._spectral(i, cdelt[i])
            elif axis[3] in _DEGREES and axis[0][:4].strip("-") != "":
                factor = _DEGREES[str(axis[3])]
                axis[1:] = [float(axis[1]) * factor, float(axis[2]) * factor, "deg"]
            crpix = float(self.wcs.crpix.get(i, 0.0))
            names = ("CTYPE", "CRVAL", "CDELT", "CRPIX", "CUNIT")
            row = (axis[0], float(axis[1]), float(axis[2]), crpix, axis[3])
            out += [(f"{name}{i}", value, "") for name, value in zip(names, row, strict=True)]
        out += self._parameters()
        out += after
        done = {key for key, _, _ in out} | _REPLACED
        # Other descriptions (A to Z) and what belongs to the observation stay as they are.
        return out + [c for c in self.given if c[0] not in done and not _is_primary(c[0])]

    def _unit(self, i: int) -> str:
        unit = self.wcs.world.get(("CUNIT", i), "")
        text = unit.strip() if isinstance(unit, str) else ""
        return text or ("deg" if self.kinds.get(i) in ("longitude", "latitude") else "")

    def _matrix(self) -> tuple[dict[tuple[int, int], float], dict[int, float]]:
        """Return the PC matrix and CDELT, whatever the header had instead."""
        wcs = self.wcs
        numbers = range(1, self.n + 1)
        cdelt = {i: wcs.number("CDELT", i, 1.0) for i in numbers}
        if wcs.is_cd:
            out = {}
            for i in numbers:
                row = [wcs.pc(i, j) for j in numbers]
                size = math.hypot(*row)
                cdelt[i] = math.copysign(size, wcs.pc(i, i) or 1.0) if size else cdelt[i]
                out.update({(i, j): row[j - 1] / cdelt[i] if size else float(i == j) for j in numbers})
            return out, cdelt
        out = dict(wcs.matrix)
        if not out:
            pair = [i for i in numbers if self.kinds.get(i) in ("longitude", "latitude")]
            turn = next(
                (wcs.number("CROTA", i, 0.0) for i in reversed(pair) if ("CROTA", i) in wcs.world), 0.0
            )
            if len(pair) == 2 and turn:
                a, b = pair
                cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
                out = {(a, a): cos, (b, b): cos}
                out[a, b], out[b, a] = -sin * cdelt[b] / cdelt[a], sin * cdelt[a] / cdelt[b]
        return out, cdelt

    def _frame(self) -> list[Card]:
        if not any(self.wcs.ctype(i).startswith("RA--") for i in range(1, self.n + 1)):
            return [c for c in self.given if c[0] in ("RADESYS", "EQUINOX")]
        system = self.values.get("RADESYS", self.values.get("RADECSYS"))
        equinox = self.values.get("EQUINOX", self.values.get("EPOCH"))
        equinox = float(equinox) if isinstance(equinox, int | float) else None
        if not isinstance(system, str) or not system.strip():
            system = "ICRS" if equinox is None else ("FK5" if equinox >= 1984 else "FK4")
        system = system.strip().upper()
        if equinox is None and system in ("FK5", "FK4"):
            equinox = 2000.0 if system == "FK5" else 1950.0
        out: list[Card] = [] if equinox is None or system == "ICRS" else [("EQUINOX", equinox, "")]
        return [*out, ("RADESYS", system, "")]

    def _sky(self) -> tuple[int, int] | None:
        found = {kind: i for i, kind in self.kinds.items() if kind in ("longitude", "latitude")}
        return (found["longitude"], found["latitude"]) if len(found) == 2 else None

    def _poles(self, matrix: dict[tuple[int, int], float], cdelt: dict[int, float]) -> list[Card]:
        """Return LONPOLE and LATPOLE, which are defaults of the projection in many headers."""
        sky = self._sky()
        if sky is None:
            return []
        from astropy.wcs import WCS

        w = WCS(naxis=2)
        w.wcs.ctype = [self.wcs.ctype(i).replace("-SIP", "") for i in sky]
        w.wcs.crval = [self.wcs.number("CRVAL", i, 0.0) * _DEGREES.get(self._unit(i), 1.0) for i in sky]
        w.wcs.set_pv(
            [
                (1 if i == sky[0] else 2, int(m), float(value))
                for (i, m), value in self._given_parameters().items()
                if i in sky
            ]
        )
        for name in ("lonpole", "latpole"):
            value = self.values.get(name.upper())
            if isinstance(value, int | float) and not isinstance(value, bool):
                setattr(w.wcs, name, float(value))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                w.wcs.set()
        except Exception as exc:  # wcslib has a dozen kinds; what was there is then all that is known
            warn(f"the poles of the projection are not known: {str(exc).splitlines()[0]}")
            return [c for c in self.given if c[0] in ("LONPOLE", "LATPOLE")]
        return [("LONPOLE", float(w.wcs.lonpole), ""), ("LATPOLE", float(w.wcs.latpole), "")]

    def _given_parameters(self) -> dict[tuple[int, int], float]:
        out = {}
        for key, value in self.values.items():
            if key.startswith("PV") and "_" in key and key[2:].replace("_", "").isdigit():
                i, m = key[2:].split("_")
                if isinstance(value, int | float) and not isinstance(value, bool):
                    out[int(i), int(m)] = float(value)
        return out

    def _parameters(self) -> list[Card]:
        found = self._given_parameters()
        sky = self._sky()
        if sky is not None and self.wcs.ctype(sky[1]).endswith("-SIN"):
            for m in (1, 2):
                found.setdefault((sky[1], m), 0.0)
        return [(f"PV{i}_{m}", value, "") for (i, m), value in sorted(found.items())]

    # -- the spectral axis -----------------------------------------------------------------------------

    def _spectral(self, i: int, cdelt: float) -> tuple[list[Any], list[Card]]:
        """Return CTYPE, CRVAL, CDELT, CUNIT of the spectral axis, and the cards that go with it."""
        style = self.style
        pixel = float(self.wcs.crpix.get(i, 0.0)) - 1
        as_it_is = [self.wcs.ctype(i), self.wcs.number("CRVAL", i, 0.0), cdelt, self._unit(i)]
        rest = self.coords.rest_frequency or 0.0
        frame = self.values.get("SPECSYS")
        after: list[Card] = []
        if rest > 0:
            after.append(("RESTFRQ", rest, "rest frequency (Hz)"))
        if isinstance(frame, str) and frame.strip():
            after.append(("SPECSYS", frame.strip(), "spectral reference frame"))
        found = self._frequency(as_it_is, pixel, rest)
        if found is None:
            return as_it_is, after
        frequency, step = found
        wanted = "FREQ"
        if style.wavelength or style.airwavelength:
            wanted = "AWAV" if style.airwavelength else "WAVE"
        elif style.velocity:
            wanted = "VOPT" if style.optical else "VRAD"
        if wanted in ("VOPT", "VRAD") and not rest > 0:
            warn("there is no rest frequency (RESTFRQ): the spectral axis is written as frequencies")
            wanted = "FREQ"
        functions = to_hertz(wanted, rest)
        assert functions is not None
        value, following = functions[1](np.array([frequency, frequency + step])).tolist()
        exact = {"FREQ": step, "VRAD": -C * step / rest if rest > 0 else 0.0}
        increment = exact.get(wanted, following - value)
        self._warn_if_curved(i, wanted, functions[1], pixel, value, increment)
        if wanted in ("FREQ", "VOPT", "VRAD") and rest > 0:
            other = to_hertz("VOPT" if style.optical else "VRAD", rest)
            assert other is not None
            alternative = (
                float(other[1](np.asarray(found[0], float))) if wanted == "FREQ" else float(found[0])
            )
            after.append(("ALTRVAL", alternative, "alternative reference value"))
            after.append(("ALTRPIX", pixel + 1, "alternative reference pixel"))
            code = _VELREF.get(str(frame or "").strip().upper())
            if code is not None:
                after.append(
                    ("VELREF", code + (0 if style.optical else 256), "1 LSR, 2 HEL, 3 OBS, +256 radio")
                )
        unit = {"FREQ": "Hz", "WAVE": "m", "AWAV": "m"}.get(wanted, "m/s")
        return [wanted, value, increment, unit], after

    def _frequency(self, axis: list[Any], pixel: float, rest: float) -> tuple[float, float] | None:
        """Return frequency and increment at the reference pixel, None if they are not known."""
        kind, value, step = axis[0].rstrip(), axis[1], axis[2]
        factor = unit_factor(axis[3])
        if factor is not None and kind == "FREQ":
            return value * factor, step * factor
        if factor is not None and kind == "VRAD" and rest > 0:
            return rest * (1 - value * factor / C), -rest * step * factor / C
        found = self.coords.frequencies_at(np.array([pixel, pixel + 1]))
        if found is None or not np.isfinite(found).all() or found[0] == found[1]:
            return None
        return float(found[0]), float(found[1] - found[0])

    def _warn_if_curved(
        self, i: int, name: str, function: Any, pixel: float, value: float, step: float
    ) -> None:
        """Tell how far a linear axis is from the truth."""
        n = self.spec.shape[len(self.spec.shape) - i] if i <= len(self.spec.shape) else 1
        pixels = np.array([0.0, n / 2, n - 1.0])
        true = self.coords.frequencies_at(pixels)
        if true is None:
            return
        off = float(np.abs(function(true) - value - step * (pixels - pixel)).max())
        if off > 1e-3 * abs(step):
            warn(
                f"the {name} axis of the file is linear, which that of the image is not: it is off by up to "
                f"{off:.4g} ({off / abs(step):.2g} pixels)"
            )


_DEGREES = {"deg": 1.0, "rad": 180 / math.pi, "arcmin": 1 / 60, "arcsec": 1 / 3600}
_REPLACED = frozenset(
    name
    for names in (
        ("WCSAXES", "RADESYS", "RADECSYS", "EQUINOX", "EPOCH", "LONPOLE", "LATPOLE"),
        ("RESTFRQ", "RESTFREQ", "RESTWAV", "SPECSYS", "VELREF", "ALTRVAL", "ALTRPIX"),
    )
    for name in names
)


def _is_primary(key: str) -> bool:
    """Return True for cards of an axis in the primary description."""
    bare = key.rstrip("0123456789_")
    return bare in ("CTYPE", "CRVAL", "CDELT", "CRPIX", "CUNIT", "CROTA", "PC", "CD", "PV") and bare != key
