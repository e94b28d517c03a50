# ruff: noqa: E501 - a call is a line
"""Calls of CASA's image tasks, as texts: run unchanged in real CASA and here.

Each belongs to a setup; the value of its last expression is compared. ``out(name)`` opens what a task wrote.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["MENDED", "TASKS", "every"]

TASKS = [
    "exportfits",
    "importfits",
    "imhead",
    "imhistory",
    "imcollapse",
    "imcontsub",
    "imdev",
    "immath",
    "immoments",
    "impbcor",
    "impv",
    "imrebin",
    "imreframe",
    "imregrid",
    "imsmooth",
    "imstat",
    "imsubimage",
    "imtrans",
    "imval",
    "makemask",
    "rmtables",
    "specsmooth",
]

_FULL = "importfits('full.fits', 'full.im')"
_CUBE = "importfits('cube.fits', 'cube.im')"
_BEAMS = """
importfits('full.fits', 'beams.im'); ia.open('beams.im'); ia.setrestoringbeam(remove=True)
for c in range(8):
    for p in range(4):
        ia.setrestoringbeam(str(8 + 0.5 * c) + 'arcsec', str(6 + 0.5 * c) + 'arcsec', '30deg', channel=c,
                            polarization=p)
ia.done()
"""

SETUPS = {
    "exportfits": _FULL + "\n" + _CUBE + _BEAMS,
    "importfits": "",
    "imhead": _FULL + "\n" + _CUBE + _BEAMS,
    "imhistory": _CUBE,
    "imcollapse": _FULL + "\n" + _CUBE,
    "imcontsub": _FULL + "\n" + _CUBE,
    "imdev": _FULL + "\n" + _CUBE,
    "immath": _FULL
    + "\n"
    + _CUBE
    + """
imsubimage('full.im', 'i.im', stokes='I'); imsubimage('full.im', 'q.im', stokes='Q')
imsubimage('full.im', 'u.im', stokes='U'); imsubimage('full.im', 'v.im', stokes='V')
imsubimage('full.im', 'low.im', chans='0', stokes='I'); imsubimage('full.im', 'high.im', chans='7', stokes='I')
""",
    "immoments": _FULL + "\n" + _CUBE + _BEAMS,
    "impbcor": _FULL + "\n" + _CUBE + "\nimportfits('pb.fits', 'pb.im')",
    "impv": _FULL + "\n" + _CUBE,
    "imrebin": _FULL + "\n" + _CUBE + _BEAMS,
    "imreframe": _FULL + "\n" + _CUBE,
    "imregrid": _FULL
    + "\n"
    + _CUBE
    + """
importfits('wide.fits', 'wide.im'); importfits('plane.fits', 'plane.im'); importfits('next.fits', 'next.im')
""",
    "imsmooth": _FULL + "\n" + _CUBE + _BEAMS + "\nimportfits('pixel.fits', 'pixel.im')",
    "imstat": _FULL + "\n" + _CUBE,
    "imsubimage": _FULL + "\n" + _CUBE + _BEAMS,
    "imtrans": _FULL + "\n" + _CUBE,
    "imval": _FULL + "\n" + _CUBE,
    "makemask": _FULL
    + """
immath('full.im', outfile='ones.im', expr='iif(IM0 > 0.7, 1, 0)')
imsubimage('full.im', 'i.im', stokes='I'); imsubimage('ones.im', 'iones.im', stokes='I')
imsubimage('iones.im', 'three.im', chans='2~4'); imsubimage('iones.im', 'one.im', chans='3')
imsubimage('ones.im', 'corner.im', box='1,1,8,7')
ia.open('i.im'); ia.calcmask("'i.im' > 0", name='high'); ia.done()
ia.open('full.im'); ia.calcmask("'full.im' > 0", name='high'); ia.calcmask("'full.im' < 0.8", name='low'); ia.calcmask("'full.im' < 0", name='below')
ia.maskhandler('set', 'low'); ia.done()
""",
    "rmtables": _FULL + "\n" + _CUBE,
    "specsmooth": _FULL + "\n" + _CUBE + _BEAMS,
}

CALLS = {
    "exportfits": r"""
exportfits('full.im', 'o.fits')
exportfits('full.im', 'o.fits'); out('o.fits')
exportfits('cube.im', 'o.fits'); out('o.fits')
exportfits('cube.im', 'o.fits', velocity=True); t = out('o.fits').coordsys(); [t.names(), t.referencevalue()['numeric'], t.increment()['numeric']]
exportfits('cube.im', 'o.fits', velocity=True, optical=True); t = out('o.fits').coordsys(); [t.names(), t.referencevalue()['numeric']]
exportfits('full.im', 'o.fits', stokeslast=False); out('o.fits')
exportfits('cube.im', 'o.fits', overwrite=True); exportfits('cube.im', 'o.fits', overwrite=True); out('o.fits').shape()
exportfits('cube.im', 'cube.fits')
exportfits('nothing.im', 'o.fits')
exportfits('cube.im')
exportfits('beams.im', 'o.fits'); out('o.fits').restoringbeam()
imsubimage('full.im', 'p.im', stokes='I'); exportfits('p.im', 'o.fits', dropstokes=True); out('o.fits')
imsubimage('full.im', 'p.im', stokes='I', chans='3'); exportfits('p.im', 'o.fits', dropdeg=True); out('o.fits')
exportfits('full.im', 'o.fits', dropstokes=True); out('o.fits').shape()
exportfits('cube.im', 'o.fits', bitpix=8)
exportfits(imagename='cube.im', fitsimage='o.fits', history=False); out('o.fits').getchunk(getmask=True)
""",
    "importfits": r"""
