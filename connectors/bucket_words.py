"""What a bucket refused, in words: which bucket, what is in the way, what would do."""

import re
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from connectors.errors import AdminMustFix, ConnectorError, Gone, TryAgain

_REFUSED: Final[Mapping[str, str]] = {
    "NoSuchBucket": "does not exist: see how its name is spelled, and at whose storage it is looked for",
    "AccessDenied": "may not be used so by this key: give its account the right to list, read and write it",
    "AllAccessDisabled": "is closed to everybody by its owner",
    "InvalidAccessKeyId": "belongs to a storage that does not know the key id",
    "SignatureDoesNotMatch": "is refused: the secret does not belong to the key id",
    "403": "may not be used so by this key: give its account the right to list, read and write it",
    "InvalidBucketName": "has a name that no bucket can have",
    "PermanentRedirect": "is in another region than it is looked for: see AWS_REGION, or the endpoint",
    "AuthorizationHeaderMalformed": "is in another region than it is looked for: see AWS_REGION, or the endpoint",
    "301": "is in another region than it is looked for: see AWS_REGION, or the endpoint",
    "RequestTimeTooSkewed": "is refused: this machine's clock is wrong",
    "ExpiredToken": "is refused: the key's time is over, a new one is needed",
}
_CODE: Final = re.compile(r"[A-Za-z]{1,40}|\d{3}")
_SLOW: Final = frozenset({"SlowDown", "503", "ServiceUnavailable", "RequestLimitExceeded", "Throttling"})


def refusal(failed: ClientError | BotoCoreError | ValueError, bucket: str, endpoint: str | None) -> ConnectorError:
    """The error, named by what happens next, for what boto raised; it quotes neither keys nor names of files."""
    where = f"the bucket {bucket!r}" + (f" at {endpoint}" if endpoint else "")
    if isinstance(failed, ClientError):
        return _answered(failed, where)
    if isinstance(failed, NoCredentialsError | PartialCredentialsError):
        return AdminMustFix(
            f"{where} needs a key id and its secret: none was given, and none was found on this machine"
        )
    if isinstance(failed, SSLError):
        return AdminMustFix(
            f"{where} shows a certificate that this machine does not trust, or speaks no TLS there: see the endpoint's"
            " address"
        )
    if isinstance(failed, ConnectTimeoutError | ReadTimeoutError):
        return TryAgain(f"{where} does not answer in time: it is off, or a firewall stands between")
    if isinstance(failed, ValueError) or type(failed).__name__ in ("ParamValidationError", "InvalidEndpointException"):
        return AdminMustFix(f"{where} cannot be one: see how the bucket and the endpoint's address are spelled")
    return TryAgain(f"{where} cannot be reached: see the endpoint's address, and whether the storage is on")


def _answered(failed: ClientError, where: str) -> ConnectorError:
    answer: Any = failed.response
    code = str(answer.get("Error", {}).get("Code", ""))
    code = code if _CODE.fullmatch(code) else ""  # whatever stands at the endpoint may write anything there
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0
    if code in ("NoSuchKey", "404"):
        return Gone(f"{where} has no such file")
    if code in _REFUSED:
        return AdminMustFix(f"{where} {_REFUSED[code]}")
    if code in _SLOW:
        return TryAgain(f"{where} wants fewer requests for now")
    if 400 <= status < 500 and status != 408:
        return AdminMustFix(
            f"{where} is refused ({status}{f', {code}' if code else ''}): see the endpoint's address, key id and secret"
        )
    return TryAgain(f"{where} answers with a fault of its own ({code or status})")
