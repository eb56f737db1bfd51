"""Who talks to the payment centre."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mock_providers.explain.report import Mask
from mock_providers.national import wire

HEX = re.compile(r"[0-9A-Fa-f]*\Z")


@dataclass(frozen=True)
class Channel:
    """One direction of the payment centre's channel, seen from who opens it.

    `public`: the sender's key, base64. `others` maps keys (base64) it may be mistaken for to what that means;
    `private` is the sender's own scalar, to find out whether its PEM was taken for the key; `apps` are other apps'
    (appId, appSecret).
    """

    app_id: str
    app_secret: str
    public: str
    user_id: str = "appSecret"
    others: Mapping[str, str] = field(default_factory=dict)
    private: str = ""
    apps: tuple[tuple[str, str], ...] = ()
    versions: tuple[str, ...] = (wire.PAYMENT, wire.PRESCRIPTION)
    mask: Mask = field(default_factory=Mask)