importfits('full.fits', 'o.im')
importfits('full.fits', 'o.im'); out('o.im')
importfits('cube.fits', 'o.im'); out('o.im')
importfits('cube.fits', 'o.im'); out('o.im').getchunk()
importfits('cube.fits', 'o.im', zeroblanks=False); np.isnan(out('o.im').getchunk())
importfits('cube.fits', 'o.im', defaultaxes=True, defaultaxesvalues=['', '', '', 'I']); out('o.im')
importfits('plane.fits', 'o.im', defaultaxes=True, defaultaxesvalues=['', '', '1.4GHz', 'Q']); out('o.im')
importfits('full.fits', 'o.im', defaultaxes=True, defaultaxesvalues=['', '', '', '']); out('o.im').shape()
importfits('plane.fits', 'o.im', beam=['9arcsec', '7arcsec', '10deg']); out('o.im').restoringbeam()
importfits('plane.fits', 'o.im', whichhdu=0); out('o.im')
importfits('plane.fits', 'o.im'); importfits('plane.fits', 'o.im')
importfits('plane.fits', 'o.im'); importfits('cube.fits', 'o.im', overwrite=True); out('o.im').shape()
importfits('nothing.fits', 'o.im')
importfits('kelvin.fits', 'o.im'); out('o.im').brightnessunit()
importfits('pixel.fits', 'o.im'); out('o.im').restoringbeam()
""",
    "imhead": r"""
imhead('full.im', 'list')['crval1']
sorted(imhead('full.im', 'list'))
{k: v for k, v in imhead('full.im', 'list').items() if k not in ('masks', 'OBJECT', 'object')}
{k: v for k, v in imhead('cube.im', 'list').items() if k[:3] in ('cde', 'crp', 'crv', 'cty', 'cun')}
{k: v for k, v in imhead('cube.im', 'list').items() if k[:3] in ('dat', 'min', 'max')}
imhead('beams.im', 'list')['perplanebeams']
sorted(imhead('full.im', 'summary'))
imhead('full.im')['axisnames']
imhead('full.im', 'summary')['restoringbeam']
imhead('full.im', 'summary')['refval']
imhead('full.im', 'get', 'bunit')
imhead('full.im', 'get', 'crval1')
imhead('full.im', 'get', 'crval2')
imhead('full.im', 'get', 'crval3')
imhead('full.im', 'get', 'crval4')
imhead('full.im', 'get', 'crpix1')
imhead('full.im', 'get', 'cdelt1')
imhead('full.im', 'get', 'cdelt4')
imhead('full.im', 'get', 'ctype2')
imhead('full.im', 'get', 'cunit4')
imhead('full.im', 'get', 'restfreq')
imhead('full.im', 'get', 'beammajor')
imhead('full.im', 'get', 'bmaj')
imhead('full.im', 'get', 'bpa')
imhead('full.im', 'get', 'telescope')
imhead('full.im', 'get', 'observer')
imhead('full.im', 'get', 'object')
imhead('full.im', 'get', 'equinox')
imhead('full.im', 'get', 'projection')
imhead('full.im', 'get', 'date-obs')
imhead('full.im', 'get', 'epoch')
imhead('full.im', 'get', 'reffreqtype')
imhead('full.im', 'get', 'imtype')
imhead('full.im', 'get', 'shape')
imhead('full.im', 'get', 'datamax')
imhead('full.im', 'get', 'minpos')
imhead('full.im', 'get', 'maxpixpos')
imhead('full.im', 'get', 'nothing')
imhead('full.im', 'put', 'bunit', 'K')
imhead('full.im', 'put', 'bunit', 'K'); out('full.im').brightnessunit()
imhead('full.im', 'put', 'crval1', '11h59m0s'); out('full.im')
imhead('full.im', 'put', 'crval2', '31.00.00'); out('full.im').coordsys()
imhead('full.im', 'put', 'crval4', '1.41GHz'); out('full.im').coordsys()
imhead('full.im', 'put', 'crval1', 3.0); out('full.im').coordsys()
imhead('full.im', 'put', 'crpix1', 4.5); out('full.im').coordsys()
imhead('full.im', 'put', 'cdelt1', '-3arcsec'); out('full.im').coordsys()
imhead('full.im', 'put', 'cdelt4', '2e5Hz'); out('full.im').coordsys()
imhead('full.im', 'put', 'ctype4', 'Rate'); out('full.im').coordsys().names()
imhead('full.im', 'put', 'cunit4', 'MHz'); out('full.im').coordsys()
imhead('full.im', 'put', 'restfreq', '1.42GHz'); out('full.im').coordsys().restfrequency()
imhead('full.im', 'put', 'restfreq', 1.42e9); out('full.im').coordsys().restfrequency()
imhead('full.im', 'put', 'beammajor', '9arcsec'); out('full.im').restoringbeam()
imhead('full.im', 'put', 'bmin', '5arcsec'); out('full.im').restoringbeam()
imhead('full.im', 'put', 'beampa', '40deg'); out('full.im').restoringbeam()
imhead('full.im', 'put', 'telescope', 'ALMA'); out('full.im').coordsys().telescope()
imhead('full.im', 'put', 'observer', 'somebody'); out('full.im').coordsys().observer()
imhead('full.im', 'put', 'object', 'M31'); imhead('full.im', 'get', 'object')
imhead('full.im', 'put', 'equinox', 'B1950'); out('full.im').coordsys().referencecode('direction')
imhead('full.im', 'put', 'projection', 'TAN'); out('full.im').coordsys().projection()['type']
imhead('full.im', 'put', 'reffreqtype', 'BARY'); out('full.im').coordsys().referencecode('spectral')
imhead('full.im', 'put', 'date-obs', '2021/03/04/05:06:07'); imhead('full.im', 'get', 'date-obs')
imhead('full.im', 'put', 'imtype', 'Intensity'); imhead('full.im', 'get', 'imtype')
imhead('full.im', 'put', 'mine', 'text'); out('full.im').miscinfo()['mine']
imhead('full.im', 'put', 'shape', [1])
imhead('full.im', 'put', 'crval1', '3Jy')
imhead('full.im', 'add', 'mine', 3.5); imhead('full.im', 'get', 'mine')
imhead('full.im', 'add', 'bunit', 'K'); out('full.im').brightnessunit()
imhead('full.im', 'del', 'bunit')
imhead('full.im', 'add', 'mine', 3.5)
imhead('full.im', 'history')
imhead('full.im', 'del', 'bunit'); out('full.im').brightnessunit()
imhead('full.im', 'del', 'beammajor'); out('full.im').restoringbeam()
imhead('full.im', 'del', 'object'); imhead('full.im', 'get', 'object')
imhead('full.im', 'del', 'telescope'); out('full.im').coordsys().telescope()
imhead('full.im', 'put', 'mine', 1); imhead('full.im', 'del', 'mine'); 'mine' in imhead('full.im', 'list')
imhead('full.im', 'del', 'nothing')
imhead('full.im', 'del', 'crval1')
imhead('nothing.im', 'list')
imhead('full.im', 'look')
""",
    "imhistory": r"""
