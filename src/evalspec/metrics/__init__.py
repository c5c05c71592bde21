"""The statistics of evalspec as plain functions over arrays, for use with or without a spec.

Each name is loaded from its module on first use, so that `import evalspec.metrics` costs neither numpy nor
scipy. Functions raise ValueError on arrays that do not fit, and give a record with value None and a `why`
where a quantity is undefined.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalspec.metrics.binning import chosen_binning as chosen_binning
    from evalspec.metrics.calibration import calibration_parts as calibration_parts
    from evalspec.metrics.calibration import debiased_ce as debiased_ce
    from evalspec.metrics.calibration import ece as ece
    from evalspec.metrics.calibration import ece_null as ece_null
    from evalspec.metrics.calibration import overconfidence as overconfidence
    from evalspec.metrics.calibration import reliability_bins as reliability_bins
    from evalspec.metrics.calibration import spiegelhalter_z as spiegelhalter_z
    from evalspec.metrics.chains import dependence_gap as dependence_gap
    from evalspec.metrics.chains import first_failures as first_failures
    from evalspec.metrics.chains import recoveries as recoveries
    from evalspec.metrics.chains import step_hazards as step_hazards
    from evalspec.metrics.classification import accuracy as accuracy
    from evalspec.metrics.classification import balanced_accuracy as balanced_accuracy
    from evalspec.metrics.classification import f1 as f1
    from evalspec.metrics.classification import macro_f1 as macro_f1
    from evalspec.metrics.classification import mcc as mcc
    from evalspec.metrics.classification import precision as precision
    from evalspec.metrics.classification import recall as recall
    from evalspec.metrics.cost_curves import CostCurve as CostCurve
    from evalspec.metrics.cost_curves import Stretch as Stretch
    from evalspec.metrics.cost_curves import cost_curve as cost_curve
    from evalspec.metrics.cost_curves import crossovers as crossovers
    from evalspec.metrics.cost_curves import review_curve as review_curve
    from evalspec.metrics.costs import best_action as best_action
    from evalspec.metrics.costs import chow_threshold as chow_threshold
    from evalspec.metrics.costs import expected_cost as expected_cost
    from evalspec.metrics.costs import threshold_check as threshold_check
    from evalspec.metrics.folds import fold_numbers as fold_numbers
    from evalspec.metrics.guarantees import guaranteed_coverage as guaranteed_coverage
    from evalspec.metrics.intervals import clopper_pearson as clopper_pearson
    from evalspec.metrics.intervals import mover as mover
    from evalspec.metrics.intervals import newcombe as newcombe
    from evalspec.metrics.intervals import weighted_proportion as weighted_proportion
    from evalspec.metrics.intervals import wilson as wilson
    from evalspec.metrics.latency import budget_verdict as budget_verdict
    from evalspec.metrics.latency import percentile as percentile
    from evalspec.metrics.latency import percentile_difference as percentile_difference
    from evalspec.metrics.logistic import calibration_line as calibration_line
    from evalspec.metrics.means import bootstrap as bootstrap
    from evalspec.metrics.means import clustered_mean as clustered_mean
    from evalspec.metrics.means import design_effect as design_effect
    from evalspec.metrics.means import mean_estimate as mean_estimate
    from evalspec.metrics.pairs import holm as holm
    from evalspec.metrics.pairs import mcnemar_midp as mcnemar_midp
    from evalspec.metrics.pairs import paired_difference as paired_difference
    from evalspec.metrics.pairs import sign_flip as sign_flip
    from evalspec.metrics.pairs import sign_flips as sign_flips
    from evalspec.metrics.power import minimum_detectable_cost as minimum_detectable_cost
    from evalspec.metrics.power import minimum_detectable_difference as minimum_detectable_difference
    from evalspec.metrics.power import sample_size as sample_size
    from evalspec.metrics.power import sample_size_for_cost as sample_size_for_cost
    from evalspec.metrics.prediction_powered import prediction_powered_mean as prediction_powered_mean
    from evalspec.metrics.ranks import kendall_tau_b as kendall_tau_b
    from evalspec.metrics.ranks import rank_intervals as rank_intervals
    from evalspec.metrics.recalibration import Recalibrated as Recalibrated
    from evalspec.metrics.recalibration import Recalibration as Recalibration
    from evalspec.metrics.recalibration import chosen_method as chosen_method
    from evalspec.metrics.recalibration import cross_fit as cross_fit
    from evalspec.metrics.recalibration import fit_recalibration as fit_recalibration
    from evalspec.metrics.recalibration import recalibrate as recalibrate
    from evalspec.metrics.recalibration import recalibration_from_json as recalibration_from_json
    from evalspec.metrics.records import BrierDecomposition as BrierDecomposition
    from evalspec.metrics.records import BudgetCheck as BudgetCheck
    from evalspec.metrics.records import BudgetVerdict as BudgetVerdict
    from evalspec.metrics.records import CalibrationLine as CalibrationLine
    from evalspec.metrics.records import CalibrationParts as CalibrationParts
    from evalspec.metrics.records import Correlation as Correlation
    from evalspec.metrics.records import Coverage as Coverage
    from evalspec.metrics.records import EceNull as EceNull
    from evalspec.metrics.records import Estimate as Estimate
    from evalspec.metrics.records import Rank as Rank
    from evalspec.metrics.records import ReliabilityBin as ReliabilityBin
    from evalspec.metrics.records import SampleSize as SampleSize
    from evalspec.metrics.records import ThresholdCheck as ThresholdCheck
    from evalspec.metrics.records import ThresholdVerdict as ThresholdVerdict
    from evalspec.metrics.records import ZTest as ZTest
    from evalspec.metrics.repeats import consistency as consistency
    from evalspec.metrics.repeats import pass_at_k as pass_at_k
    from evalspec.metrics.repeats import pass_hat_k as pass_hat_k
    from evalspec.metrics.scores import brier as brier
    from evalspec.metrics.scores import brier_decomposition as brier_decomposition
    from evalspec.metrics.scores import certain_and_wrong as certain_and_wrong
    from evalspec.metrics.scores import log_loss as log_loss
    from evalspec.metrics.scores import pav as pav
    from evalspec.metrics.selective import augrc as augrc
    from evalspec.metrics.selective import aurc as aurc
    from evalspec.metrics.selective import auroc as auroc
    from evalspec.metrics.selective import coverage_at_risk as coverage_at_risk
    from evalspec.metrics.selective import excess_aurc as excess_aurc
    from evalspec.metrics.sequential import e_process as e_process
    from evalspec.metrics.sequential import e_value as e_value
    from evalspec.metrics.smooth import sm_ece as sm_ece
    from evalspec.metrics.spreads import answering_pays as answering_pays
    from evalspec.metrics.spreads import prior_spread as prior_spread
    from evalspec.metrics.spreads import promised_costs as promised_costs
    from evalspec.metrics.spreads import uniform_spread as uniform_spread
    from evalspec.metrics.spreads import worst_case_spread as worst_case_spread
    from evalspec.metrics.strata import combined_mean as combined_mean
    from evalspec.metrics.strata import influences as influences
    from evalspec.metrics.strata import post_stratified as post_stratified
    from evalspec.metrics.strata import stratified_difference as stratified_difference
    from evalspec.metrics.thresholds import CrossFittedThreshold as CrossFittedThreshold
    from evalspec.metrics.thresholds import best_threshold as best_threshold
    from evalspec.metrics.thresholds import cross_fitted_threshold as cross_fitted_threshold

# The same names again, for the run time; a test holds the two lists together.
_NAMES = {
    "binning": "chosen_binning",
    "calibration": "calibration_parts debiased_ce ece ece_null overconfidence reliability_bins "
    "spiegelhalter_z",
    "classification": "accuracy balanced_accuracy f1 macro_f1 mcc precision recall",
    "cost_curves": "CostCurve Stretch cost_curve crossovers review_curve",
    "chains": "dependence_gap first_failures recoveries step_hazards",
    "costs": "best_action chow_threshold expected_cost threshold_check",
    "folds": "fold_numbers",
    "guarantees": "guaranteed_coverage",
    "intervals": "clopper_pearson mover newcombe weighted_proportion wilson",
    "latency": "budget_verdict percentile percentile_difference",
    "logistic": "calibration_line",
    "means": "bootstrap clustered_mean design_effect mean_estimate",
    "pairs": "holm mcnemar_midp paired_difference sign_flip sign_flips",
    "power": "minimum_detectable_cost minimum_detectable_difference sample_size sample_size_for_cost",
    "prediction_powered": "prediction_powered_mean",
    "ranks": "kendall_tau_b rank_intervals",
    "recalibration": "Recalibrated Recalibration chosen_method cross_fit fit_recalibration recalibrate "
    "recalibration_from_json",
    "records": "BrierDecomposition BudgetCheck BudgetVerdict CalibrationLine CalibrationParts Correlation "
    "Coverage EceNull Estimate Rank ReliabilityBin SampleSize ThresholdCheck ThresholdVerdict ZTest",
    "repeats": "consistency pass_at_k pass_hat_k",
    "scores": "brier brier_decomposition certain_and_wrong log_loss pav",
    "selective": "augrc aurc auroc coverage_at_risk excess_aurc",
    "sequential": "e_process e_value",
    "spreads": "answering_pays prior_spread promised_costs uniform_spread worst_case_spread",
    "smooth": "sm_ece",
    "strata": "combined_mean influences post_stratified stratified_difference",
    "thresholds": "CrossFittedThreshold best_threshold cross_fitted_threshold",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
