"""`certify` and `verify`: seal the results of a run, and verify sealed files without network or target."""

from __future__ import annotations

from pathlib import Path

import click

from kms_conformance.core.text import say

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("directory", metavar="[DIR]", type=_PATH, required=False)
@click.option("--key", type=_PATH, metavar="FILE", help="Sign with this private key (Ed25519, PEM).")
@click.option("--evidence", is_flag=True, help="Seal a result that is not conformant, as evidence.")
@click.option("--new-key", type=_PATH, metavar="FILE", help="Create a signing key, and its public key FILE.pub.")
def certify(directory: Path | None, key: Path | None, evidence: bool, new_key: Path | None) -> int:  # noqa: FBT001 - an option
    """Seal the results in DIR with all their exchanges: one file for each target, beside the target's verdict.

    Each file is verified before it is written. A result that does not verify is not sealed (exit code 3).

    The file is partial, and no certificate, if the run was filtered, ended early or ran at tier smoke.
    """
    from kms_conformance.apps.certificate import keys  # noqa: PLC0415 - other commands do not need it
    from kms_conformance.apps.certificate.certify import certify as seal  # noqa: PLC0415 - as above
    from kms_conformance.apps.certificate.manifest import NO_SIGNATURE, OWN_PROFILE  # noqa: PLC0415 - as above

    if new_key is not None:
        public = keys.new_key(new_key)
        say(f"created: {new_key} (private key for signing: keep it secret) and {public} (public key)")
    if directory is None:
        if new_key is None:
            raise click.UsageError("Missing argument 'DIR': the reports folder of a finished run.")
        return 0
    for sealed in seal(directory, key=key or new_key, evidence=evidence):
        say(f"sealed: {sealed.path}")
        if sealed.partial:
            say(f"partial, not a certificate: {', '.join(sealed.partial)}")
        if sealed.kind == "evidence":
            say(f"evidence, not a certificate: the target is {sealed.result}")
        if sealed.own_profile:
            say(OWN_PROFILE)
        if sealed.unverifiable:
            say(f"`verify` cannot judge this file again and will exit with 3: {' '.join(sealed.unverifiable)}")
        say(f"signed with the key {sealed.signer}" if sealed.signer else NO_SIGNATURE)
    return 0


@click.command()
@click.argument("certificate", metavar="FILE", type=_PATH)
@click.option("--key", type=_PATH, metavar="FILE", help="Require the signature of this public key (PEM).")
def verify(certificate: Path, key: Path | None) -> int:
    """Verify a sealed FILE: judge its exchanges again, without network and without the target."""
    from kms_conformance.apps.certificate.verify import verify_file  # noqa: PLC0415 - other commands do not need it

    verification = verify_file(certificate, key=key)
    say(str(verification))
    return verification.exit_code
