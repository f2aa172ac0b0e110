"""The authority as iOS and iPadOS take it: a configuration profile with one certificate in it."""

from __future__ import annotations

import plistlib
import uuid

from lfrd.certificates.authority import Authority
from lfrd.certificates.fingerprint import pairs

MEDIA_TYPE = "application/x-apple-aspen-config"
_SPACE = uuid.UUID("6e3f1c52-7a35-4a0e-9a39-0a8d3d6f7b11")
"""Ours alone (RFC 9562, version 5): one authority always gets the same identifiers, so that its profile,
installed again, replaces itself."""


def profile(authority: Authority) -> bytes:
    """A .mobileconfig file. It is not signed: nobody whom a phone knows could sign it, and iOS says so.

    The fingerprint stands in its description, which iOS shows before it installs anything. It is as good as
    the way that the file has come; what the phone makes of the certificate stands under 'More Details'.
    """
    return plistlib.dumps(
        {
            "PayloadType": "Configuration",
            "PayloadVersion": 1,
            "PayloadIdentifier": f"lfrd.authority.{authority.digest[:16]}",
            "PayloadUUID": str(uuid.uuid5(_SPACE, f"profile {authority.digest}")).upper(),
            "PayloadDisplayName": authority.name,
            "PayloadOrganization": "lfrd",
            "PayloadDescription": (
                "Lets this phone open one lfrd box without a warning. It can vouch for no public site. "
                f"SHA-256 fingerprint: {pairs(authority.digest)}"
            ),
            "PayloadContent": [
                {
                    "PayloadType": "com.apple.security.root",
                    "PayloadVersion": 1,
                    "PayloadIdentifier": f"lfrd.authority.{authority.digest[:16]}.certificate",
                    "PayloadUUID": str(uuid.uuid5(_SPACE, f"certificate {authority.digest}")).upper(),
                    "PayloadDisplayName": authority.name,
                    "PayloadCertificateFileName": "lfrd-authority.crt",
                    "PayloadContent": authority.der,
                }
            ],
        }
    )
