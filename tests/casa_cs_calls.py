# ruff: noqa: E501 (calls stand on one line each)
"""Calls of CASA's coordsys, regionmanager, quanta and measures, as texts: run unchanged in real CASA and here.

Each belongs to a setup; the value of its last expression is compared.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["GROUPS", "MENDED", "TOOLS", "every"]

TOOLS = ("coordsys", "regionmanager", "quanta", "measures")

_IMAGE = "ia.fromfits('full.im', 'full.fits')"

SYSTEMS = {
    # of an image: right ascension, declination, Stokes, frequency; radians
    "image": f"{_IMAGE}; cs = ia.coordsys()",
    # what is made without anything
    "new": "cs = cs.newcoordsys(direction=True, spectral=True, stokes='I Q U V', linear=2); cs.setepoch(me.epoch('UTC', '2011/3/4/05:06:07'))",
    # a turned field in another frame, and frequencies with a conversion
    "turned": """
cs = cs.newcoordsys(direction=True, spectral=True)
cs.setdirection(refcode='GALACTIC', proj='TAN', refpix=[20, 30], refval=['120deg', '-5deg'],
                incr=['-20arcsec', '20arcsec'], xform=np.array([[0.8, -0.6], [0.6, 0.8]]))
cs.setunits('deg deg MHz')
cs.setrestfrequency('1420.405752MHz')
cs.setepoch(me.epoch('UTC', '2011/3/4/05:06:07'))
""",
    # frequencies of a table
    "table": """
cs = cs.newcoordsys(direction=True, spectral=True)
cs.setspectral(refcode='BARY', restfreq='1.42GHz', frequencies=qa.quantity([1.40, 1.41, 1.43, 1.46, 1.50], 'GHz'))
cs.setepoch(me.epoch('UTC', '2011/3/4/05:06:07'))
""",
    # nothing of the sky
    "plain": """
cs = cs.newcoordsys(linear=2, tabular=True)
cs.settabular(pixel=[0, 1, 2, 3, 4], world=[0, 1, 4, 9, 16])
cs.setepoch(me.epoch('UTC', '2011/3/4/05:06:07'))
""",
    # an old frame seen by a telescope at a time
    "old": """
cs = cs.newcoordsys(direction=True, spectral=True)
cs.setreferencecode('B1950', 'direction', False)
cs.setreferencecode('TOPO', 'spectral', False)
cs.setreferencevalue(['08h10m20s', '-35d10m00s', '1.41GHz'])
cs.settelescope('ATCA')
cs.setepoch(me.epoch('UTC', '2001/3/4/05:06:07'))
""",
}

EVERYWHERE = r"""
cs.torecord()
cs.names()
cs.units()
cs.ncoordinates()
cs.naxes(False)
cs.coordinatetype()
cs.coordinatetype(1)
cs.axiscoordinatetypes()
cs.axiscoordinatetypes(False)
cs.axesmap()
cs.axesmap(False)
cs.findaxis(True, 2)
cs.findaxis(False, 1)
cs.findaxis(True, 9)
cs.findcoordinate('spectral')
cs.findcoordinate('lin')
cs.findcoordinate('tabular', 1)
cs.referencepixel()
cs.referencevalue()
cs.referencevalue('q')
cs.referencevalue('m')
cs.referencevalue('s')
cs.referencevalue('nqms')
cs.increment()
cs.increment('q')
cs.increment('s')
cs.referencecode()
cs.telescope()
cs.observer()
cs.epoch()
cs.parentname()
cs.toworld()
cs.toworld([3, 4, 2])
cs.toworld([3.25, 4.5, 1.75], 's')
cs.toworld([3, 4, 1], 'q')
cs.toworld([3, 4, 1], 'm')
cs.toworld([1], 'nqms')
cs.topixel(cs.toworld([3, 4, 2]))
cs.topixel(cs.toworld([3, 4, 2], 's'))
cs.topixel(cs.toworld([3, 4, 2], 'q'))
cs.topixel(cs.toworld([3, 4, 2], 'm'))
cs.topixel()
cs.torel([3, 4, 1], False)
cs.torel(cs.toworld([3, 4, 1]))
cs.torel(cs.toworld([3, 4, 1], 'q'))
cs.torel(cs.toworld([3, 4, 1], 's'))
cs.toabs([3, 4, 1], False)
cs.toabs(cs.torel(cs.toworld([3, 4, 1])))
cs.toworldmany(np.array([[1.0, 2.0, 5.5], [3.0, 4.0, 0.0], [0.0, 1.0, 3.0]] + [[0.0] * 3] * (cs.naxes() - 3)))
cs.topixelmany(cs.toworldmany(np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]] + [[0.0] * 2] * (cs.naxes() - 3)))['numeric'])
cs.torelmany(np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]] + [[0.0] * 2] * (cs.naxes() - 3)), False)
cs.toabsmany(np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]] + [[0.0] * 2] * (cs.naxes() - 3)), False)
cs.summary(list=False)
cs.setincrement([1.5] * cs.naxes()); cs.increment()
cs.setreferencepixel([1.5] * cs.naxes()); cs.referencepixel()
cs.setreferencevalue(cs.referencevalue('s')); cs.referencevalue()
cs.setnames(['a', 'b', 'c', 'd', 'e', 'f'][: cs.naxes()]); cs.names()
cs.setunits(cs.units()); cs.units()
cs.reorder(list(range(cs.ncoordinates()))[::-1]); cs
cs.reorder(list(range(cs.ncoordinates()))[::-1]); cs.toworld([1, 2, 0])
cs.transpose(list(range(cs.naxes()))[::-1]); cs.names()
cs.transpose(list(range(cs.naxes()))[::-1]); cs.toworld([0, 1, 2])
cs.transpose([1, 0] + list(range(2, cs.naxes()))); cs.torecord()
cs.subimage([1, 2, 0, 0, 0, 0][: cs.naxes()], [])
cs.copy()
t = cs.copy(); t.setobserver('another'); cs.observer()
cs.addcoordinate(linear=1); cs
cs.addcoordinate(stokes='XX YY'); cs.names()
t = cs.copy(); t.done(); t.fromrecord(cs.torecord()); t.torecord()
cs.done(); cs.ncoordinates()
"""

CALLS = {
    "image": r"""
