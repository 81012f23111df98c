"""`http_config` of a channel that speaks HTTP: who we say we are. Secrets are read from their files at each send."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

from alerting.channels.channel import ascii_secret, demand_ascii, secret
from logverse.errors import WrongSettings


@dataclass(frozen=True, slots=True)
class Authorization:
    """An `Authorization: TYPE CREDENTIALS` header."""

    credentials_file: str = field(metadata={"file": True})
    type: str = "Bearer"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9._-]+", self.type) or self.type.lower() == "basic":
            raise WrongSettings(f"{self.type!r} is no type of authorization", where="type", remedy="Bearer, or use basic_auth")
        demand_ascii(self.credentials_file, where="credentials_file")  # what a header carries: RFC 9110 section 5.5


@dataclass(frozen=True, slots=True)
class BasicAuth:
    username: str
    password_file: str = field(metadata={"file": True})


@dataclass(frozen=True, slots=True)
class HttpConfig:
    authorization: Authorization | None = None
    basic_auth: BasicAuth | None = None

    def __post_init__(self) -> None:
        if self.authorization and self.basic_auth:
            raise WrongSettings("both authorization and basic_auth", where="basic_auth", remedy="keep one of them")


def authorization_of(config: HttpConfig) -> dict[str, str]:
    """The header that says it; TryAgain while the secret cannot be read."""
    if config.authorization:
        return {"Authorization": f"{config.authorization.type} {ascii_secret(config.authorization.credentials_file)}"}
    if config.basic_auth:
        pair = f"{config.basic_auth.username}:{secret(config.basic_auth.password_file)}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    return {}
