"""The shim: on request only, undone on request, with and without python-casacore installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from lattice.errors import LatticeError

HIDE = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "casacore":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_nothing_happens_by_itself() -> None:
    script = HIDE + (
        "import lattice.compat.casacore.images\n"
        "try:\n    import casacore.images\nexcept ModuleNotFoundError as e:\n    print(e.name)"
    )
    assert run(script) == "casacore"


def test_stands_in_where_there_is_no_casacore() -> None:
    script = HIDE + (
        "import lattice.compat.casacore as c\n"
        "c.install(); c.install()\n"
        "import casacore.images\n"
        "from casacore.images import *\n"
        "from casacore.images.image import image as same\n"
        "from casacore.images.coordinates import coordinatesystem, directioncoordinate\n"
        "from casacore.util import substitute\n"
        "from casacore import images as again\n"
        "assert image is same is casacore.images.image and again is casacore.images\n"
        "im = image('', shape=[4, 5])\n"
        "assert isinstance(im.coordinates(), coordinatesystem)\n"
        "assert isinstance(im.coordinates()['direction'], directioncoordinate)\n"
        "try:\n    import casacore.tables\nexcept ModuleNotFoundError as e:\n    print('no tables')\n"
        "c.uninstall()\n"
        "assert not [m for m in sys.modules if m.split('.')[0] == 'casacore']\n"
        "try:\n    import casacore.images\nexcept ModuleNotFoundError:\n    print('gone')"
    )
    assert run(script).split("\n") == ["no tables", "gone"]


@pytest.mark.skipif(importlib.util.find_spec("casacore") is None, reason="python-casacore is not installed")
@pytest.mark.oracle
def test_replaces_casacore_only_when_told() -> None:
    script = (
        "import lattice.compat.casacore as c\n"
        "import casacore.images\n"
        "real = casacore.images.image\n"
        "try:\n    c.install()\nexcept c.LatticeError as e:\n    print('refused')\n"
        "c.install(replace=True)\n"
        "from casacore.images import image\n"
        "import casacore.images, casacore.tables\n"
        "assert image is not real and casacore.images.image is image\n"
        "assert image.__module__.startswith('lattice.') and casacore.tables.table\n"
        "c.uninstall()\n"
        "import casacore.images\n"
        "assert casacore.images.image is real\n"
        "print('back')"
    )
    assert run(script).split("\n") == ["refused", "back"]


def test_error_says_what_to_do() -> None:
    if importlib.util.find_spec("casacore") is None:
        pytest.skip("python-casacore is not installed")
    from lattice.compat import casacore

    with pytest.raises(LatticeError, match="replace=True"):
        casacore.install()
