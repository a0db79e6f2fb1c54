"""The exception `Refused` with the name of a refusal; the profile has its HTTP status and error code."""

from __future__ import annotations

from http import HTTPStatus

_MESSAGES = {
    "unknown_key": "There is no such key.",
    "unknown_alias": "There is no such alias.",
    "malformed_key": "The key id does not have the form of a key id.",
    "missing_key": "The key id is missing.",
    "window_out_of_range": "The number of days is outside the allowed range.",
    "window_negative": "The number of days is negative.",
    "window_huge": "The number of days is too large.",
    "window_malformed": "The number of days is not a whole number.",
    "lost_key": "The key of this ciphertext does not exist.",
    "wrong_key_type": "The key id is no text.",
    "window_empty": "The number of days is empty.",
    "window_missing": "The number of days is missing.",
    "already_pending": "The key is scheduled for deletion already.",
    "not_pending": "The key is not scheduled for deletion.",
    "key_disabled": "The key is disabled.",
    "not_disabled": "The key is not disabled.",
    "not_enabled": "The key is not enabled.",
    "default_key": "The default key cannot be changed in this way.",
    "deletion_protected": "The key is protected from deletion.",
    "duplicate_alias": "The alias belongs to another key.",
    "invalid_alias": "The alias is missing or malformed.",
    "quota_exhausted": "No more keys can be created.",
    "invalid_json": "The body is not one JSON object.",
    "empty_body": "The body is empty.",
    "bad_sequence": "The sequence does not have 36 characters.",
    "unknown_path": "There is no such resource.",
    "unknown_action": "There is no such action.",
    "missing_action": "The action is missing.",
    "unknown_version": "There is no such version.",
    "wrong_method": "The method is not supported here.",
    "alias_as_key": "An alias does not name a key here.",
    "arn_as_key": "An ARN does not name a key here.",
    "instance_needed": "Keys are created in an instance only.",
    "lacking_operation": "There is no such action here.",
    "external_origin": "The key's material was not made here.",
    "incomplete_signature": "The Authorization header lacks a part.",
    "other_region": "The credentials are scoped to another region or service.",
    "invalid_ciphertext": "The ciphertext is not one of this service, was altered, or has another context.",
    "incorrect_key": "The key that is named is not the key of the ciphertext.",
    "invalid_policy": "The policy is no policy document.",
    "invalid_tag": "A tag is not allowed.",
    "invalid_marker": "The marker is not one of a list.",
    "invalid_grant": "There is no such grant.",
    "invalid_key_usage": "The key is not for this use.",
    "missing_parameter": "A required parameter is missing.",
    "invalid_parameter": "A parameter has a value that is not allowed.",
    "no_credentials": "The request carries no credentials, or incomplete ones.",
    "bad_token": "The token is unknown.",
    "expired_token": "The token has expired.",
    "wrong_project": "The credentials do not belong to the project of the address.",
    "unknown_access_key": "The access key is unknown.",
    "wrong_signature": "The signature does not fit the request.",
    "stale_signature": "The time of the signature is too far from now.",
    "replayed_nonce": "The nonce has been used before.",
}


class Refused(Exception):  # noqa: N818 - a reply of the service, not an error of the emulator
    """The request is refused; `name` is the refusal's name in the profile, `message` the message in the reply."""

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(name)
        self.name = name
        self.message = message or _MESSAGES.get(name, "The state of the key does not allow this.")


class Unreadable(Exception):  # noqa: N818 - a reply, like Refused
    """The bytes are no readable HTTP request. The server answers with 400 and closes the connection."""

    status = HTTPStatus.BAD_REQUEST
