"""What a run says: results on disk, a page, a summary, Allure's files, and comparisons."""

from conformance.reporting.compare import compare
from conformance.reporting.errors import ReportError
from conformance.reporting.load import load_report
from conformance.reporting.model import Report
from conformance.reporting.summary import show
from conformance.reporting.write import write, write_page

__all__ = ["Report", "ReportError", "compare", "load_report", "show", "write", "write_page"]