cs.findaxisbyname('spectral')
cs.findaxisbyname('Right Asc')
cs.findaxisbyname('RA')
cs.findaxisbyname('ra', False)
cs.findaxisbyname('stokes')
cs.findaxisbyname('velocity')
cs.findaxisbyname('freq')
cs.findaxisbyname('zzz')
cs.findaxisbyname('')
cs.coordinatetype(9)
cs.names('direction')
cs.names('spec')
cs.names('tabular')
cs.units('dir')
cs.units('stokes')
cs.referencepixel('dir')
cs.referencepixel('stokes')
cs.referencevalue('n', 'direction')
cs.referencevalue('q', 'spectral')
cs.referencevalue('s', 'direction')
cs.referencevalue('m', 'direction')
cs.referencevalue('n', 'linear')
cs.referencevalue('x')
cs.increment('n', 'direction')
cs.increment('q', 'stokes')
cs.increment('s', 'spectral')
cs.increment('m')
cs.projection()
cs.projection('all')
cs.projection('ZEA')
cs.projection('SIN')
cs.projection('ZPN')
cs.projection('nonsense')
cs.referencecode('direction')
cs.referencecode('spectral')
cs.referencecode('stokes')
cs.referencecode('linear')
cs.referencecode('direction', True)
cs.referencecode('spectral', True)
cs.conversiontype()
cs.conversiontype('spectral')
cs.conversiontype('stokes')
cs.getconversiontype('direction')
cs.getconversiontype('direction', False)
cs.getconversiontype('spectral', True)
cs.getconversiontype()
cs.lineartransform('direction')
cs.lineartransform('spectral')
cs.lineartransform('stokes')
cs.lineartransform('linear')
cs.stokes()
cs.restfrequency()
cs.setnames('x y', 'direction'); cs.names()
cs.setnames(['nu'], 'spectral'); cs.names()
cs.setnames('x y z'); cs.names()
cs.setunits('deg deg', 'direction'); cs.torecord()
cs.setunits(['arcmin', 'arcmin', '', 'GHz']); cs.torecord()
cs.setunits('GHz', 'spectral'); cs.restfrequency()
cs.setunits('Jy', 'spectral')
cs.setunits('km/s', 'spectral')
cs.setreferencepixel([2.5, 3.5], 'direction'); cs.toworld([0, 0, 0, 0])
cs.setreferencepixel([2], 'spectral'); cs.referencepixel()
cs.setreferencepixel([2, 3]); cs.referencepixel()
cs.setreferencepixel([1, 2, 3, 4, 5]); cs.referencepixel()
cs.setreferencepixel([1, 2, 3], 'direction'); cs.referencepixel()
cs.setreferencevalue('12h30m00s -30d00m00s', 'direction'); cs.referencevalue()
cs.setreferencevalue('-3rad 0.2rad', 'direction'); cs.referencevalue()
cs.setreferencevalue('I', 'stokes'); cs.referencevalue()
cs.setreferencevalue(qa.quantity('1.3GHz'), 'spectral'); cs.referencevalue()
cs.setreferencevalue(1.3e9, 'spectral'); cs.referencevalue()
cs.setreferencevalue([3.0, 0.1, 1, 1.3e9]); cs.referencevalue()
cs.setreferencevalue({'quantity': {'*1': qa.quantity('3rad'), '*2': qa.quantity('10deg'), '*3': qa.quantity(1.0), '*4': qa.quantity('1GHz')}}); cs.referencevalue()
cs.setreferencevalue([3.0, 0.1]); cs.referencevalue()
cs.setincrement('-3arcsec 3arcsec', 'direction'); cs.increment()
cs.setincrement(qa.quantity([-2.0, 2.0], 'arcsec'), 'direction'); cs.increment()
cs.setincrement('2kHz', 'spectral'); cs.increment()
cs.setincrement([2.0], 'spectral'); cs.increment()
cs.setincrement([1.0, 2.0]); cs.increment()
cs.setprojection('TAN'); cs.projection()
cs.setprojection('SIN', [0.0, 1.2]); cs.toworld([1, 2, 0, 0])
cs.setprojection('ZEA'); cs.toworld([1, 2, 0, 0])
cs.setprojection('CAR'); cs.toworld([1, 2, 0, 0])
cs.setprojection('ARC'); cs.torecord()
cs.setprojection('XYZ')
cs.setprojection('SIN', [0.1, 0.2, 0.3]); cs.projection()
cs.setreferencecode('B1950', 'direction'); cs.referencevalue()
cs.setreferencecode('B1950', 'direction'); cs.torecord()
cs.setreferencecode('GALACTIC'); cs.toworld([1, 2, 0, 0], 's')
cs.setreferencecode('ICRS', 'dir', True); cs.toworld([1, 2, 0, 0])
cs.setreferencecode('BARY', 'spectral'); cs.referencevalue()
cs.setreferencecode('BARY', 'spectral', False); cs.referencevalue()
cs.setreferencecode('CMB', 'sp'); cs.toworld([1, 2, 0, 3])
cs.setreferencecode('XYZ', 'direction')
cs.setreferencecode('LSRK', 'stokes')
cs.setconversiontype(direction='GALACTIC'); cs.toworld([1, 2, 0, 0])
cs.setconversiontype(direction='GALACTIC'); cs.toworld([1, 2, 0, 0], 'ms')
cs.setconversiontype(direction='B1950'); cs.topixel(cs.toworld([1, 2, 0, 0]))
cs.setconversiontype(direction='ECLIPTIC'); cs.toworld([1, 2, 0, 0])
cs.setconversiontype(direction='SUPERGAL'); cs.toworld([1, 2, 0, 0])
cs.setconversiontype(spectral='BARY'); cs.toworld([1, 2, 0, 0])
cs.setconversiontype(spectral='GALACTO'); cs.toworld([1, 2, 0, 0], 'm')
cs.setconversiontype(spectral='CMB'); cs.topixel(cs.toworld([1, 2, 0, 3]))
cs.setconversiontype(spectral='LSRD'); cs.toworld([1, 2, 0, 3])
cs.setconversiontype(spectral='LGROUP'); cs.toworld([1, 2, 0, 3])
cs.setconversiontype(spectral='GEO'); cs.toworld([1, 2, 0, 3])
cs.setconversiontype(spectral='TOPO'); cs.toworld([1, 2, 0, 3])
cs.setconversiontype(spectral='BARY'); cs.torecord()
cs.setconversiontype('B1950', 'BARY'); [cs.conversiontype('direction'), cs.conversiontype('spectral'), cs.getconversiontype('direction'), cs.getconversiontype('spectral')]
cs.setconversiontype(direction='XYZ')
cs.setlineartransform('direction', np.array([[0.8, -0.6], [0.6, 0.8]])); cs.lineartransform('direction')
cs.setlineartransform('spectral', np.array([[2.0]])); cs.lineartransform('spectral')
cs.setlineartransform('direction', np.array([[1.0]])); cs.lineartransform('direction')
cs.setrestfrequency(1.3e9); cs.restfrequency()
cs.setrestfrequency(qa.quantity([1.3, 1.4], 'GHz'), which=1); cs.restfrequency()
cs.setrestfrequency('1.3GHz', append=True); cs.restfrequency()
cs.setrestfrequency(qa.quantity('1.3GHz'), which=1, append=True); cs.restfrequency()
cs.setrestfrequency(['1.3GHz', '1.4GHz']); cs.restfrequency()
cs.setrestfrequency('1.3GHz', which=3)
cs.setrestfrequency('3Jy')
cs.setrestfrequency('1.4204GHz'); cs.toworld([1, 2, 0, 3], 'm')
cs.setstokes('XX XY YX YY'); cs.stokes()
cs.setstokes(['RR', 'LL', 'RL', 'LR']); cs.torecord()
cs.setstokes('I ZZ'); cs.stokes()
cs.setstokes('I Q'); cs.stokes()
cs.setstokes('V U Q I'); cs.toworld([0, 0, 2, 0], 's')
cs.settelescope('VLBA'); cs.torecord()
cs.settelescope('nowhere'); cs.telescope()
cs.setobserver('Grote Reber'); cs.observer()
cs.setepoch(me.epoch('UTC', '2010/2/3')); cs.epoch()
cs.setepoch(me.epoch('UTC', '55230.5d')); cs.torecord()['obsdate']
cs.setdirection(); cs
cs.setdirection(refcode='B1950'); cs
cs.setdirection(proj='TAN', refpix=[1, 2]); cs
cs.setdirection(refval='10deg 20deg', incr='-1arcsec 1arcsec'); cs
cs.setdirection(refcode='GALACTIC', proj='CAR', refval='0deg 0deg', poles='180deg 90deg'); cs.torecord()['direction0']
cs.setdirection(proj='SIN', projpar=[0.1, 0.2], xform=np.array([[0.0, 1.0], [-1.0, 0.0]])); cs.torecord()['direction0']
cs.setspectral(refcode='BARY'); cs
cs.setspectral(restfreq='1.3GHz'); cs.restfrequency()
cs.setspectral(frequencies=qa.quantity([1.0, 1.2, 1.5], 'GHz')); cs
cs.setspectral(velocities=qa.quantity([100.0, 200.0, 400.0], 'km/s'), doppler='radio'); cs
cs.setspectral(velocities=qa.quantity([100.0, 200.0, 400.0], 'km/s'), doppler='optical'); cs.toworld([0, 0, 0, 1.5])
cs.setspectral('TOPO', qa.quantity('1.3GHz'), qa.quantity([1.0, 1.2, 1.5], 'GHz')); cs.torecord()['spectral2']
cs.setreferencelocation([0, 1, 0, 2], [3.1, 0.4, 1, 1.3e9], [True, True, False, True]); cs
cs.setreferencelocation([3, 3, 0, 3], mask=[True, True, False, True]); cs
cs.summary()
cs.setreferencelocation(); cs
cs.setreferencelocation([1, 2, 3, 4], '3rad 0.5rad I 1.4GHz', [True, True, True, True]); cs
cs.frequencytovelocity(1.42e9)
cs.frequencytovelocity([1.42e9, 1.43e9], doppler='optical')
cs.frequencytovelocity([1.42, 1.43], 'GHz', 'z', 'm/s')
cs.frequencytovelocity([1.42, 1.43], 'GHz', 'beta', 'pc/yr')
cs.frequencytovelocity([1.42, 1.43], 'Jy')
cs.frequencytovelocity([1.42, 1.43], 'GHz', 'gamma')
cs.frequencytovelocity([1.42, 1.43], 'GHz', 'nonsense')
cs.velocitytofrequency(100)
cs.velocitytofrequency([100, 200], 'MHz', 'optical', 'km/s')
cs.velocitytofrequency([100, 200], 'MHz', 'true', 'm/s')
cs.velocitytofrequency([100, 200], 'MHz', 'radio', 'Jy')
cs.frequencytofrequency([1.42, 1.43], 'GHz', '100km/s')
cs.frequencytofrequency(1.42e9, velocity=qa.quantity('0.1km/s'))
cs.frequencytofrequency([1.42e9])
cs.convert([3, 4, 0, 5], [True] * 4, 'radio', ['pix'] * 4, [True] * 4, 'radio', ['rad', 'rad', '', 'Hz'])
cs.convert([3, 4, 0, 5], [True] * 4, 'radio', ['pix'] * 4, [True] * 4, 'radio', ['deg', 'deg', '', 'km/s'])
cs.convert([3, 4, 0, 5], [True] * 4, 'radio', ['pix'] * 4, [False] * 4, 'optical', ['arcsec', 'arcsec', 'pix', 'm/s'])
cs.convert([1, -1, 1, 2], [False] * 4, 'radio', ['pix'] * 4, [True] * 4, 'radio', ['pix'] * 4)
cs.convert([180.0, 30.0, 1, 100.0], [True] * 4, 'radio', ['deg', 'deg', '', 'km/s'], [True] * 4, 'radio', ['pix'] * 4)
cs.convert([3.0, 30.0, 1, 100.0], [True] * 4, 'radio', ['pix', 'deg', 'pix', 'km/s'], [True] * 4, 'optical', ['deg', 'pix', 'pix', 'GHz'], [12, 10, 4, 8])
cs.convert([4.0, 6.0, 1, 100.0], [False, False, True, True], 'optical', ['arcsec', 'arcsec', 'pix', 'km/s'], [True] * 4, 'radio', ['deg', 'deg', 'pix', 'km/s'])
cs.convert([3, 4, 0, 5])
cs.convertmany(np.array([[3.0, 4.0], [1.0, 2.0], [0.0, 1.0], [5.0, 6.0]]), [True] * 4, 'radio', ['pix'] * 4, [True] * 4, 'radio', ['rad', 'rad', '', 'km/s'])
cs.convertmany(np.array([[3.0, 4.0], [1.0, 2.0], [0.0, 1.0], [5.0, 6.0]]), [True] * 4, 'radio', ['pix'] * 4, [False] * 4, 'radio', ['arcsec', 'arcsec', 'pix', 'kHz'])
cs.convertdirection('B1950')
cs.convertdirection('GALACTIC'); cs.torecord()['direction0']
cs.convertdirection('J2000'); cs
cs.replace(cs.copy().newcoordsys(spectral=True).torecord(), 0, 2); cs
cs.replace(cs.copy().newcoordsys(direction=True).torecord(), 0, 0); cs
cs.replace(cs.copy().newcoordsys(linear=1).torecord(), 0, 2); cs
cs.replace(cs.copy().newcoordsys(linear=1).torecord(), 0, 0)
cs.replace(cs.copy().newcoordsys(linear=1).torecord(), 3, 0)
cs.transpose([0, 1, 3, 2]); cs
cs.transpose([3, 2, 1, 0]); cs.torecord()
cs.transpose([1, 0, 2, 3]); cs.torecord()
cs.transpose([0, 1])
cs.reorder([0, 2, 1]); cs.torecord()
cs.reorder([0, 1])
cs.reorder([0, 0, 1]); cs.names()
cs.subimage([2, 3, 1, 4], [4, 4, 2, 2])
cs.subimage([2, 3, 0, 4], [4, 4, 2, 2])
cs.subimage([2, 3])
cs.subimage()
cs.addcoordinate(tabular=True, linear=2); cs
cs.addcoordinate(direction=True)
cs.toworld([3, 4, 2, 1, 9])
cs.toworld([3, 4, 9, 1])
cs.toworld([3, 4, -1, 1], 's')
cs.toworld('3 4 2 1')
cs.toworld([3, 4, 2, 1], 'z')
cs.toworld({'numeric': np.array([3.0, 4.0, 2.0, 1.0])})
cs.toworld([1e6, 1e6, 0, 0])
cs.topixel('12:00:00 30.00.00 Q 1.4202GHz')
cs.topixel(['12h00m00s', '30d00m00s', 'Q', '1.4202GHz'])
cs.topixel('180deg 30deg 2 1.4202GHz')
cs.topixel([3.14159, 0.5236])
cs.topixel({'direction': me.direction('J2000', '12h0m0s', '30deg')})
cs.topixel({'measure': {'direction': me.direction('B1950', '11h57m26s', '30.27deg')}})
cs.topixel({'spectral': {'frequency': me.frequency('LSRK', '1.4203GHz')}})
cs.topixel({'stokes': 'Q'})
cs.topixel('nonsense')
cs.topixel([3.14159, 0.5236, 9, 1.42e9])
cs.torel([1, 2, 1, 3])
cs.torel([3.1416, 0.5, 1, 1.42e9], True)
cs.torel(['3.1416rad', '0.5rad', 'I', '1.43GHz'], True)
cs.toabs([1e-5, 2e-5, 0, 1e6], True)
cs.toabs([3, 4, 1, 1])
cs.toabs(cs.toworld([3, 4, 1, 1]))
cs.torel(cs.torel([3, 4, 1, 1], False))
cs.toabs(['1arcsec', '2arcsec', 'I', '1MHz'], True)
cs.torelmany(cs.toworldmany(np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0], [1.0, 2.0]]))['numeric'], True)
cs.toabsmany(cs.torelmany(cs.toworldmany(np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 1.0], [1.0, 2.0]]))['numeric'], True)['numeric'], True)
cs.toworldmany(np.array([[1.0, 2.0], [3.0, 4.0]]))
cs.summary('optical', False)
cs.type()
cs.setparentname('that.im'); cs.parentname()
cs.fromrecord({})
cs.fromrecord({'a': 1}); cs.names()
cs.done()
cs.done(); cs.names()
""",
    "new": r"""
