"""The list of operations: complete, and its tables in docs/operations.md those that it makes."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import lattice
from lattice import Image, NameNotFoundError
from lattice.cli import commands
from lattice.functions.registry import names
from lattice.image.catalogue import OPERATIONS, RULES, Operation, markdown, operation

ROOT = Path(__file__).parent.parent
# what returns images, and is no operation: labels and parts of them, functions of the language, the way out
OTHERS = {
    "T", "compute", "from_xarray", "isel", "sel", "cutout", "masks", "save", "to",
    "set_default_mask", "rename_mask", "drop_mask", "without_mask", "with_unit", "with_wcs", "std", "var",
}  # fmt: skip


@pytest.mark.parametrize("one", OPERATIONS, ids=lambda o: o.name)
def test_docstrings_state_every_rule(one: Operation) -> None:
    assert tuple(one.rules()) == RULES
    assert all(said.endswith(".") for said in one.rules().values())
    assert one.summary.endswith(".")


def test_every_method_that_makes_images_is_listed() -> None:
    listed = {one.name for one in OPERATIONS}
    made = set()
    for name, member in inspect.getmembers(Image):
        member = member.fget if isinstance(member, property) else member
        if name.startswith("_") or not callable(member) or (name in names() and name not in listed):
            continue
        result = inspect.signature(member).return_annotation
        if re.search(r"\b(Self|Continua|Statistics|Histogram)\b", str(result)):
            made.add(name)
    assert made - OTHERS == listed & made
    assert listed - made <= {"concat"}
    assert made >= OTHERS


def test_commands_and_functions_exist() -> None:
    for one in OPERATIONS:
        assert not one.command or one.command in commands.commands
        assert not one.language or one.language in (*names(), "[]", "[::]")
    wanted = [
        "smooth",
        "regrid",
        "moments",
        "collapse",
        "rebin",
        "transpose",
        "subimage",
        "concat",
        "pv",
        "contsub",
        "pbcor",
    ]
    assert set(wanted) <= {one.command for one in OPERATIONS}


def test_the_tables_in_the_documents_are_these() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    shown = re.search(r"<!-- operations:.*?-->\n\n(.*?)\n\n<!-- end of operations -->", text, re.DOTALL)
    assert shown is not None
    assert shown[1] == markdown()


def test_the_command() -> None:
    def lat(*args: str, status: int = 0) -> str:
        found = CliRunner().invoke(commands, ["operations", *args])
        assert found.exit_code == status, found.output
        return found.output

    assert "Return the image convolved with an elliptical Gaussian" in lat()
    assert "beam: is convolved with the kernel" in lat("imsmooth")
    assert lat("--markdown").strip() == markdown()
    (record,) = json.loads(lat("rebin", "--json"))
    assert record["operation"] == "Image.rebin"
    assert set(record["rules"]) == set(RULES)
    assert "did you mean 'smooth'" in lat("smoth", status=1)


def test_operations_are_found_by_the_names_of_others() -> None:
    assert operation("ia.convolve2d") is operation("convolve2d") is operation("smooth")
    assert operation("spectral_slab").function is Image.subimage
    assert operation("imageconcat").call == "lattice.concat"
    assert operation("concat").function is lattice.concat
    with pytest.raises(NameNotFoundError, match="no operation 'fold'"):
        operation("fold")
