"""A small force for journeys: its people and their passwords, its plans and lists, by the command line."""

from __future__ import annotations

import csv
import datetime
import json
import re
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lfrd import wire
from lfrd.listing.reading import COLUMNS
from lfrd.policy.plan import DOCUMENTS
from lfrd.types import Outcome
from tests.commands import Ended
from tests.journeys.process import Site, lfrd, of, reach
from tests.phone import Phone

SUPERINTENDENT, OPERATOR, ENGINEER, AUDITOR = "Supt Jones", "Sgt Patel", "Ivo Novak", "Ms Reid"
WARRANT, MISSING = "wanted on warrant", "missing person"


@dataclass
class Force:
    """Who works at a site, and what they type."""

    site: Site
    _passwords: dict[str, Path] = field(default_factory=dict)

    async def _run(self, name: str | None, *arguments: str | Path) -> Ended:
        """name: who gives the command; None for the machine's console."""
        who: list[str | Path] = [] if name is None else ["--as", name]
        if name is not None:
            who += ["--password-file", self._passwords[name]]
        return await lfrd(*arguments, *who, "-c", self.site.config, wrap=self.site.wrap, cwd=self.site.folder)

    async def done(self, name: str | None, *arguments: str | Path) -> str:
        """What a command printed that must go well."""
        ended = await self._run(name, *arguments)
        assert ended.code == 0, ended
        return ended.out

    async def values(self, name: str | None, *arguments: str | Path) -> Any:
        """The same, as the JSON document that it prints."""
        return json.loads(await self.done(name, *arguments, "--json"))

    async def refused(self, name: str | None, *arguments: str | Path) -> list[str]:
        """The lines with which a command is refused: never a traceback."""
        ended = await self._run(name, *arguments)
        assert ended.code == 1, ended
        assert "Traceback" not in ended.err
        lines = [line for line in ended.err.splitlines() if line.startswith("lfrd: ")]
        assert lines == ended.err.splitlines(), ended.err
        return [line.removeprefix("lfrd: ") for line in lines]

    # ---- people ----------------------------------------------------------------------------------------

    async def appoint(self, name: str, role: str, rank: str = "", *, by: str | None = None) -> None:
        """Add somebody, with a password that they keep in a file of their own."""
        await self.done(by, "users", "add", name, "--role", role, "--rank", rank)
        file = self.site.folder / f"{name}.password"
        file.write_text(f"{secrets.token_urlsafe(16)}\n", encoding="utf-8")
        file.chmod(0o600)
        await self.done(by, "users", "password", name, "--new-password-file", file)
        self._passwords[name] = file

    async def muster(self) -> None:
        """Who plans and runs deployments, and who authorises them."""
        await self.appoint(SUPERINTENDENT, "authorising", "Superintendent")
        await self.appoint(OPERATOR, "operator", "Sergeant")

    async def at_desk(self, url: str, name: str) -> Phone:
        """Somebody's session at the desk, by name and password."""
        password = self._passwords[name].read_text(encoding="utf-8").strip()
        return await Phone.sign_in(url, name, password)

    # ---- deployments -----------------------------------------------------------------------------------

    async def shown(self, deployment: str) -> Any:
        return await self.values(None, "deployment", "show", deployment)

    async def authorised(self, plan: Path, people: Path) -> str:
        """A deployment drafted, authorised and with its list; its id."""
        drafted = await self.values(OPERATOR, "deployment", "new", plan)
        deployment: str = drafted["id"]
        await self.done(SUPERINTENDENT, "deployment", "authorise", deployment)
        await self.done(OPERATOR, "watchlist", "import", people, deployment)
        return deployment

    async def begin(self, deployment: str) -> None:
        """Make an authorised deployment ready, and start it."""
        await self.done(OPERATOR, "deployment", "ready", deployment)
        await self.done(OPERATOR, "deployment", "start", deployment)
        self.site.deployed = True  # nothing is to be rehearsed


# ---- what they write ------------------------------------------------------------------------------------


