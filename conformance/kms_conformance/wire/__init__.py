"""HTTP to one target: requests and replies as values, the session that sends them, and the redaction of secrets."""

from kms_conformance.wire.messages import Exchange, Failure, FailureKind, Headers, Reply, Request, origin

__all__ = ["Exchange", "Failure", "FailureKind", "Headers", "Reply", "Request", "origin"]
