"""What a run says: results on disk, a page, a summary, Allure's files, and comparisons."""

from conformance.reporting.changes_text import lines, markdown
from conformance.reporting.compare import compare
from conformance.reporting.errors import ReportError
from conformance.reporting.load import load_report
from conformance.reporting.merge import merge
from conformance.reporting.model import Report
from conformance.reporting.summary import show
from conformance.reporting.write import write, write_pages

__all__ = [
    "Report",
    "ReportError",
    "compare",
    "lines",
    "load_report",
    "markdown",
    "merge",
    "show",
    "write",
    "write_pages",
]
