"""What `check` says about a spec with one mistake, for each of the cases beside this folder."""

from __future__ import annotations

import pytest

from check.cases import Case, as_comment, every_case, said_of

NOT_ONE_MISTAKE = {
    "right": 0,
    "two_candidates_told_apart": 0,
}


@pytest.mark.parametrize("case", every_case(), ids=lambda case: case.path.stem)
def test_a_mistake_is_told_as_before(case: Case, update: bool) -> None:
    found = as_comment(said_of(case))
    if update:
        case.write(found)
    else:
        assert found == case.expected
