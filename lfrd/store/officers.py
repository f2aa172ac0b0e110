"""Officers' ways in: an invitation for an engagement officer's phone, a password or a passkey at the desk."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable

from lfrd.audit import kinds
from lfrd.config import SignIn
from lfrd.errors import NotAllowed
from lfrd.store.accounts import Accounts, Officer
from lfrd.store.appointing import may_appoint, may_set_password
from lfrd.store.audit import append
from lfrd.store.database import Database, Transaction
from lfrd.store.names import clean_name, digest, label
from lfrd.store.passkeys import Passkeys
from lfrd.store.passwords import Passwords, check_strength, wait_after
from lfrd.store.sessions import Session, SessionId
from lfrd.types import Actor, OfficerId, Role

__all__ = ["Officer", "Officers", "Session", "SessionId"]

WRONG = "the name or the password is not right; after several wrong ones an account waits before it opens"
"""One text, whether there is no such name, it waits, it is disabled, or the password is wrong."""
NOBODY = Actor(OfficerId("nobody"), "nobody who is signed in")
"""Who tries to sign in, in the audit."""


class Officers(Accounts):
    """Who may sign in, and what has signed in."""

    def __init__(self, db: Database, clock: Callable[[], float], settings: SignIn | None = None) -> None:
        super().__init__(db, clock, settings or SignIn())
        self.passkeys = Passkeys(db, clock)
        self._passwords = Passwords()
        self._trying = asyncio.Lock()  # one password at a time: of many at once no more are looked at

    # ---- invitations ---------------------------------------------------------------------------------

    async def invite(
        self,
        name: str | None,
        uses: int,
        valid_seconds: float,
        *,
        role: Role = Role.ENGAGEMENT,
        actor: Actor,
    ) -> str:
        """A new code, which is shown once and cannot be read again.

        An engagement officer's code lets a phone in (`join`); name may be None then, for whoever holds it.
        The code of any other role sets the password of the officer of that name, who has been added already
        (`first_password`). Raises NotAllowed: 'name', 'role', 'unknown_officer'; and ValueError where uses is
        below 1 or valid_seconds not above 0.
        """
        if uses < 1 or not valid_seconds > 0:
            raise ValueError("an invitation needs at least one use and some time")
        code, now = secrets.token_urlsafe(32), self._clock()
        name = None if name is None else clean_name(name)
        async with self._db.write() as tx:
            if role is Role.ENGAGEMENT:
                await may_appoint(tx, actor, role)
                officer = None if name is None else await self._perhaps(tx, name)
            else:
                officer = await self._named(tx, name or "")
                await may_set_password(tx, actor, officer.role)
            if officer is not None:
                _in_role(officer, role)
            await tx.execute(
                "INSERT INTO invitation (code_hash, purpose, name, role, uses_left, created_at, expires_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(digest(code), "phone" if role is Role.ENGAGEMENT else "password", name, role.value),
                *(uses, now, now + valid_seconds),
            )
            await append(tx, now, actor, kinds.Invited(name or "", role.value, valid_seconds / 3600))
        return code

    async def join(self, code: str, name: str = "", device_key: bytes | None = None) -> str:
        """Use an invitation and sign a phone in. Returns the session's token, which is not kept.

        name: how the others see the officer. An invitation that is made out to somebody signs in as them and
        no one else, so name is not even looked at. A name that an officer has already is theirs: another
        phone joins under it only with an invitation made out to it. Raises NotAllowed, and uses nothing up:
        'invitation' (one text, whether the code never existed, has expired or is used up), 'name',
        'name_taken', 'password_wanted' (the code is for `first_password`), 'role' or 'disabled'.
        """
        now = self._clock()
        async with self._db.write() as tx:
            used = await self._used(tx, code, now)
            if used["purpose"] != "phone":
                raise NotAllowed("password_wanted", "this link sets a password: choose one")
            officer = await self._joining(tx, used["name"], name, Role(used["role"]), now)
            return await self._begin(tx, officer, "invitation", device_key, now)

    async def first_password(self, code: str, password: str, device_key: bytes | None = None) -> str:
        """Use a link that sets a password, and sign its officer in. Returns the session's token.

        Raises NotAllowed, and uses nothing up: 'invitation', 'weak' or 'disabled'.
        """
        now = self._clock()
        async with self._db.read() as tx:
            made_out = await tx.row(
                "SELECT name FROM invitation WHERE purpose = 'password' AND code_hash = ? AND uses_left > 0 "
                "AND expires_at > ?",
                *(digest(code), now),
            )
        if made_out is None:
            raise _not_valid()
        check_strength(password, made_out["name"])
        kept = await self._passwords.hashed(password)
        async with self._db.write() as tx:
            used = await self._used(tx, code, now)
            officer = _enabled(await self._named(tx, used["name"]))
            await self._keep_password(tx, officer.actor, officer.id, kept)
            return await self._begin(tx, officer.actor, "password", device_key, now)

    # ---- passwords -----------------------------------------------------------------------------------

    async def set_password(self, officer: OfficerId, password: str, actor: Actor) -> None:
        """Set a password: one's own at the console, or another's. `change_password` is for those at a desk.

        Whatever was signed in before ends. Raises NotAllowed: 'weak', 'role', 'unknown_officer'.
        """
        known = await self.officer(officer)
        check_strength(password, known.name)
        kept = await self._passwords.hashed(password)
        async with self._db.write() as tx:
            if actor.id != officer or known.role is Role.ENGAGEMENT:
                await may_set_password(tx, actor, known.role)
            await self._keep_password(tx, actor, officer, kept)

    async def change_password(self, name: str, old: str, new: str) -> None:
        """Exchange one's own password. Whatever was signed in before ends.

        Raises NotAllowed: 'password', as `check_password`, also where the old one was exchanged meanwhile;
        'weak'.
        """
        officer, known = await self._checked(name, old)
        check_strength(new, officer.name)
        kept = await self._passwords.hashed(new)
        async with self._db.write() as tx:
            await self._still_kept(tx, officer, known)
            await self._keep_password(tx, officer, officer.id, kept)

    async def check_password(self, name: str, password: str) -> Actor:
        """The officer whose password it is.

        Raises NotAllowed('password') with one text and after one time, whatever is wrong; the audit says why.
        After `passwords.FREE_TRIES` wrong ones in a row the account waits, longer each time, also over a
        restart; while it waits the right password does not open it either.
        """
        return (await self._checked(name, password))[0]

    async def _checked(self, name: str, password: str) -> tuple[Actor, str]:
        """As `check_password`; and the password as it is kept, by which one that is exchanged meanwhile is
        told from it."""
        async with self._trying:
            now = self._clock()
            async with self._db.read() as tx:
                row = await tx.row(
                    "SELECT id, name, role, password, failures, locked_until, disabled_at FROM officer "
                    "WHERE label = ?",
                    label(name),
                )
            reason = "password"
            if row is not None and row["locked_until"] > now:
                reason = "locked"
            elif row is not None and row["disabled_at"] is not None:
                reason = "disabled"
            right = await self._passwords.verify(None if row is None else row["password"], password)
            if row is None or not right or reason != "password":
                await self._failed(row, reason, now)
                raise NotAllowed("password", WRONG)
            kept = await self._succeeded(row, password)
        return Actor(OfficerId(row["id"]), row["name"], Role(row["role"])), kept

    async def sign_in(self, name: str, password: str, device_key: bytes | None = None) -> str:
        """Returns the new session's token. Raises NotAllowed: 'password', as `check_password`, 'disabled'."""
        officer, kept = await self._checked(name, password)
        async with self._db.write() as tx:
            _enabled(await self._known(tx, officer.id))  # asked again: disabled in this very moment
            await self._still_kept(tx, officer, kept)
            return await self._begin(tx, officer, "password", device_key, self._clock())

    async def _still_kept(self, tx: Transaction, officer: Actor, kept: str) -> None:
        """Refuses what was checked against a password that has been exchanged since: all that it signed in
        has just been ended."""
        if not await tx.row("SELECT 1 FROM officer WHERE id = ? AND password = ?", officer.id, kept):
            raise NotAllowed("password", WRONG)

    async def sign_in_by_passkey(self, officer: OfficerId, device_key: bytes | None = None) -> str:
        """Once the passkey has been verified. Returns the session's token. Raises NotAllowed('disabled')."""
        async with self._db.write() as tx:
            known = _enabled(await self._known(tx, officer))
            return await self._begin(tx, known.actor, "passkey", device_key, self._clock())

    # ---- rows ----------------------------------------------------------------------------------------

    async def _used(self, tx: Transaction, code: str, now: float) -> sqlite3.Row:
        """One use of an invitation; undone where the transaction is."""
        row = await tx.row(
            "UPDATE invitation SET uses_left = uses_left - 1 "
            "WHERE code_hash = ? AND uses_left > 0 AND expires_at > ? RETURNING name, role, purpose",
            *(digest(code), now),
        )
        if row is None:
            raise _not_valid()
        return row

    async def _joining(
        self, tx: Transaction, made_out_to: str | None, name: str, role: Role, now: float
    ) -> Actor:
        """The officer of that name, new or, where the invitation is made out to them, as they are.

        Who gave their name themselves until now is known by it from here on, and what signed in under it
        before ends: it may have been somebody else."""
        chosen = made_out_to or clean_name(name)
        officer = await self._perhaps(tx, chosen)
        if officer is None:
            named = made_out_to is not None
            return Actor(await self._insert(tx, chosen, role, "", None, now, named=named), chosen, role)
        if made_out_to is None:
            raise NotAllowed(
                "name_taken",
                f"{chosen} has joined already: add your shoulder number, or ask for an invitation in your "
                "name",
            )
        actor = _enabled(_in_role(officer, role)).actor
        unnamed = "UPDATE officer SET named = 1 WHERE id = ? AND named = 0 RETURNING id"
        if await tx.row(unnamed, officer.id):
            await self._end(tx, actor, "revoked", "officer = ?", officer.id)
        return actor

    async def _keep_password(self, tx: Transaction, actor: Actor, officer: OfficerId, kept: str) -> None:
        await tx.execute(
            "UPDATE officer SET password = ?, failures = 0, locked_until = 0 WHERE id = ?", kept, officer
        )
        await append(tx, self._clock(), actor, kinds.UserChanged(officer, "password_set"))
        await self._end(tx, actor, "revoked", "officer = ?", officer)

    async def _failed(self, row: sqlite3.Row | None, reason: str, now: float) -> None:
        """One transaction whatever was wrong: the time that it takes tells nobody which."""
        async with self._db.write() as tx:
            if row is not None and reason == "password":
                # Read again: a command beside the server may have tried one meanwhile.
                known = await tx.row("SELECT failures FROM officer WHERE id = ?", row["id"])
                failures = 1 + (row if known is None else known)["failures"]
                await tx.execute(
                    "UPDATE officer SET failures = ?, locked_until = ? WHERE id = ?",
                    *(failures, now + wait_after(failures), row["id"]),
                )
            await append(tx, now, NOBODY, kinds.SignInFailed("" if row is None else row["id"], reason))

    async def _succeeded(self, row: sqlite3.Row, password: str) -> str:
        """The password as it is kept from here on."""
        kept = str(row["password"])
        if self._passwords.outdated(kept):
            kept = await self._passwords.hashed(password)
        if row["failures"] or kept != row["password"]:
            async with self._db.write() as tx:
                await tx.execute(
                    "UPDATE officer SET failures = 0, locked_until = 0, password = ? "
                    "WHERE id = ? AND password = ?",
                    *(kept, row["id"], row["password"]),
                )
        return kept


def _in_role(officer: Officer, role: Role) -> Officer:
    if officer.role is not role:
        raise NotAllowed(
            "role", f"{officer.name} is there already, in the role {officer.role}: one role a person"
        )
    return officer


def _enabled(officer: Officer) -> Officer:
    if officer.disabled_at is not None:
        raise NotAllowed("disabled", f"{officer.name} may not sign in any more")
    return officer


def _not_valid() -> NotAllowed:
    return NotAllowed("invitation", "this invitation is not valid (any more); ask for a new one")
