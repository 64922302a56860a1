"""The audit: what a forger could do with a compiled circuit, recomputed from its bytes alone.

It reads EZKL's `c.ezkl` and `settings.json`, whoever made them, and needs neither EZKL nor keys. `docs/audit.md` explains each
finding and derives the rounding slack.
"""

from zkml.circuit.audit.report import AuditReport, Finding, OutputSlack, Severity
from zkml.circuit.audit.run import audit, audit_files, slack_of

__all__ = ["AuditReport", "Finding", "OutputSlack", "Severity", "audit", "audit_files", "slack_of"]