cs.findcoordinate('linear')
cs.findcoordinate('nonsense')
cs.findaxisbyname('lin')
cs.names('linear')
cs.units('linear')
cs.setunits('m m', 'linear'); cs.torecord()['linear3']
cs.setunits('Jy K', 'linear', overwrite=True); cs.torecord()['linear3']
cs.setunits('Jy K', 'linear')
cs.lineartransform('linear')
cs.setlineartransform('linear', np.array([[0.0, 1.0], [2.0, 0.0]])); cs.toworld([0, 0, 0, 0, 3, 4])
cs.setreferencevalue([5.0, 6.0], 'linear'); cs.referencevalue()
cs.toworld([10, 20, 0, 30, 1, 2], 'nqms')
sorted(cs.toworld([10, 20, 0, 30, 1, 2], 'm')['measure'])
cs.frequencytovelocity(1.415e9)
cs.setconversiontype(spectral='BARY'); cs.toworld([10, 20, 0, 30])
cs.setunits('deg deg', 'direction'); cs.convert([10, 20, 0, 30, 1, 1], [True] * 6, 'radio', ['pix'] * 6, [True] * 6, 'radio', ['deg', 'arcmin', 'pix', 'km/s', 'km', 'pix'])
cs.newcoordsys().names()
t = cs.newcoordsys(direction=True, spectral=True, stokes=['I', 'V'], linear=1, tabular=True); t.setepoch(me.epoch('UTC', '2001/3/4')); t.torecord()
t = cs.newcoordsys(linear=1); [cs.names(), t.names()]
t = cs.newcoordsys(linear=1); t.setnames('a'); cs.names()
cs.newcoordsys(stokes='I ZZ')
cs.newcoordsys(linear=-1)
cs.newcoordsys(tabular=True).toworld([3])
""",
    "turned": r"""
cs.toworld([21, 29, 5], 's')
cs.toworld([0, 0, 0])
cs.lineartransform('dir')
cs.convertdirection('J2000')
cs.convertdirection('J2000'); cs.torecord()['direction0']
cs.setconversiontype(direction='J2000'); cs.toworld([1, 2, 3], 'qs')
cs.setconversiontype(direction='J2000', spectral='LSRD'); cs.summary(list=False)
cs.setreferencecode('J2000', 'direction'); cs
cs.convert([1, 1, 1], [False] * 3, 'radio', ['pix'] * 3, [False] * 3, 'radio', ['arcsec', 'arcsec', 'km/s'])
cs.convert([121.0, 31.0, 100.0], [True] * 3, 'radio', ['deg', 'pix', 'km/s'], [True] * 3, 'radio', ['pix', 'deg', 'pix'], [40, 60, 10])
cs.restfrequency()
cs.setreferencelocation([0, 1, 2], [121.0, 4.0, 1410.0], [True, True, True]); cs
cs.setreferencelocation([3, 3, 3], mask=[True, False, True]); cs
cs.setreferencelocation([3, 3, 3], '121deg 4deg 1.41GHz', [True, True, False]); cs
cs.findaxisbyname('Longitude')
cs.findaxisbyname('ra')
""",
    "table": r"""
cs.toworld([0, 0, 4])
cs.toworld([0, 0, 4.5])
cs.toworld([0, 0, -0.5])
cs.topixel([0, 0, 1.445e9])
cs.increment('n', 'spectral')
cs.lineartransform('spectral')
cs.setreferencepixel([1], 'spectral'); cs.toworld([0, 0, 1])
cs.setreferencevalue('1.3GHz', 'spectral'); cs.toworld([0, 0, 1])
cs.setincrement('2MHz', 'spectral'); cs.toworld([0, 0, 1])
cs.setunits('MHz', 'spectral'); cs.toworld([0, 0, 1])
cs.setrestfrequency('1.41GHz'); cs.toworld([0, 0, 1], 'm')
cs.setconversiontype(spectral='LSRK'); cs.toworld([0, 0, 2])
cs.convert([0, 0, 2.5], [True] * 3, 'radio', ['pix'] * 3, [True] * 3, 'radio', ['rad', 'rad', 'km/s'])
cs.fromrecord(cs.subimage([0, 0, 2], [])); cs.toworld([0, 0, 0])
cs.summary('optical', list=False)
""",
    "plain": r"""
