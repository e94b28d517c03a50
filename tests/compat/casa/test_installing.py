"""Scripts and notebooks for CASA find lattice, and learn what is not served."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lattice.compat import casa
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.logs import Lines
from lattice.errors import LatticeError

ROOT = Path(__file__).resolve().parents[3]


def run(folder: Path, text: str, *arguments: str, before: tuple[str, ...] = ()) -> Any:
    (folder / "script.py").write_text(text)
    command = [sys.executable, "-m", "lattice.compat.casa", *before, "script.py", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=240)


IMPORTS = """
import sys
import casatasks, casatools, casacore.images
from casatools import image as iatool
from casatools import *
from casatasks import imstat, tclean, casalog
assert ia.fromshape('a.im', [4, 3]) and ia.done()
assert iatool().newimage('a.im').shape().tolist() == [4, 3] == image().newimage('a.im').shape().tolist()
assert casatasks.imstat('a.im')['npts'][0] == 12 == imstat('a.im')['npts'][0]
assert casacore.images.image('a.im').shape() == [3, 4]
assert rg.box([0, 0], [1, 1])['isRegion'] and qa.quantity('1m')['value'] == 1
assert cs.newcoordsys(direction=True).naxes() == 2 and me.epoch('UTC', '2020/1/1')['refer'] == 'UTC'
assert casatools.version() >= [6, 5] and casatasks.version_string().startswith('6.')
print(sys.argv, __name__, __file__)
"""


def test_all_ways_to_import_casa_find_lattice(tmp_path: Path) -> None:
    done = run(tmp_path, IMPORTS, "one", "-x")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['script.py', 'one', '-x'] __main__ script.py\n"
    assert done.stderr == ""


def test_calls_that_are_not_served_are_told_at_the_end(tmp_path: Path) -> None:
    text = """
import casatasks
from casatasks import tclean
for task in (tclean, casatasks.tclean, tb.open, ia.nothing):
    try:
        task('a.ms')
    except (RuntimeError, AttributeError) as error:
        print(error)
"""
    text = text.replace("(tclean, casatasks.tclean, tb.open, ia.nothing)", "(tclean, casatasks.tclean)")
    text += "try:\n    tb.open('a')\nexcept RuntimeError:\n    pass\nia.nothing()\n"
    done = run(tmp_path, text)
    assert done.returncode == 1
    assert done.stdout.count("casatasks.tclean is not served") == 2
    last = done.stderr.splitlines()[-1]
    assert last == "not served: casatasks.tclean (2), casatools.table.open (1), image.nothing (1)"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("raise SystemExit(3)", 3, ""),
        ("import sys; sys.exit()", 0, ""),
        ("import sys; sys.exit('no data')", 1, "no data\n"),
        ("x = 1\n1 / 0", 1, "ZeroDivisionError"),
        ("x = (", 1, "SyntaxError"),
        ("def f():\n    ia.open('nothing.im')\n\nf()", 1, "nothing.im"),
    ],
)
def test_the_exit_status_is_that_of_python(tmp_path: Path, text: str, status: int, said: str) -> None:
    done = run(tmp_path, text)
    assert done.returncode == status, done.stderr
    assert said in done.stderr


def test_tracebacks_are_those_of_the_script(tmp_path: Path) -> None:
    done = run(tmp_path, "def look():\n    return imstat('nothing.im')\n\nlook()\n")
    lines = done.stderr.splitlines()
    assert '  File "script.py", line 4, in <module>' in lines
    assert '  File "script.py", line 2, in look' in lines
    assert "lattice/compat" not in done.stderr
    assert done.returncode == 1


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lattice.compat.casa", "nothing.py"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 2
    assert "'nothing.py' cannot be read" in done.stderr


def test_the_log_goes_to_a_file(tmp_path: Path) -> None:
    text = "ia.fromshape('a.im', [4, 3]); ia.done()\nimstat('a.im')\ncasalog.post('seen', 'WARN', 'mine')\n"
    done = run(tmp_path, text, before=("--log", "casa.log"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("\tWARN\tmine::::casa\tseen\n")
    lines = (tmp_path / "casa.log").read_text().splitlines()
    begin = next(line for line in lines if "Begin Task: imstat" in line)
    assert begin.split("\t")[1:3] == ["INFO", "imstat::::casa"]
    assert any('imstat(imagename="a.im"' in line for line in lines)


# -- notebooks ----------------------------------------------------------------------------------------------


def test_install_and_uninstall_put_names_and_take_them_back() -> None:
    space: dict[str, Any] = {"ia": "mine"}
    assert "casatools" not in sys.modules
    casa.install(replace=True, into=space)
    try:
        from casatools import image  # type: ignore[import-not-found]

        assert image is casa.image
        assert space["imstat"] is casa.imstat
        assert isinstance(space["ia"], casa.image)
        with pytest.raises(CasaError, match="tclean is not served"):
            space["tclean"](vis="a.ms")
        assert casa.missed(forget=True) == {"casatasks.tclean": 1}
        with pytest.raises(ImportError, match="nothing"):
            from casatasks import nothing  # type: ignore[import-not-found] # noqa: F401
        assert set(casa.missed(forget=True)) == {"casatasks.nothing"}
    finally:
        casa.uninstall()
    assert space == {"ia": "mine"}
    assert "casatools" not in sys.modules


def test_an_installed_casa_is_not_replaced_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "casatools.py").write_text("real = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(LatticeError, match="casatools is installed here"):
        casa.install()
    assert "casatools" not in sys.modules


# -- the log ------------------------------------------------------------------------------------------------


def test_lines_of_the_log_have_origin_and_priority(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    log = casa.logsink()
    log.origin("mine")
    with caplog.at_level(logging.DEBUG, "casa"):
        log.post("one")
        log.post("two", "SEVERE", origin="other")
        logging.getLogger("casa").info("image::summary three")
    shown = [Lines().format(record).split("\t")[1:] for record in caplog.records]
    assert shown[:2] == [["INFO", "mine::::casa", "one"], ["SEVERE", "other::::casa", "two"]]
    assert shown[2:] == [["INFO", "image::summary", "three"]]
    with pytest.raises(CasaError, match="no priority 'LOUD'"):
        log.post("three", "LOUD")
    place = tmp_path / "a.log"
    try:
        log.setlogfile(str(place))
        log.post("four")
        assert log.logfile() == str(place)
    finally:
        log.setlogfile()
    assert place.read_text().endswith("\tINFO\tmine::::casa\tfour\n")
    with pytest.raises(CasaError, match="cannot be written"):
        log.setlogfile(str(tmp_path / "no" / "a.log"))
