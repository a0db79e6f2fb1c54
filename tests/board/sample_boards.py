"""Reports folders of products that never were, to make boards of; `python sample_boards.py DIR` writes them out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "report"))
import sample_runs as samples

from kms_conformance.report import files, layout
from kms_conformance.report.model import Report, TargetReport

#: By product, its releases, each with the kind of its run.
PRODUCTS: Mapping[str, Mapping[str, str]] = {
    "alder": {"1.0.0": "inconclusive", "1.1.0": "nonconformant", "1.2.0": "three", "1.10.0": "conformant"},
    "beech": {"2.0": "conformant", "2.1": "three", "2.2": "three", "2.3": "nonconformant"},
    "cedar": {"0.1": "nonconformant", "0.2": "nonconformant", "0.3": "mixed", "0.4": "three"},
    "elm-kms": {"5.0": "conformant", "5.1": "conformant", "5.2": "mixed", "6.0": "conformant"},
    "fir": {"3.0rc1": "inconclusive", "3.0": "mixed", "3.1": "three", "3.2": "conformant"},
    "ginkgo": {"2024.1": "three", "2025.1": "three", "2026.1": "nonconformant"},
}
CARD = """product: {product}
version: "{version}"
vendor: {product} makers
contact: https://example.com/{product}/issues
homepage: https://example.com/{product}
reproduce: |
  pip install {product}=={version}
  kms-conformance run --target {product}.yaml --seed 1
"""


def save(folder: Path, kind: str, name: str, *, started: str = "", target: samples.Target = samples.OTC) -> Path:
    """Write the results of one sample run, as the run of a target of that name; returns the reports folder."""
    verdict, checks = getattr(samples, kind)(target)
    verdict = replace(verdict, name=name, started=started or verdict.started)
    report = Report((TargetReport.of(verdict, [replace(check, target=name) for check in checks]),))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / layout.RESULTS).write_text(files.to_text(report.to_json()), encoding="utf-8")
    (folder / layout.VERDICT).write_text(files.to_text(verdict.to_json()), encoding="utf-8")
    return folder


def write(directory: Path) -> Path:
    """Write the reports folders of all products, some with a card, one of them in two dialects."""
    for product, releases in PRODUCTS.items():
        for month, (version, kind) in enumerate(releases.items(), 1):
            name = f"{product}-{version}"
            started = f"2026-{month:02}-15T09:30:12Z"
            folder = save(directory / name, kind, name, started=started)
            if product in {"beech", "cedar"}:
                (folder / "card.yaml").write_text(CARD.format(product=product, version=version), encoding="utf-8")
    save(directory / "elm-ali", "nonconformant", "elm-kms-6.0", started="2026-04-20T08:00:00Z", target=samples.ALI)
    return directory


if __name__ == "__main__":
    write(Path(sys.argv[1]))
