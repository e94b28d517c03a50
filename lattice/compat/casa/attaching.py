"""The image tool attached to images: files, arrays, expressions, several images as one; and detached."""

from __future__ import annotations

import functools
import glob
import itertools
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lattice.api import concat, expr
from lattice.compat.casa.arguments import called, matched, served
from lattice.compat.casa.core import ImageCore, created
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.making import image_record
from lattice.compat.casa.records import checked_record, coords_of
from lattice.compat.mutable import Derived, InMemory, Mutable
from lattice.compat.stored import InFile
from lattice.image import Image

__all__ = ["ImageAttaching", "Opened", "open_image"]

_MODES = {"paged": "", "nomovevirtual": "stay", "copyvirtual": "copy", "movevirtual": "move"}
_TYPES = {"f": "f4", "d": "f8", "c": "c8", "cd": "c16"}
_NAMES = {"float32": "float", "float64": "double", "complex64": "complex", "complex128": "dcomplex"}


class Opened(Derived):
    """A file whose pixels are seen in another type: CASA takes everything from FITS as single precision."""

    def __init__(self, file: InFile) -> None:
        super().__init__((file,), lambda: _single(file.image()), file.label)
        self.file = file
        self.persistent = True


def _single(image: Image) -> Image:
    if image.dtype == np.float64:
        return expr("float($1)", image)._with(history=image.history)
    return image


def open_image(name: str) -> Mutable:
    """Return the image in a file of any format.

    Parameters
    ----------
    name : str
        Path; ``:mask`` behind it names a mask, ``:nomask`` none.
    """
    path, mask = os.path.expanduser(name), "default"
    if not os.path.exists(path) and ":" in os.path.basename(path):
        path, _, mask = path.rpartition(":")
    file = InFile(path, mask)
    if file.format.name == "casa" or file.image().dtype != np.float64:
        return file
    return file if "update" in file.format.can else Opened(file)


def _parts(csys: Mapping[str, Any], shape: Sequence[int], linear: bool) -> dict[str, Any]:
    """Return coordinates and header cards of a new image; the shape is fastest first."""
    record = csys if csys else image_record(shape, linear)
    coords, cards = coords_of(checked_record(record, len(shape)), tuple(shape)[::-1])
    return {"coords": coords, "meta": tuple(cards)}


def _pixel_type(type: str) -> np.dtype[Any]:
    word = type.strip().lower()
    if word not in _TYPES:
        raise CasaError(f"there is no type {type!r} of pixels", hint="f, d, c or cd")
    return np.dtype(_TYPES[word])