cs.toworld([1, 2, 2.5])
cs.topixel([1, 2, 6.5])
cs.toworld([1, 2, 5.0])
cs.toworld([1, 2, -1.0], 's')
cs.settabular(pixel=[0, 2, 4], world=[10, 20, 50]); cs.toworld([0, 0, 3])
cs.settabular(world=[10, 20, 50, 60, 80]); cs.toworld([0, 0, 3])
cs.settabular(world=[10, 20, 50])
cs.settabular([0, 1], [5, 6], 1)
cs.settabular([0], [5]); cs.torecord()['tabular1']
cs.stokes()
cs.restfrequency()
cs.projection()
cs.setstokes('I')
cs.setrestfrequency('1GHz')
cs.setdirection(proj='TAN')
cs.setspectral(refcode='BARY')
cs.conversiontype('direction')
cs.frequencytovelocity(1e9)
cs.setreferencecode('J2000')
cs.setunits('m m s'); cs.units()
cs.setunits('s', 'tabular', overwrite=True); cs.units()
cs.setunits('m', 'tabular'); cs.toworld([0, 0, 2])
cs.increment('n', 'tabular')
cs.setincrement([2.0], 'tabular'); cs.toworld([0, 0, 2])
cs.setreferencevalue([2.0], 'tabular'); cs.toworld([0, 0, 2])
cs.lineartransform('tabular')
cs.convert([1, 2, 3], [True] * 3, 'radio', ['pix'] * 3, [True] * 3, 'radio', ['km', 'm', 'km'])
cs.convert([1, 2, 3], [False] * 3, 'radio', ['km', 'm', 'pix'], [True] * 3, 'radio', ['pix', 'pix', 'pix'])
""",
    "old": r"""
