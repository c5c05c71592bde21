"""Quantiles of t agree with scipy's, for few degrees of freedom and for many."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from evalspec.metrics.student import t_beyond


@given(st.floats(0.3, 100_000), st.floats(1e-6, 0.45))
def test_quantiles_agree_with_scipy(degrees: float, tail: float) -> None:
    assert t_beyond(tail, degrees) == pytest.approx(-special.stdtrit(degrees, tail), rel=1e-9)


@pytest.mark.parametrize(
    ("degrees", "t"),
    [(1, 12.7062047), (2, 4.30265273), (10, 2.22813885), (30, 2.04227246), (1e6, 1.95996636)],
)
def test_quantiles_are_those_of_the_printed_tables(degrees: float, t: float) -> None:
    assert t_beyond(0.025, degrees) == pytest.approx(t, abs=1e-7)


@pytest.mark.parametrize(("tail", "degrees"), [(0.0, 5), (0.5, 5), (0.025, 0), (0.025, float("nan"))])
def test_what_has_no_quantile_is_refused(tail: float, degrees: float) -> None:
    with pytest.raises(ValueError, match="degrees of freedom"):
        t_beyond(tail, degrees)


def test_means_percentiles_and_paired_tests_load_nothing_of_scipy() -> None:
    statement = (
        "import sys; from evalspec import metrics as m; x = [float(i % 7) for i in range(60)];"
        "m.mean_estimate(x); m.percentile(x, 95); m.paired_difference(x, x[::-1]);"
        "m.mcnemar_midp(3, 9);"
        "print([name for name in sys.modules if name.startswith('scipy')])"
    )
    program = f"import sys; sys.path[:] = {sys.path!r}; {statement}"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