def _newly(method: Any, what: str) -> Any:
    """Return a method that does the same with a new tool, and returns that."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        tool = type(self)()
        method(tool, *args, **kwargs)
        return tool

    call.__name__ = call.__qualname__ = f"newimage{method.__name__}"
    call.__doc__ = f"Return a new tool with {what}; parameters are the same."
    return call


class ImageAttaching(ImageCore):
    """How a tool comes by its image, and leaves it."""

    def _attach(self, pixels: Mutable) -> bool:
        self._pixels = pixels
        return True

    @served()
    def open(self, infile: str, cache: bool = True) -> bool:
        """Attach to the image in a file: CASA, FITS, Miriad, HDF5, Zarr or whatever lattice reads."""
        if not infile:
            raise CasaError("give the name of an image")
        return self._attach(open_image(infile))

    def newimage(self, infile: str) -> Any:
        """Return a new tool attached to a file."""
        tool = type(self)()
        tool.open(infile)
        return tool

    def newimagefromfile(self, infile: str) -> Any:
        """Return a new tool attached to a file."""
        return self.newimage(infile)

    # -- new images -------------------------------------------------------------------------------------

    def _new(
        self, outfile: str, pixels: np.ndarray, csys: Any, linear: bool, overwrite: bool, call: Any
    ) -> bool:
        """Attach to a new image of an array in numpy's order."""
        shape = pixels.shape[::-1]
        parts = _parts(csys, shape, linear)
        lines = called(*call) if self._keeps_history else ()
        self._pixels = None
        if not outfile:
            own = pixels if pixels.flags.writeable else np.array(pixels)
            new = InMemory(own, own=True, label="Temporary_Image", history=lines, **parts)
            return self._attach(new)
        image = Image(pixels, wcs=parts["coords"], meta=parts["meta"], history=lines)
        return self._attach(created(outfile, image, overwrite))

    @served(type="text")
    def fromshape(
        self, outfile: str = "", shape: Any = (0,), csys: Any = None, linear: bool = False,
        overwrite: bool = False, log: bool = True, type: str = "f",
    ) -> bool:  # fmt: skip
        """Make an image of zeros of a shape, x first, and attach to it."""
        arguments = {k: v for k, v in locals().items() if k != "self"}
        if not shape or min(shape) <= 0:
            raise CasaError(f"an image has at least one pixel along each axis: not {shape}")
        zeros = np.broadcast_to(np.zeros((), _pixel_type(type)), tuple(shape)[::-1])
        pixels = zeros if outfile else np.zeros(zeros.shape, zeros.dtype)
        return self._new(outfile, pixels, csys, linear, overwrite, ("ia.fromshape", arguments))

    @served(pixels="any", type="text")
    def fromarray(
        self, outfile: str = "", pixels: Any = (), csys: Any = None, linear: bool = False,
        overwrite: bool = False, log: bool = True, type: str = "f",
    ) -> bool:  # fmt: skip
        """Make an image of an array, whose first axis is x, and attach to it."""
        arguments = {k: v for k, v in locals().items() if k != "self"}
        given = np.asarray(pixels)
        if given.size == 0 or given.dtype.kind not in "biufc" or given.ndim == 0:
            raise CasaError("pixels is an array of numbers, not an empty one")
        dtype = _pixel_type(type)
        if given.dtype.kind == "c" and dtype.kind != "c":
            dtype = np.dtype("c8" if dtype == np.float32 else "c16")
        values = np.array(given.T, dtype, order="C")
        return self._new(outfile, values, csys, linear, overwrite, ("ia.fromarray", arguments))

    newimagefromshape = _newly(fromshape, "what `fromshape` makes")

    newimagefromarray = _newly(fromarray, "what `fromarray` makes")

    @served()
    def fromimage(
        self, outfile: str = "", infile: str = "", region: Any = "", mask: str = "", dropdeg: bool = False,
        overwrite: bool = False,
    ) -> bool:  # fmt: skip
        """Attach to a part of the image in a file: lazy without an outfile."""
        source: Any = type(self)._on(open_image(infile))
        part = source.subimage(outfile, region, mask, dropdeg, overwrite)
        return self._attach(part._pixels)

    def newimagefromimage(
        self, infile: str = "", outfile: str = "", region: Any = "", mask: str = "", dropdeg: bool = False,
        overwrite: bool = False,
    ) -> Any:  # fmt: skip
        """Return a new tool with what `fromimage` makes."""
        tool = type(self)()
        tool.fromimage(outfile, infile, region, mask, dropdeg, overwrite)
        return tool

    @served()
    def fromfits(
        self, outfile: str = "", infile: str = "", whichrep: int = 0, whichhdu: int = 0,
        zeroblanks: bool = False, overwrite: bool = False,
    ) -> bool:  # fmt: skip
        """Attach to a FITS file, or to a CASA image made of it; lazy without an outfile."""
        arguments = {k: v for k, v in locals().items() if k != "self"}
        if whichrep:
            raise CasaError("alternate coordinates are not taken: whichrep is 0")
        name = f"{infile}[{whichhdu}]" if whichhdu > 0 else infile
        file = open_image(name)
        source = type(self)._on(file)
        if not outfile and not zeroblanks:
            return self._attach(file)
        made = source._made(
            lambda image: image.replace_masked(0.0) if zeroblanks else image,
            outfile,
            overwrite,
            ("fromfits", arguments),
        )
        return self._attach(made._pixels)

    newimagefromfits = _newly(fromfits, "what `fromfits` makes")

    @served()
    def imagecalc(
        self, outfile: str = "", pixels: str = "", overwrite: bool = False, imagemd: str = "",
        prec: str = "float",
    ) -> Any:  # fmt: skip
        """Return a new tool with the image of an expression: lazy without an outfile."""
        from lattice.compat.casacore.images.opening import Expression

        if not isinstance(pixels, str) or not pixels.strip():
            raise CasaError("pixels is an expression")
        precision = matched(prec, ("float", "double"), "prec")
        parents: list[Mutable] = [Expression(pixels, [])]
        if imagemd:
            parents.append(open_image(imagemd))

        def build() -> Image:
            made = parents[0].image()
            kinds = {"float": "f8", "double": "f4"}
            if made.dtype == kinds[precision]:
                made = expr(f"{precision}($1)", made)._with(history=made.history)
            made = with_leading_unit(made)
            return made if len(parents) == 1 else _labelled_like(made, parents[1].image())

        derived = Derived(parents, build, pixels)
        image = derived.image()
        if outfile:
            return type(self)._on(created(outfile, image, overwrite))
        return type(self)._on(derived)

    @served(infiles="any")
    def imageconcat(
        self, outfile: str = "", infiles: Any = (), axis: int = -1, relax: bool = False,
        tempclose: bool = True, overwrite: bool = False, reorder: bool = False, mode: str = "paged",
    ) -> Any:  # fmt: skip
        """Return a new tool with images joined along an axis, x being 0 and the spectral one -1.

        Parameters
        ----------
        outfile : str, optional
            CASA image to write.
        infiles : list of str or str
            Names, or one pattern such as ``"a*.im"``.
        axis : int, optional
            Along which; the spectral one by default.
        relax : bool, optional
            Whether coordinates need not continue.
        tempclose : bool, optional
            Not used: files are open only while they are read.
        overwrite : bool, optional
            Whether a file may be replaced.
        reorder : bool, optional
            Whether images are sorted by their coordinates.
        mode : str, optional
            What is written: paged, all pixels; nomovevirtual, references to CASA images; copyvirtual or
            movevirtual, these inside of it.
        """
        names = sorted(glob.glob(infiles)) if isinstance(infiles, str) else [str(n) for n in infiles]
        if len(names) < 2:
            raise CasaError("there are at least two images to join")
        kind = matched(mode, [*_MODES], "mode")
        files = [open_image(name) for name in names]
        along = _axis_to_join(files[0].image(), axis)
        if reorder:
            files.sort(key=lambda f: _start_of(f.image(), along))

        def build() -> Image:
            images = [f.image() for f in files]
            if not relax:
                _check_continues(images, along)
            return concat(images, along)

        joined = Derived(files, build, "Concatenation")
        image = joined.image()
        if not outfile:
            return type(self)._on(joined)
        if _MODES[kind]:
            for file in files:
                if isinstance(file, InFile):
                    file.file.close()
            image.save(outfile, overwrite=overwrite, format="casa", virtual=True, parts=_MODES[kind])
            return self.newimage(outfile)
        return type(self)._on(created(outfile, image, overwrite))

    @served(record="record")
    def fromrecord(self, record: Any, outfile: str = "") -> bool:
        """Attach to the image of a record that `torecord` made."""
        from lattice.io.casa_records import imageinfo_from_record

        if "imagearray" not in record:
            raise CasaError("the record is that of no image", hint="make one with torecord()")
        self.fromarray("", record["imagearray"], record.get("coordsys", {}))
        image = self._outline()
        beams, cards = imageinfo_from_record(record.get("imageinfo", {}), image.shape, image.coords)
        self._held().change(beams=beams, meta=(*image.node.attrs.meta, *cards))
        if outfile:
            self._attach(created(outfile, self._image(), False))
        return True

    @served(cl="any", shape="wholes")
    def fromcomplist(
        self, outfile: str = "", shape: Any = (), cl: Any = "", csys: Any = None, overwrite: bool = False,
        log: bool = True, cache: bool = True,
    ) -> bool:  # fmt: skip
        """Attach to an image of simple sources, whose pixels are computed when they are read; Jy/pixel.

        Parameters
        ----------
        outfile : str, optional
            CASA image to write the pixels to.
        shape : list of int
            Two to four axes, x first.
        cl : dict
            Record of a component list (`cl.torecord()`): points, Gaussians and disks with Stokes fluxes and
            constant spectra or spectral indices.
        csys : dict, optional
            Coordinates; default ones without.
        """
        from lattice.compat.casa.componentlists import components_of

        if not 2 <= len(shape) <= 4 or min(shape) < 1:
            raise CasaError(f"an image of components has two to four axes, not the shape {[*shape]}")
        parts = _parts(csys, shape, False)
        zeros = np.broadcast_to(np.float32(0), tuple(shape)[::-1])
        call = called("ia.fromcomplist", {"outfile": outfile, "shape": [*shape], "cl": {"nelements": 1}})
        lines = call if self._keeps_history else ()
        empty = Image(zeros, wcs=parts["coords"], meta=parts["meta"], unit="Jy/pixel", history=lines)
        image = empty.add_components(components_of(cl, empty))
        self._pixels = None
        if outfile:
            return self._attach(created(outfile, image, overwrite))
        return self._attach(Derived((), lambda: image, "Temporary ComponentListImage"))

    @served()
    def maketestimage(self, outfile: str = "", overwrite: bool = False) -> bool:
        """Attach to an image to try things on: two sources and noise, 113 x 76 pixels, Jy/beam.

        CASA makes it of a file among its demonstration data; this one is made up.
        """
        from lattice.compat.casa.making import test_image

        image = test_image()
        if outfile:
            return self._attach(created(outfile, image, overwrite))
        return self._attach(InMemory.copy_of(image, "Temporary_Image"))

    @served(v="real")
    def makearray(self, v: float = 0.0, shape: Any = (0,)) -> np.ndarray:
        """Return an array filled with a value."""
        return np.full(tuple(shape), float(v))

    # -- leaving ----------------------------------------------------------------------------------------

    def close(self) -> bool:
        """Leave the image; the tool can be used again."""
        self._pixels = None
        return True

    @served(remove="flag")
    def done(self, remove: bool = False, verbose: bool = True) -> bool:
        """Leave the image, and delete it if asked to."""
        if remove and isinstance(self._pixels, InFile):
            self.remove(True, verbose)
        self._pixels = None
        return True

    @served()
    def remove(self, done: bool = False, verbose: bool = True) -> bool:
        """Delete the file of the image."""
        from lattice.io.atomic import remove

        pixels = self._held()
        if not isinstance(pixels, InFile):
            raise CasaError("the image is in no file, and cannot be deleted", hint="done() leaves it")
        pixels.file.close()
        remove(pixels.path)
        self._pixels = None
        return True

    @served(file="text")
    def removefile(self, file: str) -> bool:
        """Delete an image by its name; return whether there was one."""
        from lattice.io.atomic import remove

        if not os.path.exists(file):
            return False
        found = InFile(file)
        found.file.close()
        remove(found.path)
        return True

    @served()
    def rename(self, name: str, overwrite: bool = False) -> bool:
        """Give the file of the image another name."""
        from lattice.io.atomic import remove

        pixels = self._held()
        if not isinstance(pixels, InFile):
            raise CasaError("the image is in no file, and cannot be renamed", hint="write it with subimage()")
        if os.path.lexists(name):
            if not overwrite:
                raise CasaError(f"{name} exists already", hint="say overwrite=True")
            other = InFile(name)
            other.file.close()
            remove(other.path)
        pixels.file.close()
        os.rename(pixels.path, name)
        return self._attach(InFile(name))

    # -- what it is -------------------------------------------------------------------------------------

    def isopen(self) -> bool:
        """Return whether the tool is attached to an image."""
        return self._pixels is not None

    def ispersistent(self) -> bool:
        """Return whether the image is a file."""
        return self._held().persistent

    def type(self) -> str:
        """Return image."""
        return "image"

    @served()
    def name(self, strippath: bool = False) -> str:
        """Return the path of the image, or the name of its file."""
        if self._pixels is None:
            return "none"
        pixels = self._pixels.file if isinstance(self._pixels, Opened) else self._pixels
        if isinstance(pixels, InFile):
            return os.path.basename(pixels.path) if strippath else pixels.path
        return pixels.label

    def pixeltype(self) -> str:
        """Return float, double, complex or dcomplex."""
        return _NAMES[str(self._outline().dtype)]

    @served(other="text")
    def isconform(self, other: str) -> bool:
        """Return whether the image of a file has the same shape and coordinates."""
        image, another = self._image(), open_image(other).image()
        if image.shape != another.shape:
            return False
        if image.coords is None or another.coords is None:
            return image.coords is another.coords
        return image.coords.differs(another.coords, image.shape, 0.01) is None