type(imhistory('cube.im')).__name__
imhistory('cube.im', 'append', message='one'); imhistory('cube.im')[-1]
imhistory('cube.im', 'append', message='one', origin='me')
imhistory('cube.im', mode='append', message='a longer line, with commas'); imhistory('cube.im', verbose=False)[-1]
imhistory('cube.im', 'append', message='one'); imhistory('cube.im', 'append', message='two'); imhistory('cube.im')[-2:]
imhistory('nothing.im')
imhistory('cube.im', 'look')
[isinstance(t, str) for t in imhistory('cube.im', 'list', False)][:1]
""",
    "imcollapse": r"""
imcollapse('full.im', 'mean', [3], 'o.im')
imcollapse('full.im', 'mean', [3], 'o.im'); out('o.im')
imcollapse('full.im', 'max', ['ri', 'dec'], 'o.im', stokes='IQ'); out('o.im')
imcollapse('full.im', 'median', 'freq', 'o.im', chans='1~4'); out('o.im')
imcollapse('full.im', 'sum', 'right', 'o.im', box='2,2,8,7'); out('o.im')
imcollapse('full.im', 'min', [0, 1, 3], 'o.im'); out('o.im')
imcollapse('full.im', 'stddev', 3, 'o.im'); out('o.im')
imcollapse('full.im', 'variance', 3, 'o.im'); out('o.im')
imcollapse('full.im', 'rms', [0, 1], 'o.im', region='circle[[5pix, 4pix], 2.1pix]'); out('o.im')
imcollapse('full.im', 'npts', [0, 1], 'o.im', mask="'full.im' > 0"); out('o.im')
imcollapse('full.im', 'madm', [0], 'o.im'); out('o.im')
imcollapse('full.im', 'xmadm', [3], 'o.im', chans='0~6'); out('o.im')
imcollapse('full.im', 'flux', [0, 1], 'o.im', stokes='I'); out('o.im')
imcollapse('cube.im', 'med', [2], 'o.im'); out('o.im')
imcollapse('cube.im', 'sum', [0, 1], 'o.im', chans='5'); out('o.im')
imcollapse('cube.im', 'm', [2], 'o.im')
imcollapse('cube.im', 'mean', [9], 'o.im')
imcollapse('cube.im', 'mean', 'stokes', 'o.im')
imcollapse('cube.im', 'mean', [2], 'cube.im')
imcollapse('cube.im', 'mean', [2], 'o.im'); imcollapse('cube.im', 'max', [2], 'o.im', overwrite=True); out('o.im')
imcollapse('cube.im', 'mean', [2])
""",
    "imcontsub": r"""
imcontsub('full.im', 'l.im', 'c.im')
imcontsub('full.im', 'l.im', 'c.im'); out('l.im')
imcontsub('full.im', 'l.im', 'c.im', chans='0~2,6~7'); out('c.im')
imcontsub('full.im', 'l.im', 'c.im', fitorder=1, chans='0~2,6~7'); out('l.im')
imcontsub('full.im', 'l.im', 'c.im', fitorder=2, stokes='Q'); out('l.im')
imcontsub('full.im', 'l.im', 'c.im', fitorder=1, stokes='IQUV'); out('l.im')
imcontsub('full.im', 'l.im', 'c.im', box='2,2,8,7', chans='<3', fitorder=1); out('c.im')
imcontsub('full.im', 'l.im', 'c.im', region='circle[[5pix, 4pix], 2.1pix]'); out('l.im')
imcontsub('full.im', 'l.im', 'c.im', box=[2, 2, 8, 7]); out('l.im').shape()
imcontsub('full.im', 'full.im', 'c.im')
imcontsub('full.im', 'l.im', 'c.im', fitorder=-1)
imcontsub('full.im', 'l.im', 'c.im', chans='99')
""",
    "imdev": r"""
imdev('cube.im', 'o.im', xlength='5pix', ylength='5pix')
imdev('cube.im', 'o.im', xlength='5pix', ylength='5pix'); out('o.im')
imdev('cube.im', 'o.im', xlength=4, ylength=3, stattype='mean'); out('o.im')
imdev('cube.im', 'o.im', xlength='5.1pix', ylength='', stattype='rms'); out('o.im')
imdev('cube.im', 'o.im', xlength='8arcsec', ylength='6arcsec', stattype='median'); out('o.im')
imdev('full.im', 'o.im', xlength='5pix', ylength='5pix', stattype='max', stokes='I', chans='2~3'); out('o.im')
imdev('full.im', 'o.im', xlength='3pix', ylength='3pix', stattype='npts', box='2,2,9,8', stokes='Q', chans='1'); out('o.im')
imdev('full.im', 'o.im', xlength='3pix', ylength='3pix', stattype='sumsq', anchor=[2, 2], box='2,2,9,8', stokes='Q', chans='1'); out('o.im')
imdev('full.im', 'o.im', xlength='5pix', ylength='5pix', stattype='iqr', region='box[[1pix, 1pix], [8pix, 8pix]]', stokes='I', chans='0'); out('o.im')
imdev('full.im', 'o.im', grid=[2, 2], anchor=[1, 1], xlength='5pix', ylength='5pix', interp='linear', stattype='var', stokes='I', chans='0'); out('o.im').getchunk()[1:11, 1:9]
imdev('full.im', 'o.im', xlength='5pix', ylength='5pix', statalg='chauvenet', zscore=1.5, stokes='I', chans='0'); out('o.im')
imdev('full.im', 'o.im', xlength='5pix', ylength='5pix', stattype='nothing')
imdev('full.im', 'o.im', xlength='5pix', ylength='5pix', stokes='I', chans='0', stattype='sum'); imdev('full.im', 'o.im', stokes='I', chans='0')
""",
    "immath": r"""
