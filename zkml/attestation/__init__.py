"""Attestations: a model's score on a data set, proved item by item, checked by anybody who has the folder."""

from zkml.attestation.check import Checked, check
from zkml.attestation.dataset import dataset_digest
from zkml.attestation.format import Attestation, Entry, InputField
from zkml.attestation.metrics import Metric, metric_of

__all__ = ["Attestation", "Checked", "Entry", "InputField", "Metric", "check", "dataset_digest", "metric_of"]
