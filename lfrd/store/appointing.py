"""Who may make whom what.

Whoever looks after the machine adds people, but cannot make themselves an authorising officer or an auditor
once there is one: those roles are there to check them. Before that, the console names the first. An
authorising officer in turn makes nobody an operator, an engineer or an engagement officer: with a second
account of their own they could run what they have authorised, or see the alerts in it.
"""

from __future__ import annotations

from typing import Final

from lfrd.errors import NotAllowed
from lfrd.store.database import Transaction
from lfrd.types import Actor, Role

KEEPERS: Final[frozenset[Role | None]] = frozenset({None, Role.ENGINEER, Role.AUTHORISING})
"""Who looks after accounts. None: the machine's console."""
APPOINTERS: Final[dict[Role, frozenset[Role | None]]] = {
    Role.AUTHORISING: frozenset({Role.AUTHORISING}),
    Role.AUDITOR: frozenset({Role.AUTHORISING}),
    Role.OPERATOR: frozenset({None, Role.ENGINEER}),
    Role.ENGINEER: frozenset({None, Role.ENGINEER}),
    Role.ENGAGEMENT: frozenset({None, Role.ENGINEER, Role.OPERATOR}),
}
"""Who may add, invite and enable people of a role, and set another's password."""

_ARTICLES = {Role.AUTHORISING: "an authorising officer", Role.AUDITOR: "an auditor"}
_HOW = "add --as NAME with the name of one, who then gives their password"


async def may_appoint(tx: Transaction, actor: Actor, role: Role) -> None:
    """Raises NotAllowed('role') where this actor may not add, invite or enable anybody in this role."""
    if actor.role in APPOINTERS[role]:
        return
    if role not in _ARTICLES:
        raise NotAllowed("role", f"{actor.name} may not add, invite or enable anybody in the role {role}")
    if actor.role is None and not await tx.row("SELECT 1 FROM officer WHERE role = 'authorising'"):
        return
    raise NotAllowed("role", f"only an authorising officer names {_ARTICLES[role]}: {_HOW}")


async def may_set_password(tx: Transaction, actor: Actor, role: Role) -> None:
    """Raises NotAllowed('role') where this actor may not set the password of another in this role.

    Who sets a password can sign in with it, so this asks for what appointing asks for. The console sets the
    first authorising officer's: nobody else could.
    """
    if role is Role.ENGAGEMENT:
        raise NotAllowed("role", "engagement officers sign in with an invitation: `lfrd invite` makes one")
    if actor.role in APPOINTERS[role]:
        return
    able = "SELECT 1 FROM officer WHERE role = 'authorising' AND password IS NOT NULL"
    if role in _ARTICLES and actor.role is None and not await tx.row(able):
        return
    if role in _ARTICLES:
        who = f"only an authorising officer sets the password of {_ARTICLES[role]}: {_HOW}"
    else:
        who = f"{actor.name} may not set the password of somebody in the role {role}: a system engineer does"
    raise NotAllowed("role", who)


def may_keep(actor: Actor) -> None:
    """Raises NotAllowed('role') where this actor looks after no accounts."""
    if actor.role not in KEEPERS:
        raise NotAllowed("role", f"{actor.name} looks after no accounts")