immath('full.im', 'evalexpr', 'o.im', 'IM0*2')
immath('full.im', 'evalexpr', 'o.im', 'IM0*2'); out('o.im')
immath(['full.im', 'full.im'], 'evalexpr', 'o.im', 'IM0 + 3*IM1', stokes='I'); out('o.im')
immath('full.im', 'evalexpr', 'o.im', 'IM0', chans='1;3', stokes='I'); out('o.im')
immath('full.im', 'evalexpr', 'o.im', 'a*a', varnames='a'); out('o.im')
immath(['i.im', 'q.im'], outfile='o.im', expr='sqrt(abs(first*second))', varnames=['first', 'second']); out('o.im')
immath(outfile='o.im', expr="'full.im' + 1", box='1,1,3,3'); out('o.im')
immath(outfile='o.im', expr="'i.im' - 'q.im'"); out('o.im')
immath('full.im', outfile='o.im', expr='iif(IM0 > 0, IM0, 0)', region='circle[[5pix, 4pix], 2.1pix]'); out('o.im')
immath('full.im', outfile='o.im', expr='IM0', mask="'full.im' > 0.2"); out('o.im')
immath('cube.im', outfile='o.im', expr='IM0/mean(IM0)'); out('o.im')
immath('cube.im', outfile='o.im', expr='IM0*2', prec='double'); out('o.im').pixeltype()
immath(['cube.im', 'full.im'], outfile='o.im', expr='IM0 + IM1')
immath('full.im', outfile='o.im', expr='IM1')
immath('full.im', outfile='full.im', expr='IM0')
immath('full.im', 'pola', 'o.im'); out('o.im')
immath(['q.im', 'u.im'], 'pola', 'o.im'); out('o.im')
immath(['u.im', 'q.im'], 'pola', 'o.im', polithresh='0.5Jy/beam'); out('o.im')
immath('full.im', 'pola', 'o.im', polithresh='500mJy/beam'); out('o.im')
immath('full.im', 'lpoli', 'o.im'); out('o.im')
immath('full.im', 'tpoli', 'o.im'); out('o.im')
immath('full.im', 'poli', 'o.im'); out('o.im')
immath(['q.im', 'u.im'], 'poli', 'o.im'); out('o.im')
immath(['q.im', 'u.im', 'v.im'], 'poli', 'o.im', sigma='0.3Jy/beam'); out('o.im')
immath('full.im', 'lpoli', 'o.im', sigma='300mJy/beam'); out('o.im')
immath('i.im', 'poli', 'o.im')
immath(['low.im', 'high.im'], 'spix', 'o.im', mask="'low.im' > 0 && 'high.im' > 0"); out('o.im')
immath(['low.im', 'high.im'], 'spix', 'o.im'); out('o.im').brightnessunit()
immath('low.im', 'spix', 'o.im')
immath(['q.im', 'i.im'], outfile='o.im', expr='IM0+IM1', imagemd='i.im'); out('o.im').coordsys().stokes()
""",
    "immoments": r"""
immoments('full.im', [0], stokes='I', outfile='o.im')
immoments('full.im', [8], stokes='I', outfile='o.im'); out('o.im').getchunk(getmask=True)
immoments('full.im', [0], stokes='I', outfile='o.im'); out('o.im').getchunk()
immoments('full.im', [0], stokes='I', outfile='o.im'); out('o.im').brightnessunit()
immoments('full.im', [1], includepix=[0, 10], chans='1~5', outfile='o.im'); out('o.im').getchunk()
immoments('full.im', [0, 8], outfile='o.im'); out('o.im.maximum').getchunk()
immoments('full.im', [0, 1, 2], includepix=[0.1, 10], outfile='o.im', stokes='I'); sorted(f for f in os.listdir('.') if f[:4] == 'o.im')
immoments('full.im', [8], axis='stokes', outfile='o.im'); out('o.im').getchunk()
immoments('full.im', [8], axis='ra', outfile='o.im'); out('o.im').getchunk()
immoments('full.im', [10], axis=1, outfile='o.im'); out('o.im').getchunk()
immoments('cube.im', [0], excludepix=[-0.2, 0.2], outfile='o.im'); out('o.im').getchunk()
immoments('cube.im', [5], outfile='o.im'); out('o.im').getchunk()
immoments('cube.im', [9], outfile='o.im', mask="'cube.im' > 0"); out('o.im').getchunk()
immoments('cube.im', [-1], box='1,1,6,5', outfile='o.im'); out('o.im').getchunk()
immoments('cube.im', [3], region='circle[[5pix, 4pix], 2.1pix]', outfile='o.im'); out('o.im').getchunk(getmask=True)
immoments('cube.im', [99], outfile='o.im')
immoments('cube.im', [0], axis='stokes', outfile='o.im')
immoments('cube.im', [0], outfile='cube.im')
immoments('cube.im', [8])
""",
    "impbcor": r"""
impbcor('full.im', 'pb.im', 'o.im')
impbcor('full.im', 'pb.im', 'o.im'); out('o.im')
impbcor('full.im', 'pb.fits', 'o.im'); out('o.im').getchunk()
impbcor('full.im', 'pb.im', 'o.im', cutoff=0.4, stokes='I'); out('o.im')
impbcor('full.im', 'pb.im', 'o.im', mode='multiply', cutoff=0.7, chans='1~3'); out('o.im')
impbcor('full.im', 'pb.im', 'o.im', mode='m', box='1,1,6,5'); out('o.im')
impbcor('cube.im', 'pb.im', 'o.im', region='circle[[5pix, 4pix], 2.1pix]'); out('o.im')
impbcor('cube.im', 'pb.im', 'o.im', mask="'cube.im' > 0"); out('o.im')
impbcor('cube.im', np.full((12, 10), 0.5), 'o.im'); out('o.im')
impbcor('cube.im', 'pb.im', 'cube.im')
impbcor('cube.im', 'pb.im', 'o.im', mode='add')
impbcor('cube.im', 'nothing.im', 'o.im')
""",
    "impv": r"""
