"""The checks of formats find what is wrong: each is run on a format that is wrong in that way."""

from __future__ import annotations

from pathlib import Path

import pytest

from lattice.io.registry import by_name
from lattice.testing import FormatConformance
from tests.testing import formats
from tests.work import PATIENCE


def checks(form: object, **more: object) -> FormatConformance:
    """Return the checks of a format."""
    attributes = {"format": form, "dtypes": ("f4",), "examples": 25, "seconds": PATIENCE, **more}
    return type("Checks", (FormatConformance,), attributes)()


@pytest.mark.parametrize(
    ("form", "check", "arguments"),
    [
        ("IgnoresSteps", "test_every_section_is_the_slice_of_the_whole", {"dtype": "f4"}),
        ("IgnoresSteps", "test_particular_sections", {"dtype": "f4"}),
        ("ThreadsSlip", "test_threads_read_what_one_reads", {"dtype": "f4"}),
        ("BytesAreWrong", "test_bytes_are_counted", {}),
        ("OneToken", "test_pickling_and_tokens", {"dtype": "f4"}),
        ("OneToken", "test_a_file_that_is_replaced_is_found_out", {}),
        ("LosesUnit", "test_each_part_comes_back_or_is_named_as_lost", {"part": "unit"}),
        ("LosesUnit", "test_nothing_is_made_up", {}),
        ("LosesHistory", "test_all_parts_at_once", {"dtype": "f4"}),
        ("LosesHistory", "test_each_part_comes_back_or_is_named_as_lost", {"part": "history"}),
        ("LosesCards", "test_each_part_comes_back_or_is_named_as_lost", {"part": "cards"}),
        ("LosesBeams", "test_each_part_comes_back_or_is_named_as_lost", {"part": "beams"}),
        ("LosesMasks", "test_each_part_comes_back_or_is_named_as_lost", {"part": "mask"}),
        ("LosesMasks", "test_each_part_comes_back_or_is_named_as_lost", {"part": "masks"}),
        ("LosesMasks", "test_sections_are_written_in_any_order", {"dtype": "f4"}),
        ("SaysNothing", "test_each_part_comes_back_or_is_named_as_lost", {"part": "unit"}),
        ("TakesAll", "test_other_files_are_not_taken_for_its_own", {}),
        ("Overwrites", "test_an_existing_file_is_not_replaced_unless_asked", {}),
        ("LeavesThings", "test_what_is_given_up_leaves_nothing", {"how": "abort"}),
        ("LeavesThings", "test_a_killed_writer_leaves_the_old_file_or_none", {"overwrite": True}),
    ],
)
def test_a_wrong_format_is_found_out(
    form: str, check: str, arguments: dict[str, object], tmp_path: Path
) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(checks(getattr(formats, form)()), check)(tmp_path=tmp_path, **arguments)
    sound = tmp_path / "sound"
    sound.mkdir()
    getattr(checks("zarr"), check)(tmp_path=sound, **arguments)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("hangs", "hung it took more than 0.5 s"),
        ("crashes", "crashed the process ended with status -11"),
        ("floods", "raised .*(?s:.)*MemoryError"),
        ("raises", "KeyError"),
        ("is_mute", "says nothing"),
    ],
)
def test_what_damaged_files_do_is_found_out(how: str, message: str, tmp_path: Path) -> None:
    form = formats.Fails()
    form.how = how
    suite = checks(form, seconds=0.5 if how == "hangs" else PATIENCE, corruptions=15)
    with pytest.raises(AssertionError, match=message):
        suite.test_corrupted_files_end_in_an_error_or_in_pixels(tmp_path)


def test_what_a_format_does_not_hold_is_skipped(tmp_path: Path) -> None:
    suite = checks("fits", lacks=frozenset({"write"}))
    with pytest.raises(pytest.skip.Exception, match="fits does not hold or do: write"):
        suite.test_sections_are_written_in_any_order("f4", tmp_path)


def test_the_types_of_pixels_are_those_that_the_format_promises() -> None:
    class Suite(FormatConformance):
        format = "fits"

    assert Suite().kinds_of_pixels() == ["f4", "f8", "?"]
    assert Suite().form is by_name("fits")
