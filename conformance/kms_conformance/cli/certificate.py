"""`certify` and `verify`: results sealed, and judged again by their exchanges alone."""

from __future__ import annotations

from pathlib import Path

import click

from kms_conformance.core.text import say

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("directory", metavar="[DIR]", type=_PATH, required=False)
@click.option("--key", type=_PATH, metavar="FILE", help="Sign with this private key (Ed25519, PEM).")
@click.option("--evidence", is_flag=True, help="Seal also what is not conformant; it is called evidence.")
@click.option("--new-key", type=_PATH, metavar="FILE", help="Make a key to sign with, and FILE.pub to check by.")
def certify(directory: Path | None, key: Path | None, evidence: bool, new_key: Path | None) -> int:  # noqa: FBT001 - an option
    """Seal the results in DIR with all their exchanges: one file a target, beside its verdict.

    Each file is judged again before it is written; what does not verify is not sealed, with exit code 3.

    A run that was filtered or ended early, or of the tier smoke, is sealed as partial; it is no certificate.
    """
    from kms_conformance.apps.certificate import keys  # noqa: PLC0415 - other commands do not need it
    from kms_conformance.apps.certificate.certify import certify as seal  # noqa: PLC0415 - as above
    from kms_conformance.apps.certificate.manifest import NO_SIGNATURE, OWN_PROFILE  # noqa: PLC0415 - as above

    if new_key is not None:
        public = keys.new_key(new_key)
        say(f"made: {new_key}, to sign with and to keep to yourself, and {public}, for everybody")
    if directory is None:
        if new_key is None:
            raise click.UsageError("Missing argument 'DIR': the reports folder of a finished run.")
        return 0
    for sealed in seal(directory, key=key or new_key, evidence=evidence):
        say(f"sealed: {sealed.path}")
        if sealed.partial:
            say(f"partial, no certificate: {', '.join(sealed.partial)}")
        if sealed.kind == "evidence":
            say(f"evidence, no certificate: the target is {sealed.result}")
        if sealed.own_profile:
            say(OWN_PROFILE)
        if sealed.unproved:
            say(f"`verify` cannot judge it again, and says so with exit code 3: {' '.join(sealed.unproved)}")
        say(f"signed by the key {sealed.signer}" if sealed.signer else NO_SIGNATURE)
    return 0


@click.command()
@click.argument("certificate", metavar="FILE", type=_PATH)
@click.option("--key", type=_PATH, metavar="FILE", help="The public key (PEM) that must have signed it.")
def verify(certificate: Path, key: Path | None) -> int:
    """Judge a sealed FILE again by its exchanges alone, without network and without the target."""
    from kms_conformance.apps.certificate.verify import verify as verified  # noqa: PLC0415 - other commands do not need it

    verification = verified(certificate, key=key)
    say(str(verification))
    return verification.exit_code