impv('cube.im', 'o.im', start=[2, 4], end=[9, 4])
impv('cube.im', 'o.im', start=[2, 4], end=[9, 4]); out('o.im')
impv('cube.im', 'o.im', start=[3, 2], end=[3, 7]); out('o.im')
impv('full.im', 'o.im', start=[2, 4], end=[9, 4], stokes='Q'); out('o.im')
impv('full.im', 'o.im', start=[2, 4], end=[9, 4], width=3, stokes='I'); out('o.im')
impv('full.im', 'o.im', start=[2, 4], end=[9, 4], width='5arcsec', stokes='I'); out('o.im').getchunk()
impv('cube.im', 'o.im', start=[2, 4], end=[9, 4], chans='1~3'); out('o.im')
impv('cube.im', 'o.im', 'length', center=[5, 4], length=5, pa='90deg'); out('o.im').getchunk()
impv('cube.im', 'o.im', 'l', center=[5, 4], length='8arcsec', pa='90deg'); out('o.im').getchunk()
impv('cube.im', 'o.im', start=[2, 4], end=[9, 4], unit='arcmin'); out('o.im')
impv('cube.im', 'o.im', start=[2, 4], end=[9, 4], mask="'cube.im' > -9"); out('o.im')
impv('cube.im', 'o.im', start=[2, 4], end=[99, 4])
impv('cube.im', 'o.im', 'length', start=[2, 4], end=[9, 4])
impv('cube.im', 'o.im', 'look', start=[2, 4], end=[9, 4])
""",
    "imrebin": r"""
imrebin('full.im', 'o.im', [2, 3, 1, 1])
imrebin('full.im', 'o.im', [2, 3, 1, 1]); out('o.im')
imrebin('full.im', 'o.im', [5, 3, 1, 3], crop=False); out('o.im')
imrebin('full.im', 'o.im', [5, 3, 1, 3]); out('o.im')
imrebin('full.im', 'o.im', [2, 2]); out('o.im')
imrebin('full.im', 'o.im', [2, 2], stokes='I', chans='1~4'); out('o.im')
imrebin('full.im', 'o.im', [2, 2], box='1,1,9,8'); out('o.im')
imrebin('full.im', 'o.im', [1, 1, 1, 4], mask="'full.im' > 0"); out('o.im')
imrebin('cube.im', 'o.im', [3, 2, 2]); out('o.im')
imrebin('cube.im', 'o.im', [3, 2, 2], region='circle[[5pix, 4pix], 3.1pix]'); out('o.im')
imrebin('cube.im', 'o.im', [1, 1, 8]); out('o.im').getchunk()
imrebin('cube.im', 'o.im', [2, 2], chans='3', dropdeg=True); out('o.im').shape()
imrebin('cube.im', 'o.im', [0, 2])
imrebin('cube.im', 'o.im', [-1, 2])
imrebin('full.im', 'o.im', [1, 1, 2])
imrebin('beams.im', 'o.im', [2, 2]); out('o.im').restoringbeam(3, 1)
imrebin('beams.im', 'o.im', [1, 1, 1, 2])
imrebin('cube.im', 'o.im', [2, 2, 2, 2])
imrebin('cube.im', 'cube.im', [2, 2])
""",
    "imreframe": r"""
imreframe('full.im', 'o.im', 'bary')
imreframe('full.im', 'o.im', 'bary'); out('o.im').coordsys().conversiontype('spectral')
imreframe('full.im', 'o.im', 'bary'); out('o.im').coordsys().referencevalue()['numeric']
imreframe('full.im', 'o.im', 'bary'); out('o.im').getchunk()
imreframe('full.im', 'o.im', 'lsrk'); out('o.im')
imreframe('full.im', 'o.im', 'BARY', restfreq='1.42GHz'); out('o.im').coordsys().restfrequency()
imreframe('full.im', outframe='bary'); out('full.im').coordsys().conversiontype('spectral')
imreframe('full.im', 'o.im', ''); out('o.im').coordsys().conversiontype('spectral')
imreframe('full.im', 'o.im', 'nothing')
imreframe('full.im', 'o.im', 'lsrd'); out('o.im').coordsys().referencecode('spectral')
imreframe('full.im', 'o.im', 'lsrk', restfreq='1.41GHz'); out('o.im')
""",
    "imregrid": r"""
sorted(imregrid('full.im'))
imregrid('full.im', 'get')['shap']
imregrid('full.im', 'wide.im', 'o.im', decimate=0)
imregrid('full.im', 'wide.im', 'o.im', decimate=0); out('o.im')
imregrid('plane.im', 'wide.im', 'o.im', decimate=0); out('o.im')
imregrid('plane.im', 'wide.im', 'o.im', interpolation='cubic', decimate=0); out('o.im')
imregrid('plane.im', 'wide.im', 'o.im', interpolation='nearest', decimate=0); out('o.im')
imregrid('plane.im', 'wide.im', 'o.im', interpolation='lin', decimate=3); out('o.im').shape()
imregrid('plane.im', 'wide.im', 'o.im', axes=[0, 1], shape=[10, 9], decimate=0); out('o.im')
imregrid('cube.im', 'next.im', 'o.im', decimate=0); out('o.im')
imregrid('cube.im', imregrid('wide.im', 'get'), 'o.im', axes=[0, 1], decimate=0)
t = imregrid('cube.im'); t['csys']['direction0']['crpix'] = np.array([5.4, 3.7]); imregrid('cube.im', t, 'o.im', decimate=0); out('o.im')
imregrid('cube.im', 'cube.im', 'o.im'); out('o.im')
imregrid('cube.im', 'wide.im', decimate=0); out('cube.im.regridded').shape()
imregrid('cube.im', 'nothing.im', 'o.im')
imregrid('plane.im', 'B1950', 'o.im', decimate=0); t = out('o.im'); [t.shape(), round(t.restoringbeam()['positionangle']['value'], 3), t.coordsys().referencecode()]
imregrid('plane.im', 'B1950', 'o.im', decimate=0); np.round(out('o.im').getchunk()[1:10, 1:8], 2)
imregrid('plane.im', 'GALACTIC', 'o.im', decimate=0); t = out('o.im'); [t.getchunk(getmask=True), round(t.restoringbeam()['positionangle']['value'], 2), t.coordsys().names()]
imregrid('plane.im', 'GALACTIC', 'o.im', interpolation='nearest', decimate=0); t = out('o.im'); [t.getchunk() * t.getchunk(getmask=True), t.brightnessunit()]
imregrid('cube.im', 'SUPERGAL', 'o.im', decimate=0); out('o.im').shape()
imregrid('cube.im', 'ICRS', 'o.im', decimate=0)
imregrid('plane.im', 'J2000', 'o.im'); out('o.im')
imregrid('plane.im', 'wide.im', 'plane.im')
""",
    "imsmooth": r"""