# -- joining ------------------------------------------------------------------------------------------------


def _axis_to_join(image: Image, axis: int) -> int:
    if axis >= image.ndim:
        raise CasaError(f"there is no axis {axis} in images of {image.ndim} axes")
    if axis >= 0:
        return image.ndim - 1 - axis
    kinds = image.coords.kinds if image.coords is not None else ()
    if "spectral" not in kinds:
        raise CasaError("the images have no spectral axis", hint="say which axis")
    return kinds.index("spectral")


def _world_along(image: Image, axis: int, pixels: Sequence[float]) -> np.ndarray:
    from lattice.coords.along import world_along

    if image.coords is None:
        raise CasaError("an image without coordinates has no place in an order")
    return np.asarray(world_along(image.coords, axis, pixels)[0])


def _start_of(image: Image, axis: int) -> float:
    return float(_world_along(image, axis, [0.0])[0])


def _check_continues(images: Sequence[Image], axis: int) -> None:
    """Refuse images that do not follow each other along the axis to a hundredth of a pixel."""
    for before, after in itertools.pairwise(images):
        n = before.shape[axis]
        ends = _world_along(before, axis, [0.0, n - 1.0, float(n)])
        step = (ends[1] - ends[0]) / (n - 1) if n > 1 else ends[2] - ends[1]
        start = _start_of(after, axis)
        if abs(start - (ends[1] + step)) > 0.01 * abs(step):
            raise CasaError(
                f"the images are not contiguous along {before.dims[axis]}: one ends at {ends[1]:.9g},"
                f" the next starts at {start:.9g}",
                hint="relax=True joins them all the same, reorder=True sorts them",
            )


def with_leading_unit(image: Image) -> Image:
    """Return an image with the unit of the one that leads its expression, as CASA has it."""
    from lattice.graph.node import Source
    from lattice.graph.walk import postorder

    sources = [n for n in postorder(image.node) if isinstance(n, Source) and n.attrs.dtype.kind != "b"]
    lead = next((s for s in sources if s.attrs.coords is image.coords), sources[0] if sources else None)
    return image if lead is None else image.with_unit(lead.attrs.unit)


def _labelled_like(image: Image, model: Image) -> Image:
    """Return an image with coordinates, unit, beams and header of another one."""
    if image.shape != model.shape:
        raise CasaError(f"imagemd has shape {model.shape[::-1]}, the expression {image.shape[::-1]}")
    made = image.with_wcs(None if model.coords is None else model.coords)
    return made.with_unit(model.unit).with_beam(model.beams or None)