cs.toworld([3, 4, 5], 'm')
cs.setconversiontype(direction='J2000'); cs.toworld([3, 4, 5], 's')
cs.setconversiontype(direction='GALACTIC'); cs.toworld([3, 4, 5])
cs.setconversiontype(spectral='LSRK'); cs.toworld([3, 4, 5])
cs.setconversiontype(spectral='BARY'); cs.toworld([3, 4, 5])
cs.setconversiontype(spectral='LSRK'); cs.topixel(cs.toworld([3, 4, 5]))
cs.setconversiontype(direction='J2000', spectral='LSRK'); cs.torecord()
cs.setconversiontype(spectral='REST'); cs.conversiontype('spectral')
cs.setreferencecode('J2000', 'direction'); cs.referencevalue()
cs.setreferencecode('LSRK', 'spectral'); cs.referencevalue()
cs.convertdirection('J2000'); cs.torecord()['direction0']
cs.setreferencecode('B1950_VLA', 'direction', True); cs.referencevalue()
cs.setreferencecode('JTRUE', 'direction', False); cs.referencecode()
""",
}

# -- regions -----------------------------------------------------------------------------------------------

_REGIONS = f"{_IMAGE}; c = ia.coordsys().torecord(); s = ia.shape()"
_PAIR = """
one = rg.wbox(['2pix', '1pix'], ['6pix', '5pix'], [0, 1], c)
two = rg.wbox(['4pix', '3pix'], ['9pix', '7pix'], [0, 1], c)
three = rg.wbox(['1pix', '6pix'], ['3pix', '8pix'], [0, 1], c)
"""

REGIONS = r"""
rg.box()
rg.box([1, 2])
rg.box([1, 2, 3], [4, 5])
rg.box([1, 2], [4, 5], [2, 1])
rg.box([1, 2], [4, 5], [2])
rg.box(trc=[4, 5])
rg.box(1, 4)
rg.box([1.4, 2.6], [4.5, 5.5])
rg.box([0.1, 0.2], [0.7, 0.8], frac=True)
rg.box([-2, -2], [2, 2], absrel='relref', comment='middle')
rg.box([-0.2, -0.2], [0.2, 0.2], absrel='relcen', frac=True)
rg.box([1, 2], [4, 5], absrel='reldir')
rg.box([1, 2], [4, 5], absrel='nonsense')
rg.box([4, 5], [1, 2])
rg.box('a', [1, 2])
ia.getregion(rg.box([1, 2, 0, 3], [5, 6, 0, 7], [2, 2, 1, 3]))
ia.getregion(rg.box([1, 2], [3, 4]), getmask=True).shape
ia.getregion(rg.box([0.25, 0.25], [0.5, 0.75], frac=True)).shape
ia.getregion(rg.box([-2, -1], [2, 1], absrel='relref')).shape
ia.getregion(rg.box([-2, -1], [2, 1], absrel='relcen')).shape
ia.boundingbox(rg.box([1, 2, 0, 3], [5, 6, 0, 7], [2, 2, 1, 3]))
rg.absreltype(1)
rg.absreltype(4)
rg.absreltype(0)
rg.absreltype(9)
rg.wbox(['3pix', '2pix'], ['7pix', '6pix'], [0, 1], c)
rg.wbox(['3pix', '2pix', '1pix', '0pix'], ['7pix', '6pix', '2pix', '3pix'], csys=c)
rg.wbox(qa.quantity([3.0, 2.0], 'pix'), qa.quantity([7.0, 6.0], 'pix'), [0, 1], c)
rg.wbox('3pix 2pix', '7pix 6pix', [0, 1], c)
rg.wbox(['12:00:00.3', '29.59.58'], ['11:59:59.8', '30.00.03'], [0, 1], c)
rg.wbox(['0.25frac', '0.25frac'], ['0.75frac', '0.75frac'], [0, 1], c)
rg.wbox(['-3pix', '-2pix'], ['3pix', '2pix'], [0, 1], c, 'relref', 'around')
rg.wbox(['-3pix', '-2pix'], ['3pix', '2pix'], [0, 1], c, 'relcen')
rg.wbox(['1.4202GHz'], ['1.4204GHz'], [3], c)
rg.wbox([{'value': 1.4202, 'unit': 'GHz'}], [{'value': 1.4204, 'unit': 'GHz'}], [3], c)
rg.wbox(['3pix', '2pix'], ['7pix'], [0, 1], c)
rg.wbox(['3pix', '2pix'], ['7pix', '6pix'], [0], c)
rg.wbox(['3pix', '2pix'], ['7pix', '6pix'], [0, 1])
rg.setcoordinates(c); rg.wbox(['3pix', '2pix'], ['7pix', '6pix'], [0, 1])
ia.subimage(region=rg.wbox(['0.25frac', '0.25frac'], ['0.75frac', '0.75frac'], [0, 1], c)).shape()
ia.subimage(region=rg.wbox(['-3pix', '-2pix'], ['3pix', '2pix'], [0, 1], c, 'relref')).shape()
ia.subimage(region=rg.wbox(['-3pix', '-2pix'], ['3pix', '2pix'], [0, 1], c, 'relcen')).shape()
ia.subimage(region=rg.wbox(['1.4202GHz'], ['1.4204GHz'], [3], c)).shape()
ia.subimage(region=rg.wbox(['12:00:00.3', '29.59.58'], ['11:59:59.8', '30.00.03'], [0, 1], c)).getchunk()
rg.wpolygon(['2pix', '8pix', '5.2pix'], ['1.1pix', '2.1pix', '8.3pix'], [0, 1], c)
rg.wpolygon(qa.quantity([2.0, 8.0, 5.2], 'pix'), qa.quantity([1.1, 2.1, 8.3], 'pix'), [0, 1], c)
rg.wpolygon(['12h0m0.4s', '11h59m59.6s', '12h0m0s'], ['29d59m56s', '29d59m56s', '30d0m5s'], [0, 1], c, comment='tri')
rg.wpolygon(['2pix', '8pix'], ['1.1pix', '2.1pix', '8.3pix'], [0, 1], c)
rg.wpolygon(['2pix', '8pix', '5.2pix'], ['1.1pix', '2.1pix', '8.3pix'], csys=c)
ia.getregion(rg.wpolygon(['12h0m0.41s', '11h59m59.59s', '12h0m0s'], ['29d59m55.3s', '29d59m55.3s', '30d0m5.5s'], [0, 1], c), getmask=True)
rg.makeunion({'a': one, 'b': two})
rg.makeunion([one, two], 'both')
rg.makeunion({'a': one})
rg.makeunion({'a': one, 'b': two, 'c': three})
rg.makeunion({'a': rg.box([1, 1], [2, 2]), 'b': one})
rg.intersection({'a': one, 'b': two})
rg.difference(one, two, 'rest')
rg.difference(one, two)
rg.complement(one)
rg.complement({'a': one, 'b': two})
rg.concatenation(rg.wbox(['0pix'], ['2pix'], [3], c), {'a': one, 'b': two, 'c': three})
rg.isworldregion(one)
rg.ispixelregion(one)
ia.getregion(rg.makeunion({'a': one, 'b': three}), getmask=True)
ia.getregion(rg.intersection({'a': one, 'b': two}), getmask=True)
ia.getregion(rg.difference(one, two), getmask=True)
ia.getregion(rg.complement(one), getmask=True)
ia.getregion(rg.complement({'a': one, 'b': three}), getmask=True)
ia.getregion(rg.makeunion({'a': rg.difference(one, two), 'b': three}), getmask=True)
ia.getregion(rg.concatenation(rg.wbox(['0pix'], ['2pix'], [3], c), {'a': one, 'b': two, 'c': three}), getmask=True)
rg.frombcs(c, s)
rg.frombcs(c, s, '1,1,3,3')
rg.frombcs(c, s, '1,1,3,3,5,5,6,6')
rg.frombcs(c, s, '1,1,3,3', '2~4', 'Q')
rg.frombcs(c, s, chans='1~2,5')
rg.frombcs(c, s, stokes='IV')
rg.frombcs(c, s, stokes='I,Q')
rg.frombcs(c, s, stokescontrol='f')
rg.frombcs(c, s, chans='<3')
rg.frombcs(c, s, chans='>=6')
rg.frombcs(c, s, chans='99')
rg.frombcs(c, s, stokes='XX')
rg.frombcs(c, s, box='1,1,99,3')
rg.frombcs(c, s, box='1,1,3')
rg.frombcs(c, s, chans='range=[1.4201GHz, 1.4203GHz]')
rg.frombcs(c, s, region='box[[2pix, 2pix], [5pix, 6pix]]')
rg.frombcs(c, s, region='circle[[5pix, 4pix], 2.1pix]', chans='1~3', stokes='Q')
rg.frombcs(c, s, region=one)
rg.frombcs(c, s, box='1,1,2,2', region=one)
ia.getregion(rg.frombcs(c, s, '1,1,3,3,5,5,6,6', '1~2,5', 'IV'), getmask=True)
ia.getregion(rg.frombcs(c, s, region='circle[[5pix, 4pix], 2.1pix]', chans='1~3', stokes='Q'), getmask=True)
rg.fromtext('circle[[4pix, 4pix], 2.1pix]', s, c)
rg.fromtext('box[[2pix, 2pix], [5pix, 6pix]]', s, c)
rg.fromtext('centerbox[[5pix, 4pix], [4.1pix, 2.1pix]]', s, c)
rg.fromtext('rotbox[[5pix, 4pix], [4.1pix, 2.1pix], 30deg]', s, c)
rg.fromtext('poly[[2pix, 1.1pix], [8pix, 2.1pix], [5.2pix, 8.3pix]]', s, c)
rg.fromtext('ellipse[[5pix, 4pix], [3.1pix, 1.6pix], 30deg]', s, c)
rg.fromtext('annulus[[5pix, 4pix], [1.1pix, 3.1pix]]', s, c)
rg.fromtext('circle[[12h0m0.1s, 30d0m1s], 5arcsec]', s, c)
rg.fromtext('circle[[12h0m0.1s, 30d0m1s], 5arcsec], range=[1.4201GHz, 1.4203GHz], corr=[I, Q]', s, c)
rg.fromtext('circle[[5pix, 4pix], 2.1pix], range=[1chan, 3chan]', s, c)
rg.fromtext('circle[[5pix, 4pix], 2.1pix]\n-box[[4pix, 4pix], [6pix, 5pix]]', s, c)
rg.fromtext('nonsense', s, c)
open('r.crtf', 'w').write('#CRTFv0\ncircle[[4pix, 4pix], 2.1pix]\n'); rg.fromtextfile('r.crtf', s, c)
rg.fromtextfile('missing.crtf', s, c)
[ia.getregion(rg.fromtext(t, s, c), getmask=True) for t in ('circle[[5pix, 4pix], 2.1pix]\n-box[[4pix, 4pix], [6pix, 5pix]]', 'rotbox[[5pix, 4pix], [4.1pix, 2.1pix], 30deg]', 'annulus[[5pix, 4pix], [1.1pix, 3.1pix]]')]
rg.tofile('r.rgn', one); rg.fromfiletorecord('r.rgn', False)
rg.fromrecordtotable('full.im', 'aone', one)
rg.fromrecordtotable('full.im', 'aone', one); rg.namesintable('full.im')
rg.fromrecordtotable('full.im', 'aone', one); rg.fromtabletorecord('full.im', 'aone')
rg.fromrecordtotable('full.im', 'aone', one); rg.deletefromtable('full.im', 'aone'); rg.namesintable('full.im')
rg.namesintable('full.im')
rg.fromrecordtotable('full.im', 'aone', one); ia.getregion('aone', getmask=True).shape
rg.setcoordinates(c); rg.selectedchannels('1~3,5', s)
rg.setcoordinates(c); rg.selectedchannels('5,1~3', s)
rg.setcoordinates(c); rg.selectedchannels('<2,>=6', s)
rg.setcoordinates(c); rg.selectedchannels('', s)
rg.setcoordinates(c); rg.selectedchannels('99', s)
rg.setcoordinates(c); rg.selectedchannels('range=[1.4201GHz, 1.4203GHz]', s)
rg.setcoordinates(c); rg.selectedchannels('1~3,2~5', s)
rg.setcoordinates({'a': 1})
rg.done()
"""

# -- quantities --------------------------------------------------------------------------------------------

QUANTA = r"""
qa.quantity('3arcsec')
qa.quantity('3 arcsec')
qa.quantity('-1.5e3km/s')
qa.quantity(3, 'Jy')
qa.quantity([1, 2], 'Jy')
qa.quantity(np.array([[1.0, 2.0], [3.0, 4.0]]), 'Jy')
qa.quantity(np.array([[1.0, 2.0], [3.0, 4.0]]), 'Jy', True)
qa.quantity({'value': 2.0, 'unit': 'm'})
qa.quantity(['1m', '2km'])
qa.quantity('12h30m')
qa.quantity('12:30:10.5')
qa.quantity('-3.20.10.5')
qa.quantity('3d20m10.5')
qa.quantity('2010/3/4/5:6:7')
qa.quantity('2010-03-04T05:06:07')
qa.quantity('4MAR2010')
qa.quantity('3')
qa.quantity('')
qa.quantity('nonsense')
qa.quantity(3.5)
qa.unit('3m')
qa.unit(3, 'm')
qa.getvalue('3m')
qa.getvalue([qa.quantity('3m'), qa.quantity('4m')])
qa.getvalue(qa.quantity([1, 2], 'm'))
qa.getunit('3m')
qa.getunit([qa.quantity('3m'), qa.quantity('4Jy')])
qa.getunit('3')
qa.isquantity('3m')
qa.isquantity('3nonsense')
qa.isquantity({'a': 1})
qa.isquantity(qa.quantity('3m'))
qa.convert('3arcsec', 'deg')
qa.convert('3arcsec')
qa.convert('1.4GHz', 'MHz')
qa.convert('12:00:00', 'deg')
qa.convert('1h', 'deg')
qa.convert('90deg', 'h')
qa.convert('5km/h', 'm/s')
qa.convert(qa.quantity([1, 2], 'deg'), 'rad')
qa.convert('1Jy', 'mJy')
qa.convert('1Jy/beam', 'mJy/beam')
qa.convert('1K', 'mK')
qa.convert('1lb', 'kg')
qa.convert('1inch', 'mm')
qa.convert('1AU', 'm')
qa.convert('1pc', 'lyr')
qa.convert('1yr', 'd')
qa.convert('1nonsense', 'm')
qa.convert('1m', 'nonsense')
qa.convertfreq('1.4GHz', 'Hz')
qa.convertfreq('21cm', 'MHz')
qa.convertfreq('1s', 'Hz')
qa.convertdop('1', 'km/s')
qa.convertdop('1000m/s', 'km/s')
qa.canonical('3km/h')
qa.canonical('1Jy')
qa.canonical('1deg')
qa.canonical('1GHz')
qa.canonical('1Jy/beam')
qa.canon('1erg')
qa.canonical('5')
qa.add('1m', '2km')
qa.add('1m', '2s')
qa.add('1', '2')
qa.add(qa.quantity([1, 2], 'm'), '3m')
qa.sub('1m', '2km')
qa.sub('1deg', '1arcmin')
qa.mul('1m', '2s')
qa.mul('3Jy', '2')
qa.mul('3m', '2m')
qa.div('1m', '2s')
qa.div('6Jy', '2')
qa.div('6km', '2km')
qa.div('6km/s', '2Mpc')
qa.neg('3m')
qa.abs('-3m')
qa.abs('-3deg')
qa.norm('713deg')
qa.norm('-2.5deg', 0.0)
qa.le('3m', '1km')
qa.lt('3m', '300cm')
qa.eq('3m', '300cm')
qa.ne('3m', '300cm')
qa.gt('3m', '1km')
qa.ge('3m', '300cm')
qa.gt('3m', '1s')
qa.sin('30deg')
qa.cos('60deg')
qa.tan('45deg')
qa.asin('0.5')
qa.acos(0.5)
qa.atan(1)
qa.atan2(1, 2)
qa.atan2('1m', '1m')
qa.sin('1m')
qa.ceil('3.2m')
qa.floor('-3.2m')
qa.log(2.0)
qa.log10('100')
qa.exp(1)
qa.log('2m')
qa.sqrt('4m2')
qa.sqrt('4m')
qa.sqrt('9km2')
qa.pow('3m', 2)
qa.pow('3m', -1)
qa.pow('3km/s', 3)
qa.compare('3m', '1km')
qa.compare('3m', '1s')
qa.compare('12h', '1rad')
qa.check('Jy/beam')
qa.check('km.s-1')
qa.check('nonsense')
qa.checkfreq('1GHz')
qa.checkfreq('1cm')
qa.checkfreq('1Jy')
[qa.constants(k) for k in 'pi ee c G h HI R NA e mp mp_me mu0 eps0 k F me re a0 R0 k2'.split()]
qa.constants('nonsense')
qa.constants()
qa.isangle('3deg')
qa.isangle('3h')
qa.isangle('3m')
qa.totime('90deg')
qa.totime('3h')
qa.toangle('3h')
qa.toangle('3deg')
qa.toangle('1m')
qa.splitdate('2010/3/4/5:6:7.5')
qa.splitdate('55259.25d')
qa.tos('3arcsec')
qa.tos('1.23456789012345km', 4)
qa.tos(qa.quantity([1.5, 2.5], 'm'))
qa.tos('1.4GHz', 12)
qa.tos('3')
qa.angle('3deg')
qa.angle('-0.5deg')
qa.angle('182.3456789deg', prec=8)
qa.angle('1.5rad', prec=10)
qa.angle('182.3456789deg', form=['clean'])
qa.angle('182.3456789deg', form=['time'])
qa.angle('2.3456789deg', form=['dig2'])
qa.angle('2.3456789deg', form=['no_d'])
qa.angle('2.3456789deg', prec=9, form=['tim', 'no_d'])
qa.angle(qa.quantity([1.0, 2.0], 'deg'))
qa.angle(qa.quantity([1.0, 2.0], 'deg'), showform=True)
qa.angle('400deg')
qa.angle('12h', prec=7)
qa.time('3deg')
qa.time('30.1deg', prec=9)
qa.time('12.5h')
qa.time('2010/3/4/5:6:7.5', form=['ymd'])
qa.time('2010/3/4/5:6:7.5', form=['dmy'])
qa.time('2010/3/4/5:6:7.5', form=['mjd'])
qa.time('2010/3/4/5:6:7.5', form=['fits'])
qa.time('2010/3/4/5:6:7.5', form=['ymd', 'no_time'])
qa.time('2010/3/4/5:6:7.5', form=['day', 'dmy'], prec=8)
qa.time('2010/3/4/5:6:7.5', form='ymd')
qa.time('2010/3/4/5:6:7.5', prec=5)
qa.time('55259.25d', form=['ymd'])
qa.time('12.5h', form=['clean'], prec=5)
qa.time('12.5h', form=['no_d'])
qa.time('12.5h', form=['angle'])
qa.time(qa.quantity([1.0, 2.0], 'h'), showform=True)
qa.formxxx('3deg', 'hms', prec=4)
qa.formxxx('3.123456deg', 'dms')
qa.formxxx('3.123456deg', 'dms', prec=5)
qa.formxxx('-3.123456deg', 'deg', prec=5)
qa.formxxx('-3.123456deg', 'deg')
qa.formxxx('123.123456789deg', 'deg', prec=8)
qa.time('-3deg')
qa.time('-3.7d', form='ymd')
qa.eq('3m', '1s')
qa.convert('1rad/s', 'Hz')
qa.convertfreq('6.3rad/s', 'Hz')
qa.convertfreq('1eV', 'GHz')
qa.norm('1h')
qa.div('1deg', '1h')
qa.constants('h')
qa.constants('LIGHT')
qa.splitdate('-0.3d')
qa.quantity('3km.s-1')
qa.quantity('1e-3 mJy/beam.km/s')
qa.convert('3m.m', 'cm2')
qa.convert('1(km/s)2', 'm2/s2')
qa.angle('-12.3456deg', prec=12)
qa.angle('0.01deg', form='no_dm')
qa.formxxx('3.123456deg', 'rad', prec=5)
qa.formxxx('3.123456deg', '+deg', prec=5)
qa.formxxx('3.123456deg', 'nonsense')
qa.formxxx('12h30m10.123s', 'hms')
qa.define('furlong', '220yd'); qa.convert('1furlong', 'm')
qa.define('glug', '3Jy'); qa.mul('2glug', '2')
qa.map('prefix')
qa.map('constants')
qa.maprec('SI')
sorted(qa.maprec('customary'))
qa.maprec('user')
qa.fits(); qa.convert('1JY', 'Jy')
qa.getformat('prec')
qa.type()
qa.done()
"""

# -- measures ----------------------------------------------------------------------------------------------

_FRAME = """
me.doframe(me.observatory('ATCA'))
me.doframe(me.epoch('UTC', '2001/3/4/05:06:07'))
me.doframe(me.direction('J2000', '10h20m30s', '-40d10m00s'))
d = me.direction('J2000', '12h0m0s', '30deg')
"""

MEASURES = r"""
me.direction('J2000', '12h0m0s', '30deg')
me.direction('B1950', '12:00:00', '-30.10.20')
me.direction('J2000', qa.quantity('3rad'), qa.quantity('0.2rad'))
me.direction('GALACTIC', '300deg', '-10deg')
me.direction('SUN')
me.direction('NONSENSE', '3rad', '0.2rad')
me.direction()
me.direction('J2000', qa.quantity([1.0, 2.0], 'rad'), qa.quantity([0.1, 0.2], 'rad'))
me.epoch('UTC', '2020/1/1')
me.epoch('UTC', '2020/01/02/12:30:10.5')
me.epoch('TAI', '2020-01-02T12:30:10')
me.epoch('UTC', '58849.5d')
me.epoch('UTC', qa.quantity('58849.5d'))
me.epoch('NONSENSE', '2020/1/1')
me.frequency('LSRK', '1.4GHz')
me.frequency('TOPO', '21cm')
me.frequency('REST', 'HI')
me.frequency('LSRK', '3Jy')
me.doppler('RADIO', '100km/s')
me.doppler('Z', '0.1')
me.doppler('OPTICAL', qa.quantity(0.5))
me.radialvelocity('LSRK', '100km/s')
me.radialvelocity('BARY', '3Jy')
me.position('WGS84', '10deg', '20deg', '30m')
me.position('ITRF', '-1601185.4m', '-5041977.5m', '3554875.9m')
me.position('ITRF', '10deg', '20deg', '6378000m')
me.baseline('ITRF', '10m', '20m', '30m')
me.uvw('J2000', '10m', '20m', '30m')
me.observatory('ATCA')
me.observatory('vla')
me.observatory('nonsense')
'ALMA' in me.obslist()
me.spectralline('HI')
me.spectralline('nonsense')
'HI' in me.linelist()
me.measure(me.direction('J2000', '12h0m0s', '30deg'), 'GALACTIC')
me.measure(me.direction('J2000', '12h0m0s', '30deg'), 'B1950')
me.measure(me.direction('B1950', '12h0m0s', '30deg'), 'J2000')
me.measure(me.direction('J2000', '12h0m0s', '30deg'), 'ECLIPTIC')
me.measure(me.direction('J2000', '12h0m0s', '30deg'), 'SUPERGAL')
me.measure(me.direction('J2000', '12h0m0s', '30deg'), 'ICRS')
me.measure(me.direction('GALACTIC', '12deg', '30deg'), 'SUPERGAL')
me.measure(me.direction('J2000', '12h0m0s', '30deg'), 'J2000')
me.measure(me.direction('J2000', '12h0m0s', '30deg'), 'NONSENSE')
me.measure(me.epoch('UTC', '2020/1/1'), 'TAI')
me.measure(me.epoch('UTC', '2020/1/1'), 'TT')
me.measure(me.epoch('UTC', '2020/1/1'), 'TDB')
me.measure(me.epoch('UTC', '2020/1/1'), 'TCG')
me.measure(me.epoch('TAI', '2001/1/1'), 'UTC')
me.measure(me.epoch('UTC', '2001/1/1'), 'UT1')
me.measure(me.epoch('UTC', '2001/1/1'), 'GMST')
me.measure(me.doppler('RADIO', '0.4'), 'BETA')
me.measure(me.doppler('OPTICAL', '10000km/s'), 'RADIO')
me.measure(me.doppler('RADIO', '0.4'), 'GAMMA')
me.measure(me.doppler('RADIO', '0.4'), 'RATIO')
me.measure(me.position('WGS84', '10deg', '20deg', '30m'), 'ITRF')
me.measure(me.observatory('ATCA'), 'WGS84')
me.measure(me.observatory('VLA'), 'ITRF')
me.measure(d, 'AZEL')
me.measure(d, 'HADEC')
me.measure(d, 'APP')
me.measure(d, 'JMEAN')
me.measure(d, 'JTRUE')
me.measure(d, 'AZELGEO')
me.measure(me.epoch('UTC', '2001/3/4/05:06:07'), 'LAST')
me.measure(me.epoch('UTC', '2001/3/4/05:06:07'), 'LMST')
me.measure(me.frequency('LSRK', '1.4GHz'), 'BARY')
me.measure(me.frequency('TOPO', '1.4GHz'), 'LSRK')
me.measure(me.frequency('LSRK', '1.4GHz'), 'TOPO')
me.measure(me.frequency('GEO', '1.4GHz'), 'LSRD')
me.measure(me.frequency('BARY', '1.4GHz'), 'GALACTO')
me.measure(me.frequency('BARY', '1.4GHz'), 'CMB')
me.measure(me.frequency('BARY', '1.4GHz'), 'LGROUP')
me.measure(me.radialvelocity('LSRK', '100km/s'), 'BARY')
me.measure(me.radialvelocity('TOPO', '100km/s'), 'LSRK')
me.doframe(me.direction('J2000', '12h0m0s', '30deg'))
me.doframe(3)
me.todoppler('RADIO', me.frequency('LSRK', '1.4GHz'), '1.42GHz')
me.todoppler('OPTICAL', me.frequency('LSRK', '1.4GHz'), qa.constants('HI'))
me.todoppler('BETA', me.frequency('LSRK', '1.4GHz'), me.frequency('REST', '1.42GHz'))
me.todoppler('OPTICAL', me.radialvelocity('LSRK', '100km/s'))
me.toradialvelocity('LSRK', me.doppler('RADIO', '100km/s'))
me.toradialvelocity('BARY', me.doppler('OPTICAL', '0.2'))
me.tofrequency('LSRK', me.doppler('RADIO', '100km/s'), '1.42GHz')
me.tofrequency('LSRK', me.doppler('OPTICAL', '100km/s'), qa.constants('HI'))
me.tofrequency('LSRK', me.doppler('RADIO', '100km/s'), me.frequency('REST', '1.42GHz'))
me.torestfrequency(me.frequency('LSRK', '1.4GHz'), me.doppler('RADIO', '100km/s'))
me.separation(me.direction('J2000', '12h0m0s', '30deg'), me.direction('J2000', '12h1m0s', '31deg'))
me.separation(me.direction('J2000', '12h0m0s', '30deg'), me.direction('B1950', '12h1m0s', '31deg'))
me.posangle(me.direction('J2000', '12h0m0s', '30deg'), me.direction('J2000', '12h1m0s', '31deg'))
me.posangle(me.direction('B1950', '12h0m0s', '30deg'), me.direction('J2000', '11h50m0s', '28deg'))
me.shift(me.direction('J2000', '12h0m0s', '30deg'), '20arcmin', '30deg')
me.shift(me.direction('J2000', '1h0m0s', '-80deg'), qa.quantity('3deg'), qa.quantity('200deg'))
me.getvalue(me.direction('J2000', '12h0m0s', '30deg'))
me.getvalue(me.epoch('UTC', '2020/1/1'))
me.gettype(me.direction('J2000', '12h0m0s', '30deg'))
me.gettype(me.epoch('UTC', '2020/1/1'))
me.gettype(me.radialvelocity('LSRK', '100km/s'))
me.getref(me.direction('J2000', '12h0m0s', '30deg'))
me.getoffset(me.direction('J2000', '12h0m0s', '30deg'))
me.ismeasure(me.direction('J2000', '12h0m0s', '30deg'))
me.ismeasure({'a': 1})
me.ismeasure(3)
me.dirshow(me.direction('J2000', '12h0m0s', '30deg'))
me.dirshow(me.direction('B1950', '1h2m3.456s', '-3d2m1.2s'))
me.dirshow(me.direction('GALACTIC', '300deg', '-10deg'))
me.show(me.direction('J2000', '12h0m0s', '30deg'))
me.show(me.epoch('UTC', '2020/01/02/12:30:10.5'))
me.show(me.frequency('LSRK', '1.4GHz'))
me.show(me.doppler('RADIO', '100km/s'), False)
me.show(me.position('WGS84', '10deg', '20deg', '30m'))
me.listcodes(me.direction())
me.listcodes(me.epoch())
me.listcodes(me.frequency())
me.listcodes(me.doppler())
me.listcodes(me.position())
me.listcodes(me.radialvelocity())
me.addxvalue(me.direction('J2000', '12h0m0s', '30deg'))
me.addxvalue(me.observatory('VLA'))
me.type()
me.done()
"""

_REFPIX = "the reference pixel is left alone; CASA sets it to (0, 1) when none is given"
_REFUSED = "what cannot be is refused; CASA says nothing, or makes something up"
_ENDS = "CASA's process ends, at times"
_EVLA = "the EVLA is known"
_FORMS = "all forms are taken; CASA takes some for something else"
_CMB = "the frame of the CMB is that of the FITS standard, 1 km/s from CASA's"

_NAMED = "a measure names the frame of its numbers; CASA names the one before the conversion"

_REPEATED = "each region is its own; CASA takes the first one for all"
_TWO = "rg.concatenation(rg.wbox(['0pix'], ['2pix'], [3], c), {'a': one, 'b': two, 'c': three})"

_LISTS = "the lists are those of the units that are known here"
_SEVERAL = "several quantities are taken at once, as CASA's documentation says"

MENDED: dict[str, str] = {
    "measures: me.direction('NONSENSE', '3rad', '0.2rad')": _REFUSED,
    "measures: me.direction('J2000', qa.quantity([1.0, 2.0], 'rad'), qa.quantity([0.1, 0.2], 'rad'))": _REFUSED,
    "measures: me.epoch('NONSENSE', '2020/1/1')": _REFUSED,
    "measures: me.frequency('REST', 'HI')": _REFUSED,
    "measures: me.frequency('LSRK', '3Jy')": _REFUSED,
    "measures: me.radialvelocity('BARY', '3Jy')": _REFUSED,
    "measures: me.observatory('nonsense')": _REFUSED,
    "measures: me.spectralline('nonsense')": _REFUSED,
    "measures: me.measure(me.direction('J2000', '12h0m0s', '30deg'), 'NONSENSE')": _REFUSED,
    "measures: me.measure(me.frequency('BARY', '1.4GHz'), 'CMB')": _CMB,
    "measures: me.tofrequency('LSRK', me.doppler('RADIO', '100km/s'), '1.42GHz')": _FORMS,
    "measures: me.ismeasure(3)": _FORMS,
    "quanta: qa.getvalue([qa.quantity('3m'), qa.quantity('4m')])": _SEVERAL,
    "quanta: qa.getunit([qa.quantity('3m'), qa.quantity('4Jy')])": _SEVERAL,
    "quanta: qa.add(qa.quantity([1, 2], 'm'), '3m')": _SEVERAL,
    "quanta: qa.angle(qa.quantity([1.0, 2.0], 'deg'))": _SEVERAL,
    "quanta: qa.angle(qa.quantity([1.0, 2.0], 'deg'), showform=True)": _SEVERAL,
    "quanta: qa.time(qa.quantity([1.0, 2.0], 'h'), showform=True)": _SEVERAL,
    "quanta: qa.convert('1pc', 'lyr')": "more units are known",
    "quanta: [qa.constants(k) for k in 'pi ee c G h HI R NA e mp mp_me mu0 eps0 k F me re a0 R0 k2'.split()]": (
        "eps0 is the permittivity of the vacuum; CASA gives the charge of the electron"
    ),
    "quanta: qa.constants('nonsense')": _REFUSED,
    "quanta: qa.constants('LIGHT')": _REFUSED,
    "quanta: qa.formxxx('3.123456deg', 'nonsense')": _REFUSED,
    "quanta: qa.convert('1rad/s', 'Hz')": "units of another kind are refused; CASA makes up a unit",
    "quanta: qa.splitdate('-0.3d')": "the hours of a day are not negative",
    "quanta: qa.map('prefix')": _LISTS,
    "quanta: qa.map('constants')": _LISTS,
    "quanta: qa.maprec('SI')": _LISTS,
    "quanta: sorted(qa.maprec('customary'))": _LISTS,
    "quanta: qa.maprec('user')": _LISTS,
    "regions: rg.box('a', [1, 2])": _REFUSED,
    "regions: rg.wbox(qa.quantity([3.0, 2.0], 'pix'), qa.quantity([7.0, 6.0], 'pix'), [0, 1], c)": _FORMS,
    "regions: rg.wbox([{'value': 1.4202, 'unit': 'GHz'}], [{'value': 1.4204, 'unit': 'GHz'}], [3], c)": _FORMS,
    "regions: rg.wpolygon(qa.quantity([2.0, 8.0, 5.2], 'pix'), qa.quantity([1.1, 2.1, 8.3], 'pix'), [0, 1], c)": _FORMS,
    "regions: rg.makeunion([one, two], 'both')": _FORMS,
    f"regions: {_TWO}": _REPEATED,
    f"regions: ia.getregion({_TWO}, getmask=True)": _REPEATED,
    "image: cs.setdirection(); cs": _REFPIX,
    "image: cs.setdirection(refcode='B1950'); cs": _REFPIX,
    "image: cs.setdirection(refval='10deg 20deg', incr='-1arcsec 1arcsec'); cs": _REFPIX,
    "image: cs.setdirection(refcode='GALACTIC', proj='CAR', refval='0deg 0deg', poles='180deg 90deg');"
    " cs.torecord()['direction0']": _REFPIX,
    "image: cs.setdirection(proj='SIN', projpar=[0.1, 0.2], xform=np.array([[0.0, 1.0], [-1.0, 0.0]]));"
    " cs.torecord()['direction0']": _REFPIX,
    "image: cs.setprojection('SIN', [0.1, 0.2, 0.3]); cs.projection()": _REFUSED,
    "image: cs.setlineartransform('direction', np.array([[1.0]])); cs.lineartransform('direction')": _REFUSED,
    "image: cs.setstokes('I ZZ'); cs.stokes()": _REFUSED,
    "image: cs.frequencytovelocity([1.42, 1.43], 'GHz', 'nonsense')": _REFUSED,
    "image: cs.velocitytofrequency([100, 200], 'MHz', 'radio', 'Jy')": _REFUSED,
    "image: cs.reorder([0, 0, 1]); cs.names()": _REFUSED,
    "image: cs.toworld([3, 4, -1, 1], 's')": _REFUSED,
    "image: cs.toabs([3, 4, 1, 1])": _REFUSED,
    "plain: cs.settabular([0], [5]); cs.torecord()['tabular1']": _REFUSED,
    "new: cs.newcoordsys(stokes='I ZZ')": _REFUSED,
    "new: cs.findcoordinate('nonsense')": _REFUSED,
    "image: cs.setreferencelocation([1, 2, 3, 4], '3rad 0.5rad I 1.4GHz', [True, True, True, True]); cs": _ENDS,
    "image: cs.setreferencelocation([0, 1, 0, 2], [3.1, 0.4, 1, 1.3e9], [True, True, False, True]); cs": _ENDS,
    "image: cs.setreferencelocation([3, 3, 0, 3], mask=[True, True, False, True]); cs": _ENDS,
    "turned: cs.setreferencelocation([3, 3, 3], mask=[True, False, True]); cs": _ENDS,
    "turned: cs.setreferencelocation([3, 3, 3], '121deg 4deg 1.41GHz', [True, True, False]); cs": _ENDS,
    "image: cs.setreferencevalue('I', 'stokes'); cs.referencevalue()": _FORMS,
    "image: cs.setreferencevalue(qa.quantity('1.3GHz'), 'spectral'); cs.referencevalue()": _FORMS,
    "image: cs.setincrement(qa.quantity([-2.0, 2.0], 'arcsec'), 'direction'); cs.increment()": _FORMS,
    "plain: cs.topixel(cs.toworld([3, 4, 2], 'm'))": _FORMS,
    "image: cs.topixel({'measure': {'direction': me.direction('B1950', '11h57m26s', '30.27deg')}})": (
        "directions in other frames are converted; CASA takes their numbers as they are"
    ),
    "image: cs.setconversiontype(direction='GALACTIC'); cs.toworld([1, 2, 0, 0], 'ms')": _NAMED,
    "old: cs.setconversiontype(direction='J2000', spectral='LSRK'); cs.torecord()": _NAMED,
    "image: cs.setconversiontype(spectral='GALACTO'); cs.toworld([1, 2, 0, 0], 'm')": _NAMED,
    "image: cs.setreferencecode('CMB', 'sp'); cs.toworld([1, 2, 0, 3])": _CMB,
    "image: cs.convert([3.0, 30.0, 1, 100.0], [True] * 4, 'radio', ['pix', 'deg', 'pix', 'km/s'], [True] * 4,"
    " 'optical', ['deg', 'pix', 'pix', 'GHz'], [12, 10, 4, 8])": "a place is found; CASA looks for it elsewhere",
    "turned: cs.convert([121.0, 31.0, 100.0], [True] * 3, 'radio', ['deg', 'pix', 'km/s'], [True] * 3, 'radio',"
    " ['pix', 'deg', 'pix'], [40, 60, 10])": "a place is found beyond the edges, too",
    "new: cs.setconversiontype(spectral='BARY'); cs.toworld([10, 20, 0, 30])": _EVLA,
    "turned: cs.setconversiontype(direction='J2000', spectral='LSRD'); cs.summary(list=False)": _EVLA,
    "table: cs.setconversiontype(spectral='LSRK'); cs.toworld([0, 0, 2])": _EVLA,
}

# How far numbers of a call may be apart, relatively and in any case, where that is not the usual 1e-9. CASA's
# galactic pole is half an arcsecond from that of astropy; positions of B1950 are those of that year in astropy,
# and of a later one in casacore; CASA's solar motions have fewer digits. The first that fits counts.
_PRECISION: dict[str, tuple[float, float]] = {
    "table: cs.summary('optical'": (2e-5, 0.0),  # the slope of a curve
    "qa.convertfreq('1eV'": (1e-6, 0.0),  # the constants of another year
    # in the CASA that was asked UT1 is UTC, which turns the Earth by 0.1 s
    "measures: me.measure(d, 'AZEL": (1e-9, 8e-6),
    "measures: me.measure(d, 'HADEC": (1e-9, 8e-6),
    "measures: me.measure(me.epoch('UTC', '2001": (1e-9, 1.2e-6),
    "measures: me.measure(d, ": (1e-9, 1e-6),
    "measures: me.measure(me.direction(": (1e-9, 4e-6),
    "measures: me.measure(me.frequency('GEO'": (5e-9, 0.0),
    "measures: me.measure(me.frequency('BARY', '1.4GHz'), 'GALACTO')": (5e-9, 0.0),
    "measures: me.measure(me.frequency('TOPO'": (2e-9, 0.0),
    "'1.4GHz'), 'TOPO')": (2e-9, 0.0),
    "measures: me.measure(me.radialvelocity": (4e-6, 0.0),
    "me.separation(me.direction('J2000', '12h0m0s', '30deg'), me.direction('B1950'": (1e-9, 2e-4),
    "me.posangle(me.direction('B1950'": (1e-9, 2e-3),
    "measures: ": (1e-9, 1e-12),  # those of coordinates, below, are not for measures
    "old: cs.setconversiontype(direction='J2000'); cs.toworld": (1e-9, 0.2),
    "turned: cs.setconversiontype(direction='J2000'); cs.toworld": (1e-9, 2e-4),
    "GALACTIC'); cs.toworld([1, 2, 0, 0], 's')": (1e-9, 2e-4),
    "GALACTIC'); cs.torecord": (1e-9, 2e-4),  # the poles are in degrees
    "GALACTIC": (1e-9, 4e-6),
    "SUPERGAL": (1e-9, 4e-6),
    "B1950', 'direction'); cs.torecord": (1e-9, 7e-5),
    "B1950'); cs.topixel": (1e-9, 2e-5),
    "B1950": (1e-9, 4e-6),
    "ECLIPTIC": (1e-9, 4e-7),
    "ICRS": (1e-9, 4e-7),
    "convertdirection('J2000')": (1e-9, 2e-4),
    "cs.setreferencecode('J2000'": (1e-9, 4e-6),
    "GALACTO": (1e-5, 0.0),
    "LSRD": (5e-9, 0.0),
    "[False] * 4, 'optical'": (1e-9, 1e-10),
    "cs.torel(cs.toworld([3, 4, 1], 's'))": (1e-9, 1e-10),
}


def precision(name: str) -> tuple[float, float]:
    """Return how far the numbers of a call may be apart, relatively and in any case."""
    return next((apart for part, apart in _PRECISION.items() if part in name), (1e-9, 1e-12))


GROUPS = (*SYSTEMS, "regions", "quanta", "measures")


def every() -> Iterator[tuple[str, str, str, str]]:
    """Yield group, name, setup and text of every call."""
    for group, setup in SYSTEMS.items():
        yield from _lines(group, setup, EVERYWHERE + CALLS[group])
    yield from _lines("regions", f"{_REGIONS}{_PAIR}", REGIONS)
    yield from _lines("quanta", "", QUANTA)
    yield from _lines("measures", _FRAME, MEASURES)


def _lines(group: str, setup: str, calls: str) -> Iterator[tuple[str, str, str, str]]:
    for line in calls.splitlines():
        if line:
            yield group, f"{group}: {line}", setup, line
