"""Images asked for their pixels: this is where reading and computing begins."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lattice.errors import LatticeTypeError, ShapeMismatchError
from lattice.graph.node import Literal, Node
from lattice.graph.types import is_bool
from lattice.image.make import Parts, in_memory
from lattice.image.operators import ImageMath, refuse_truth, undefined

if TYPE_CHECKING:
    from lattice.execute.run import Evaluated
    from lattice.histograms import Histogram
    from lattice.statistics import Statistics

__all__ = ["ImagePixels"]


class ImagePixels(ImageMath):
    """The pixels of an image: in memory, as dask arrays, as numbers, in a file."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __getitem__(self, key: Any) -> Self: ...
        def subimage(self, region: Any = None, *, mask: Any = None, stretch: bool = False) -> Self: ...

    def _evaluate(self) -> Any:
        """Return values and mask; kept for scalars, which cost nothing to keep."""
        if "evaluated" in self._kept:
            return self._kept["evaluated"]
        from lattice.execute.run import compute

        found = compute(self._node)
        if not self.shape:
            self._kept["evaluated"] = found
        return found

    def compute(self) -> Self:
        """Return the image with its pixels in memory."""
        return self._held(self._evaluate())

    def _held(self, found: Evaluated) -> Self:
        """Return the image with what was computed as its pixels."""
        attrs = self._node.attrs
        if not self.shape:
            node: Node = (
                Literal.undefined(self.dtype)
                if found.values is None
                else Literal.of(found.values, self.dtype)
            )
            return self._of(Parts(node, history=self._history))
        node, mask = in_memory(found.values, found.mask, attrs)
        masks = {} if mask is None else {"mask0": mask}
        return self._of(Parts(node, masks, None if mask is None else "mask0", self._history))

    @property
    def values(self) -> np.ndarray:
        """The pixels as a numpy array: values as they are computed, whether they are good or bad.

        Bad pixels have the value that is stored or computed under the mask; `filled` replaces it and
        `to_masked_array` keeps the mask. An undefined scalar is NaN (False if it is Bool).
        """
        found = self._evaluate()
        if self.shape:
            return np.asarray(found.values)
        if found.values is None:
            return np.array(False if is_bool(self.dtype) else np.nan, self.dtype)
        return np.asarray(found.values, self.dtype)

    def filled(self, value: Any = None) -> np.ndarray:
        """Return the pixels as a numpy array, bad ones replaced by `value`; by default NaN, or False."""
        masked = self.to_masked_array()
        fill = (False if is_bool(self.dtype) else np.nan) if value is None else value
        return np.asarray(masked.filled(fill))

    def to_masked_array(self) -> np.ma.MaskedArray:
        """Return the pixels as a numpy masked array (whose mask is True where a pixel is bad)."""
        found = self._evaluate()
        if not self.shape:
            bad = found.values is None or (found.mask is not None and not bool(np.all(found.mask)))
            return np.ma.MaskedArray(self.values, mask=bad)
        mask = np.ma.nomask if found.mask is None else ~np.asarray(found.mask)
        return np.ma.MaskedArray(found.values, mask=mask)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("the pixels of an image are computed: they cannot be had without a copy")
        return self.values if dtype is None else self.values.astype(dtype)

    def _dask(self) -> tuple[Any, Any]:
        if "dask" not in self._kept:
            from lattice.execute.lazy import dask_arrays

            self._kept["dask"] = dask_arrays(self._node)
        return self._kept["dask"]

    @property
    def data(self) -> Any:
        """The values as a dask array, lazy to the end."""
        return self._dask()[0]

    @property
    def mask(self) -> Any:
        """The effective mask as a dask array, True = good; None where every pixel is good."""
        return self._dask()[1]

    def item(self) -> Any:
        """Return the value of an image of one pixel as a Python number; undefined is NaN."""
        if self.size != 1:
            raise ShapeMismatchError(
                f"an image of shape {self.shape} is not one number", hint="reduce it, or cut a pixel"
            )
        if not self.shape:
            return self.values.item()
        return self[(0,) * self.ndim].item()

    def _number(self, kind: Any) -> Any:
        if self.size != 1:
            raise ShapeMismatchError(
                f"an image of shape {self.shape} is not one number",
                hint="reduce it, as in image.max(), or cut a pixel, as in image[0, 0]",
            )
        one = self if not self.shape else self[(0,) * self.ndim]
        masked = one.to_masked_array()
        if kind in (int, bool) and bool(np.ma.getmaskarray(masked)):
            raise undefined(f"{kind.__name__}()")
        if bool(np.ma.getmaskarray(masked)):
            return kind(np.nan)
        if kind is float and self.dtype.kind == "c":
            raise LatticeTypeError("a complex number is not a float", hint="take .real, .imag or abs()")
        return kind(masked.data[()])

    def __float__(self) -> float:
        return self._number(float)

    def __int__(self) -> int:
        return self._number(int)

    def __complex__(self) -> complex:
        return self._number(complex)

    def __bool__(self) -> bool:
        if self.shape:
            refuse_truth()
        return self._number(bool)

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        return format(self.item(), spec)

    def __len__(self) -> int:
        if not self.shape:
            raise LatticeTypeError("a scalar has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Self]:
        if not self.shape:
            raise LatticeTypeError("a scalar cannot be iterated over")
        return (self[i] for i in range(self.shape[0]))

    __contains__ = None  # `x in image` would compare with one cut after the other

    def to_xarray(self, name: str = "values") -> Any:
        """Return a lazy xarray Dataset: the values, and the mask (True = good) if there is one.

        Labels of the sky (``ra``, ``dec``, ...) are computed where they are used, and kept by slices;
        other axes are labelled by frequency, velocity, Stokes parameter and so on.

        Parameters
        ----------
        name : str, optional
            Name of the variable with the values.
        """
        from lattice.image.datasets import to_xarray

        return to_xarray(self, name)

    def to_xradio(self) -> Any:
        """Return a lazy xarray Dataset in the image schema of xradio.

        Its dims are time, frequency, polarization, l and m; angles are in radians, and flags (True = bad)
        take the place of the mask. `from_xarray` leads back.
        """
        from lattice.image.xradio import to_xradio

        image: Any = self
        return to_xradio(image)

    @classmethod
    def from_xarray(cls, data: Any, name: str | None = None) -> Self:
        """Return the image of an xarray Dataset or DataArray; dask arrays stay lazy.

        Parameters
        ----------
        data : xarray.Dataset or xarray.DataArray
            Made by `to_xarray`, `to_xradio`, the engine ``lattice``, xradio, or by others. In a Dataset a
            variable ``mask`` of truth values is the mask (True = good).
        name : str, optional
            The variable with the values; the default is ``values``, or the only one.
        """
        from lattice.image.datasets import parts_of_dataset

        return cls._of(parts_of_dataset(data, name))

    def to_nddata(self) -> Any:
        """Return an astropy NDData with the pixels in memory, their mask inverted as astropy has it."""
        from lattice.image.export import to_nddata

        return to_nddata(self)

    def statistics(
        self,
        keys: str | Iterable[str] | None = None,
        *,
        robust: bool = False,
        dims: Any = None,
        region: Any = None,
        mask: Any = None,
        stretch: bool = False,
        include: Any = None,
        exclude: Any = None,
        algorithm: str = "classic",
        **parameters: Any,
    ) -> Statistics:
        """Return statistics of the good pixels, computed together.

        Parameters
        ----------
        keys : str or iterable of str, optional
            Which: npts, sum, sumsq, mean, sigma, rms, min, max, minpos, maxpos, median, medabsdevmed, q1, q3,
            quartile, flux, blc, trc, minposf, maxposf, blcf, trcf, or "all". The default is all up to maxpos,
            with `robust` up to quartile. `lattice.statistics` defines them.
        robust : bool, optional
            Whether to compute the five from median to quartile as well.
        dims : str or sequence, optional
            Dims (or axis numbers) over which to compute; the default is the whole image.
        region, mask, stretch : optional
            Of which pixels, as in `subimage`. Positions are those in this image.
        include, exclude : float or (float, float), optional
            Range of values that count, or that do not, its ends belonging to it; b stands for (-b, b).
        algorithm : {"classic", "fit-half", "hinges-fences", "chauvenet", "biweight"}, optional
            Which of these pixels count, by their values: all; those on one side of a centre and their mirror
            images; those not far beyond the quartiles; those within some sigma of the mean, again and again;
            or all, weighted down with distance, for mean and sigma. The beginning of a name is enough.
        **parameters
            Of the algorithm, as CASA calls them: ``center`` ("mean", "median" or "zero") and ``lside``
            (whether the lower side, True by default) of fit-half; ``fence``, in quartile ranges (negative
            takes all, the default), of hinges-fences; ``zscore`` (negative stands for Chauvenet's criterion,
            the default) and ``maxiter`` (negative for no limit) of chauvenet, which cuts maxiter + 1 times at
            most; ``niter`` (3) of biweight.

        Returns
        -------
        Statistics
            A mapping: numbers for the whole image, images over `dims`. See `lattice.statistics`.

        Raises
        ------
        LatticeTypeError, LatticeRangeError
            For unknown keys, algorithms and parameters, ranges that are none, positions over dims, truth
            values, and complex ones where an order is needed.

        Notes
        -----
        Statistics take one pass over the pixels (medabsdevmed rarely one more); fit-half and hinges-fences
        one more than these, chauvenet one for each cut, biweight three whatever the number of iterations, or
        a few more if many values are six sigma from the mean. Over dims all take one pass, in which what
        belongs together is sorted in memory.

        :mask: only good pixels count.
        :unit: none is told: numbers are in that of the image, `flux` in that without the beam.
        :beam: of each plane, for `flux`.
        :coordinates: tell where extremes and corners are.
        :flags: `mask` takes named masks.
        :variance: does not come in; weights are equal.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> image = Image(np.array([1.0, 2.0, 2.0, 3.0, 2.0, 50.0]))
        >>> image.statistics(["npts", "mean"], algorithm="chauvenet", zscore=2)
        npts  5
        mean  2
        """
        from lattice.statistics import statistics

        image = self
        if region is not None or mask is not None:
            image = self.subimage(region, mask=mask, stretch=stretch)
        return statistics(
            image,
            keys,
            robust=robust,
            dims=dims,
            inside=self,
            include=include,
            exclude=exclude,
            algorithm=algorithm,
            **parameters,
        )

    def histogram(
        self,
        nbins: int = 25,
        dims: Any = None,
        *,
        include: Any = None,
        cumulative: bool = False,
        log: bool = False,
        region: Any = None,
        mask: Any = None,
        stretch: bool = False,
    ) -> Histogram:
        """Return histograms of the good pixels, in two passes over them at most.

        Parameters
        ----------
        nbins : int, optional
            Number of bins, of equal width.
        dims : str or sequence, optional
            Dims (or axis numbers) over which to count; the default is the whole image.
        include : float or (float, float), optional
            Between which values the bins are, both belonging to one; b stands for (-b, b). The default is
            from the smallest to the largest value of each cell; where they are the same, bins are 0.001 wide.
        cumulative : bool, optional
            Whether each bin counts those below, too.
        log : bool, optional
            Whether counts are logarithms to base 10; that of 0 is 0.
        region, mask, stretch : optional
            Of which pixels, as in `subimage`.

        Returns
        -------
        Histogram
            With ``counts``, ``values`` (centres of the bins), ``mean`` and ``sigma``, as numpy arrays.

        Raises
        ------
        LatticeTypeError, LatticeRangeError
            For values that are not real, infinite ones without `include`, and numbers that make no sense.

        Notes
        -----
        :mask: only good pixels count.
        :unit: bins are in that of the image.
        :beam: does not come in.
        :coordinates: do not come in.
        :flags: `mask` takes named masks.
        :variance: does not come in.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> found = Image(np.array([1.0, 2, 3, 4, 5, 5, 5, 5])).histogram(4)
        >>> found.counts.tolist(), found.values.tolist()
        ([1.0, 1.0, 1.0, 5.0], [1.5, 2.5, 3.5, 4.5])
        """
        from lattice.histograms import histogram

        image = self
        if region is not None or mask is not None:
            image = self.subimage(region, mask=mask, stretch=stretch)
        return histogram(image, nbins, dims, include=include, cumulative=cumulative, log=log)

    def save(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        sync: bool = False,
        format: str | None = None,
        strict: bool = False,
        **options: Any,
    ) -> Self:
        """Compute the image block by block and write it to a file.

        The file appears complete or not at all, also when it replaces the source of the image.

        Parameters
        ----------
        path : path-like
            Where to write; the ending names the format.
        overwrite : bool, optional
            Whether an existing image may be replaced.
        sync : bool, optional
            Whether the file must be on the device, safe from a power failure, on return.
        format : str, optional
            Name of the format, see `lattice.formats`, for paths with another ending.
        strict : bool, optional
            Whether to refuse when the format cannot hold all that belongs to the image; without it a
            `LatticeWarning` names what is left out.
        **options
            For the format, such as ``mask="extension"`` for FITS; ``virtual=True`` saves CASA images that
            were joined with `lattice.concat` as a CASA image that refers to them.

        Returns
        -------
        Image
            The file, opened.
        """
        from lattice.api import open as open_image
        from lattice.execute.run import save as stream
        from lattice.image.export import outline
        from lattice.image.virtual import save_virtual

        if options.pop("virtual", False):
            save_virtual(self, os.fspath(path), overwrite=overwrite, sync=sync, format=format, **options)
            virtual: Any = open_image(path)
            return virtual

        target, form, spec, masks = outline(self, path, format, strict, options)
        output = form.create(target, spec, overwrite=overwrite, sync=sync, **options)
        with output:
            kept = {name: node for name, node in masks.items() if name in output.mask_writers}
            stream(self._node, output, masks=kept)
        saved: Any = open_image(target) if "read" in form.can else self
        return saved
