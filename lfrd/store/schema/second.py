"""The second version: authorised deployments, watchlists, sealed data, roles, retention and the audit.

What the first version kept is destroyed on the way: its pictures were not sealed, its alerts belonged to no
authorised deployment and its officers had no role. Each part below is one room's tables.
"""

from __future__ import annotations

from lfrd.store.schema import alerts, audit, deployments, officers, retention, watchlists

_GONE = """
DROP TABLE receipt;
DROP TABLE event;
DROP TABLE adjudication;
DROP TABLE claim;
DROP TABLE sighting;
DROP TABLE picture;
DROP TABLE alert;
DROP TABLE nominal;
DROP TABLE session;
DROP TABLE invitation;
DROP TABLE officer;
DROP TABLE deployment;
"""

SCRIPT = "".join(
    (
        _GONE,
        officers.SCRIPT,
        deployments.SCRIPT,
        watchlists.SCRIPT,
        alerts.SCRIPT,
        retention.SCRIPT,
        audit.SCRIPT,
    )
)