def filled(
    template: str,
    *cameras: str,
    name: str = "High Street, Saturday",
    ends_at: float | None = None,
    **others: float,
) -> str:
    """`lfrd deployment template` with everything that a plan needs: one operator's morning."""
    now = time.time()
    said = {
        "name": name,
        "purpose": "To find people wanted by the courts",
        "use_case": "wanted persons",
        "place": "High Street, between station and market",
        "starts_at": moment(now - 60),
        "ends_at": moment(now + 6 * 3600 if ends_at is None else ends_at),
        "necessity": "Officers alone have not found them in six months",
        "proportionality": "Few people are sought, and for serious reasons",
        "categories": [WARRANT, MISSING],
        **dict.fromkeys(DOCUMENTS, "v2, 3 March"),
        **others,
    }
    for key, value in said.items():
        # A JSON text, list or number is a TOML one too; the template's moments are bare.
        line = f"{key} = {value if key.endswith('_at') else json.dumps(value)}"
        template, found = re.subn(rf"^(# )?{key} = .*$", line, template, count=1, flags=re.M)
        assert found == 1, f"the template has no line for {key}"
    zone = [[0, 0], [1, 0], [1, 1], [0, 1]]
    return template + "".join(f'\n[[cameras]]\nname = "{camera}"\nzone = {zone}\n' for camera in cameras)


def moment(at: float) -> str:
    """As a person writes it: this place's own time, with its zone."""
    return datetime.datetime.fromtimestamp(at).astimezone().isoformat()


def write_plan(file: Path, *cameras: str, **others: Any) -> Path:
    """A plan's file that lacks nothing."""
    from lfrd.commands.plan_file import TEMPLATE

    file.write_text(filled(TEMPLATE, *cameras, **others), encoding="utf-8")
    return file


def write_entries(folder: Path, rows: Sequence[Mapping[str, str]], **pictures: Path) -> Path:
    """A folder with entries.csv and the pictures that its rows name; what a row leaves out is usual."""
    folder.mkdir()
    for name, picture in pictures.items():
        shutil.copyfile(picture, folder / f"{name}{picture.suffix}")
    usual = {
        "category": WARRANT,
        "image_source": "custody image",
        "lawful_basis": "warrant of the magistrates' court",
        "image_date": "2024-11-30",
        "rationale": "failed to appear; believed to live near the place",
        "instruction": "arrest on the warrant",
    }
    with (folder / "entries.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows({**usual, **row} for row in rows)
    return folder


# ---- what officers do -----------------------------------------------------------------------------------


def alert_of(phone: Phone, nominal: str) -> wire.AlertView:
    """The newest that the phone has of the nominal's alert."""
    return next(event.alert for event in reversed(phone.events) if event.alert.nominal == nominal)


async def alerted(phone: Phone, *nominals: str) -> None:
    """Wait until each of them has raised an alert."""
    await reach(phone, lambda: {event.alert.nominal for event in of(phone, "alert")} >= set(nominals))


async def ask(phone: Phone, request: wire.FromPhone, done: Callable[[], bool]) -> None:
    """Send a request about an alert and wait for what it leads to; it must not be refused."""
    refused = len(phone.refused)
    await phone.say(request)
    await reach(phone, lambda: done() or len(phone.refused) > refused)
    assert phone.refused[refused:] == []


async def refusal(phone: Phone, request: wire.FromPhone) -> str:
    """The code with which a request is refused."""
    refused = len(phone.refused)
    await phone.say(request)
    await reach(phone, lambda: len(phone.refused) > refused)
    return phone.refused[-1].code


async def answer(phone: Phone, alert: str, outcome: Outcome, **more: Any) -> None:
    """The whole way of an alert that is taken seriously: viable, engaged, its outcome."""
    await ask(phone, wire.Adjudicate(alert, "viable"), lambda: has(phone, alert, "adjudicated"))
    await ask(phone, wire.Engage(alert), lambda: has(phone, alert, "engaged"))
    await ask(phone, wire.Code(alert, outcome, **more), lambda: has(phone, alert, "outcome"))


def has(phone: Phone, alert: str, what: str) -> bool:
    return any(event.alert.id == alert for event in of(phone, what))
