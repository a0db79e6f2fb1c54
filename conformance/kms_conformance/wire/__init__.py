"""One HTTP session, what goes through it, and the one place where exchanges lose their secrets."""

from kms_conformance.wire.messages import Exchange, Failure, FailureKind, Headers, Reply, Request, origin

__all__ = ["Exchange", "Failure", "FailureKind", "Headers", "Reply", "Request", "origin"]