imsmooth('full.im', major='6arcsec', minor='5arcsec', pa='20deg', outfile='o.im')
imsmooth('full.im', major='6arcsec', minor='5arcsec', pa='20deg', outfile='o.im'); out('o.im')
imsmooth('full.im', 'gauss', '6arcsec', '5arcsec', '0deg', outfile='o.im', stokes='I', chans='2~3'); out('o.im')
imsmooth('full.im', major=6, minor=5, pa=20, outfile='o.im', stokes='I'); out('o.im')
imsmooth('full.im', major='6', minor='5', pa='20', outfile='o.im', stokes='I'); out('o.im')
imsmooth('full.im', major='12arcsec', minor='10arcsec', pa='20deg', targetres=True, outfile='o.im'); out('o.im')
imsmooth('full.im', beam={'major': '6arcsec', 'minor': '5arcsec', 'pa': '20deg'}, outfile='o.im', stokes='Q'); out('o.im')
imsmooth('full.im', 'boxcar', major='4pix', minor='4pix', outfile='o.im'); out('o.im')
imsmooth('full.im', 'box', major='8arcsec', minor='4arcsec', outfile='o.im', stokes='I'); out('o.im')
imsmooth('full.im', 'b', major='4pix', minor='2pix', outfile='o.im', box='1,1,10,8', stokes='I'); out('o.im')
imsmooth('full.im', 'common', outfile='o.im')
imsmooth('beams.im', 'common', outfile='o.im'); out('o.im').restoringbeam()['major']['value'] < 12
imsmooth('beams.im', 'c', outfile='o.im', chans='0~2', stokes='I'); out('o.im')
imsmooth('beams.im', major='20arcsec', minor='18arcsec', pa='0deg', targetres=True, outfile='o.im'); out('o.im')
imsmooth('pixel.im', major='6arcsec', minor='5arcsec', pa='20deg', outfile='o.im'); out('o.im')
imsmooth('cube.im', major='6arcsec', minor='5arcsec', pa='20deg', outfile='o.im', region='circle[[5pix, 4pix], 3.1pix]'); out('o.im')
imsmooth('cube.im', major='6arcsec', minor='5arcsec', pa='20deg', scale=1.5, outfile='o.im'); out('o.im')
imsmooth('cube.im', major='6arcsec', minor='5arcsec', pa='20deg'); out('imsmooth_results.im').shape()
imsmooth('cube.im', 'image', kimage='cube.im', outfile='o.im', chans='1'); out('o.im').shape()
imsmooth('cube.im', major='2arcsec', minor='2arcsec', pa='0deg', targetres=True, outfile='o.im')
imsmooth('cube.im', major='5arcsec', minor='6arcsec', pa='20deg', outfile='o.im')
imsmooth('cube.im', 'tophat', major='5arcsec', minor='5arcsec', pa='20deg', outfile='o.im')
imsmooth('cube.im', major='6arcsec', minor='5arcsec', pa='20deg', outfile='cube.im')
""",
    "imstat": r"""
imstat('full.im')
imstat('full.im', axes=[0, 1])
imstat('full.im', axes=0)['mean']
imstat('full.im', axes=[0, 1, 2])
imstat('full.im', box='1,1,5,6', chans='2~4', stokes='Q')
imstat('full.im', region='circle[[5pix, 4pix], 2.1pix]', stokes='I')
imstat('full.im', region='circle[[5pix, 4pix], 2.1pix]', stokes='I', chans='1~2')
imstat('full.im', region=rg.box([1, 1, 0, 0], [5, 5, 0, 3]))
imstat('full.im', chans='1;5', stokes='I')['npts']
imstat('full.im', mask="'full.im' > 0")
imstat('full.im', box='1,1,3,3,6,6,8,8', stokes='I')['npts']
imstat('cube.im')
imstat('cube.im', axes=[2])['sum']
imstat('cube.im', algorithm='biweight')['sigma']
imstat('cube.im', algorithm='chauvenet', zscore=2.0)
imstat('cube.im', algorithm='fit-half', center='median', lside=False)
imstat('cube.im', algorithm='hinges-fences', fence=0.5)
imstat('cube.im', algorithm='h')['median']
imstat('cube.im', box='1,1,99,5')
imstat('cube.im', axes=[7])
imstat('cube.im', algorithm='nothing')
imstat('nothing.im')
""",
    "imsubimage": r"""
imsubimage('full.im', 'o.im', box='1,1,5,6', chans='2~5', stokes='I')
imsubimage('full.im', 'o.im', box='1,1,5,6', chans='2~5', stokes='I'); out('o.im')
imsubimage('full.im', 'o.im', chans='1;3', stokes='QU'); out('o.im')
imsubimage('full.im', 'o.im', region='circle[[5pix, 4pix], 2.1pix]', dropdeg=True); out('o.im')
imsubimage('full.im', 'o.im', chans='3', stokes='I', dropdeg=True); out('o.im')
imsubimage('full.im', 'o.im', chans='3', stokes='I', dropdeg=True, keepaxes=[3]); out('o.im')
imsubimage('full.im', 'o.im', mask="'full.im' > 0"); out('o.im')
imsubimage('full.im', 'o.im', mask='indexin(3, [1:3])'); out('o.im')
imsubimage('full.im', 'o.im', chans='range=[1.4202GHz,1.4204GHz]'); out('o.im')
imsubimage('full.im', 'o.im', chans='<3', stokes='IV'); out('o.im')
imsubimage('full.im', 'o.im', region='box[[1pix, 1pix], [5pix, 5pix]]', chans='2~3'); out('o.im')
imsubimage('full.im', 'o.im', region='box[[1pix, 1pix], [5pix, 5pix]], corr=[I, Q]'); out('o.im')
imsubimage('cube.im', 'o.im', region='centerbox[[12h00m00s, +30d00m00s], [9.1arcsec, 7.1arcsec]]'); out('o.im')
imsubimage('cube.im', 'o.im', box='1,1,3,3,6,5,8,8'); out('o.im')
imsubimage('cube.im', 'o.im'); out('o.im')
imsubimage('beams.im', 'o.im', chans='2~3', stokes='I'); out('o.im').restoringbeam()
imsubimage('full.im', 'o.im', box='1,1,99,6')
imsubimage('full.im', 'o.im', chans='9')
imsubimage('full.im', 'o.im', stokes='XX')
imsubimage('cube.im', 'cube.im')
imsubimage('cube.im', 'o.im'); imsubimage('cube.im', 'o.im', chans='1', overwrite=True); out('o.im').shape()
""",
    "imtrans": r"""
