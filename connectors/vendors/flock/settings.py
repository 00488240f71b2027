"""What an admin gets from Flock, and what the admin decides."""

from typing import Literal

from pydantic import Field, SecretStr

from connectors import contract


class FlockSettings(contract.Settings):
    """What an admin gets from Flock, and what the admin decides."""

    client_id: str = Field(title="Client id", description="From Flock: the machine client of your agency.")
    client_secret: SecretStr = Field(title="Client secret", description="From Flock, once; keep it nowhere else.")
    audience: str = Field("com.flocksafety.integrations", title="Audience", description="Whom the token is for.")
    base_url: str = Field("https://api.flocksafety.com/api/v3", title="API address", description="Root of the API v3.")
    token_url: str = Field(
        "https://api.flocksafety.com/oauth/token", title="Token address", description="Where tokens are issued."
    )
    image_hosts: tuple[str, ...] = Field(
        ("amazonaws.com",), title="Picture hosts", description="Domains that signed picture addresses may lead to."
    )
    requests_per_second: float = Field(
        2.0, gt=0, title="Requests a second", description="Flock publishes no limit; raise it if Flock agrees."
    )
    callback_scheme: Literal["none", "apiKey", "basic"] = Field(
        "apiKey", title="Callback scheme", description="How Flock proves itself when it pushes; Flock signs nothing."
    )
    callback_header: str = Field(
        "x-api-key", title="Callback header", description="The header that you named in the subscription."
    )
    callback_user: str = Field("", title="Callback user", description="For the scheme basic only.")
    callback_secret: SecretStr | None = Field(
        None, title="Callback secret", description="The key (apiKey) or the password (basic) of the subscription."
    )