imtrans('full.im', 'o.im', '0132')
imtrans('full.im', 'o.im', '0132'); out('o.im')
imtrans('full.im', 'o.im', ['f', 's', 'd', 'r']); out('o.im')
imtrans('full.im', 'o.im', '3210'); out('o.im')
imtrans('full.im', 'o.im', 132); out('o.im')
imtrans('cube.im', 'o.im', '-012'); out('o.im')
imtrans('cube.im', 'o.im', '1-02'); out('o.im')
imtrans('cube.im', 'o.im', ['-freq', 'right', 'dec']); out('o.im')
imtrans('cube.im', 'o.im', '01')
imtrans('cube.im', 'o.im', '011')
imtrans('cube.im', 'o.im', ['f', 'd', 'x'])
imtrans('cube.im', 'cube.im', '102')
""",
    "imval": r"""
imval('full.im')
imval('full.im', box='2,3,2,3', stokes='I')
imval('full.im', box='2,3,4,3', stokes='I', chans='2')
imval('full.im', box='2,3,4,5', stokes='IQ', chans='1~2')
imval('full.im', box='2,3,4,5')['coords']
imval('full.im', chans='1', stokes='Q')
imval('full.im', region='box[[1pix, 1pix], [3pix, 4pix]]')
imval('full.im', region='circle[[5pix, 4pix], 1.2pix]')['mask']
imval('cube.im', box='2,3,4,5', chans='1~2')['data']
imval('cube.im', box='4,3,4,3', chans='1~3')['mask']
imval('full.im', box='2,3,99,5')
imval('full.im', chans='99')
""",
    "makemask": r"""
makemask('list', 'full.im')
makemask('copy', 'full.im', 'full.im:high', 'o.im'); out('o.im')
makemask('copy', 'full.im', 'ones.im', 'o.im'); out('o.im').getchunk()
makemask('copy', 'full.im', ['full.im:high', 'full.im:low'], 'o.im'); out('o.im').getchunk()
makemask('copy', 'full.im', ['ones.im', 'full.im:low'], 'o.im'); out('o.im').getchunk()
makemask('copy', 'full.im', ['ones.im', 'full.im:below'], 'o.im'); out('o.im').getchunk()
makemask('copy', 'full.im', 'circle[[5pix, 4pix], 2.1pix]', 'o.im'); out('o.im').getchunk()
makemask('copy', 'full.im', ['circle[[5pix, 4pix], 2.1pix]', 'ones.im'], 'o.im'); out('o.im').getchunk()
makemask('copy', 'full.im', ['circle[[5pix, 4pix], 2.1pix]', 'box[[8pix, 1pix], [10pix, 3pix]]'], 'o.im'); out('o.im').getchunk()
makemask('copy', 'full.im', 'full.im:high', 'full.im:more'); t = out('full.im'); [sorted(t.maskhandler('get')), t.maskhandler('default'), t.getchunk(getmask=True)]
makemask('copy', 'full.im', 'ones.im', 'o.im:good'); t = out('o.im'); [t.maskhandler('default'), t.getchunk(), t.getchunk(getmask=True)]
makemask('copy', 'full.im', 'ones.im', 'full.im:high')
makemask('copy', 'full.im', 'ones.im', 'full.im:high', overwrite=True); t = out('full.im'); [t.maskhandler('default'), t.getchunk(getmask=True)]
makemask('copy', 'full.im', 'ones.im', 'ones.im')
makemask('copy', 'full.im', 'corner.im', 'o.im'); out('o.im').getchunk()
makemask('copy', 'full.im', 'nothing.im', 'o.im')
makemask('copy', 'full.im', 'full.im:nothing', 'o.im')
makemask('copy', 'full.im', '', 'o.im')
makemask('copy', 'nothing.im', 'ones.im', 'o.im')
makemask('expand', 'full.im', 'ones.im', 'o.im', inpfreqs=[3], outfreqs=[1, 2, 5]); out('o.im').getchunk()
makemask('expand', 'i.im', 'iones.im', 'o.im', inpfreqs=[3], outfreqs=[1, 2, 5]); out('o.im').getchunk()
makemask('expand', 'i.im', 'iones.im', 'o.im', inpfreqs=[2, 3, 4], outfreqs=[0, 1, 2, 3, 4, 5, 6, 7]); out('o.im').getchunk()
makemask('expand', 'i.im', 'one.im', 'o.im', inpfreqs=[0], outfreqs=[4, 5]); out('o.im').getchunk()
makemask('expand', 'i.im', 'one.im', 'o.im'); out('o.im').getchunk()
makemask('expand', 'i.im', 'three.im', 'o.im'); out('o.im').getchunk()
makemask('expand', 'i.im', 'i.im:high', 'o.im', inpfreqs=[2], outfreqs=[6, 7]); out('o.im').getchunk()
makemask('expand', 'i.im', 'iones.im', 'o.im', inpfreqs='1.42015GHz~1.42045GHz', outfreqs='1.42025GHz~1.42065GHz'); out('o.im').getchunk()
makemask('expand', 'i.im', 'one.im', 'i.im:spread', inpfreqs=[0], outfreqs=[4, 5]); t = out('i.im'); [t.maskhandler('default'), t.getchunk(getmask=True)]
makemask('delete', inpmask='full.im:low'); t = out('full.im'); [t.maskhandler('get'), t.maskhandler('default')]
makemask('delete', inpmask='full.im:high'); t = out('full.im'); [t.maskhandler('get'), t.maskhandler('default')]
makemask('delete', inpmask='full.im')
makemask('delete', inpmask='full.im:nothing')
makemask('setdefaultmask', inpmask='full.im:high'); out('full.im').maskhandler('default')
makemask('setdefaultmask', inpmask='full.im:nothing')
makemask('look', 'full.im')
""",
    "rmtables": r"""
rmtables('full.im')
rmtables('full.im'); os.path.exists('full.im')
rmtables(['full.im', 'cube.im']); [os.path.exists('full.im'), os.path.exists('cube.im')]
rmtables('*.im'); [os.path.exists('full.im'), os.path.exists('cube.im')]
rmtables('f*.im'); [os.path.exists('full.im'), os.path.exists('cube.im')]
rmtables('[cf]u*.im'); [os.path.exists('full.im'), os.path.exists('cube.im')]
rmtables('nothing.im')
rmtables('cube.fits'); os.path.exists('cube.fits')
""",
    "specsmooth": r"""
specsmooth('full.im', 'o.im', axis=3, dmethod='')
specsmooth('full.im', 'o.im', axis=3, dmethod=''); out('o.im')
specsmooth('full.im', 'o.im', axis=3, dmethod='copy'); out('o.im')
specsmooth('full.im', 'o.im', axis=3, dmethod='mean'); out('o.im').getchunk()
specsmooth('full.im', 'o.im', axis=3, function='boxcar', width=3, dmethod=''); out('o.im')
specsmooth('full.im', 'o.im', axis=3, function='boxcar', width=2, dmethod='copy'); out('o.im')
specsmooth('full.im', 'o.im', axis=3, function='b', width=2, dmethod='m'); out('o.im').getchunk()
specsmooth('full.im', 'o.im', dmethod=''); out('o.im')
specsmooth('cube.im', 'o.im', axis=2, region='circle[[5pix, 4pix], 2.1pix]', dmethod=''); out('o.im')
specsmooth('cube.im', 'o.im', axis=2, mask="'cube.im' > 0", dmethod=''); out('o.im')
specsmooth('full.im', 'o.im', axis=3, stokes='I', chans='0~5', dmethod=''); out('o.im')
specsmooth('beams.im', 'o.im', axis=3)
specsmooth('cube.im', 'o.im', axis=2, function='gauss')
specsmooth('cube.im', 'o.im', axis=7)
specsmooth('cube.im', 'o.im', axis=2, function='boxcar', width=99)
specsmooth('cube.im', 'cube.im', axis=2)
""",
}

_BOX = "CASA loses the box of a region that it makes itself: it fails with a variable that is not set"

MENDED: dict[str, str] = {
    "imhead: imhead('full.im', 'put', 'crval1', 3.0); out('full.im').coordsys()": "numbers are in the unit of the axis",
    "imhead: imhead('full.im', 'put', 'restfreq', 1.42e9); out('full.im').coordsys().restfrequency()": (
        "numbers are in Hz"
    ),
    "imhead: imhead('full.im', 'put', 'crval1', '3Jy')": "a unit of another kind is refused; CASA writes it",
    "imhead: imhead('full.im', 'del', 'telescope'); out('full.im').coordsys().telescope()": (
        "a telescope that is removed is UNKNOWN"
    ),
    "imhistory: imhistory('cube.im', 'look')": "a mode that there is not is refused; CASA lists",
    "imdev: imdev('full.im', 'o.im', xlength='3pix', ylength='3pix', stattype='npts', box='2,2,9,8', stokes='Q', chans='1'); out('o.im')": _BOX,
    "imdev: imdev('full.im', 'o.im', xlength='3pix', ylength='3pix', stattype='sumsq', anchor=[2, 2], box='2,2,9,8', stokes='Q', chans='1'); out('o.im')": _BOX,
    "imdev: imdev('full.im', 'o.im', xlength='5pix', ylength='5pix', stattype='iqr', region='box[[1pix, 1pix], [8pix, 8pix]]', stokes='I', chans='0'); out('o.im')": _BOX,
    "imdev: imdev('full.im', 'o.im', xlength='5pix', ylength='5pix', stattype='nothing')": (
        "a statistic that there is not is refused; CASA takes another one"
    ),
    "impv: impv('cube.im', 'o.im', start=[3, 2], end=[3, 7]); out('o.im')": (
        "samples on pixels are these pixels; CASA masks them where a neighbour is bad"
    ),
    "imrebin: imrebin('cube.im', 'o.im', [2, 2], chans='3', dropdeg=True); out('o.im').shape()": (
        "CASA counts factors for the axes that were dropped"
    ),
    "imregrid: imregrid('cube.im', imregrid('wide.im', 'get'), 'o.im', axes=[0, 1], decimate=0)": (
        "axes that the template does not have stay what they are"
    ),
    "imregrid: imregrid('cube.im', 'ICRS', 'o.im', decimate=0)": "ICRS is a frame, too",
    "imsmooth: imsmooth('cube.im', major='6arcsec', minor='5arcsec', pa='20deg', scale=1.5, outfile='o.im'); out('o.im')": (
        "scale holds for Gaussians, as documented; CASA leaves it out"
    ),
    "makemask: makemask('copy', 'full.im', ['ones.im', 'full.im:below'], 'o.im'); out('o.im').getchunk()": (
        "what masks have not in common is nothing; CASA takes the last mask alone then"
    ),
    "makemask: makemask('copy', 'full.im', 'corner.im', 'o.im'); out('o.im').getchunk()": (
        "a mask ends at its edge; CASA extrapolates it by a pixel"
    ),
    "makemask: makemask('expand', 'full.im', 'ones.im', 'o.im', inpfreqs=[3], outfreqs=[1, 2, 5]); out('o.im').getchunk()": (
        "all Stokes planes are spread; CASA spreads the first and leaves the others empty"
    ),
    "makemask: makemask('expand', 'i.im', 'three.im', 'o.im'); out('o.im').getchunk()": (
        "a mask ends at its edge; CASA extrapolates it along the spectrum"
    ),
    "specsmooth: specsmooth('full.im', 'o.im', axis=3, stokes='I', chans='0~5', dmethod=''); out('o.im')": (
        "box, chans and stokes hold; CASA leaves them out"
    ),
}
"""Calls that give something else here, on purpose, and why."""


def every() -> Iterator[tuple[str, str, str]]:
    """Yield name, setup and call of all calls."""
    for task, calls in CALLS.items():
        for call in calls.strip().splitlines():
            yield f"{task}: {call}", SETUPS[task], call
