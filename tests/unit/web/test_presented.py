"""What new connections are shown, and that it stays fit while the server runs."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from lfrd.audit.kinds import AboutTls, AuthorityMade, CertificateMade
from lfrd.certificates.authority import make_authority
from lfrd.certificates.fingerprint import digest_of
from lfrd.certificates.keeping import AUTHORITY, BOX, read_authority, renew
from lfrd.certificates.names import parse
from lfrd.config import Config, Placed, Tls, Web
from lfrd.errors import SettingError
from lfrd.web import presented as module
from lfrd.web.presented import Presented, looked_after, names_for, presented

NOW = 1_790_000_000.0
DAY = 86400.0


def own(folder: Path, **tls: object) -> Placed:
    return Config(web=Web(host="127.0.0.1"), tls=Tls(**tls)).at(folder)  # type: ignore[arg-type]


def brought(folder: Path, now: float = NOW) -> Placed:
    signer = make_authority(parse(["127.0.0.1"]), now)
    pair = signer.issue(parse(["127.0.0.1"]), now)
    (folder / "cert.pem").write_bytes(pair.certificate_pem() + signer.certificate_pem())
    (folder / "key.pem").write_bytes(pair.pem())
    return Config(web=Web(host="127.0.0.1", certificate="cert.pem", key="key.pem")).at(folder)


async def shown(context: ssl.SSLContext) -> str:
    """The digest of the certificate that a new connection gets."""

    async def close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0, ssl=context) as server:
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=anybody)
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return digest_of(der)


def test_plain_http_presents_nothing_and_makes_nothing(tmp_path: Path) -> None:
    placed = Config(web=Web(allow_plain_http=True)).at(tmp_path)
    assert presented(placed, NOW) == (None, [])
    assert list(tmp_path.iterdir()) == []


async def test_the_sites_own_is_made_at_the_first_start_and_told_once(tmp_path: Path) -> None:
    found, made = presented(own(tmp_path), NOW)
    assert found is not None
    assert [type(body) for body in made] == [AuthorityMade, CertificateMade]
    assert found.authority is not None
    assert await shown(found.context) == made[1].digest
    assert presented(own(tmp_path), NOW)[1] == []


async def test_what_is_renewed_beside_a_running_server_is_presented_at_the_next_look(tmp_path: Path) -> None:
    found, _ = presented(own(tmp_path), NOW)
    assert found is not None
    renewed = renew(tmp_path / "tls", names_for(own(tmp_path)), NOW, authority=True)
    assert found.look(NOW) == []  # whoever renewed it has recorded it
    assert await shown(found.context) == renewed.box.digest
    assert found.authority is not None
    assert found.authority.digest == renewed.digest


async def test_in_its_last_third_it_is_renewed_and_recorded_while_the_server_runs(tmp_path: Path) -> None:
    found, _ = presented(own(tmp_path), NOW)
    assert found is not None
    first, records = await shown(found.context), list[AboutTls]()

    async def record(body: AboutTls) -> None:
        records.append(body)

    await found.look_again(record, NOW + 130 * DAY)
    (body,) = records
    assert isinstance(body, CertificateMade)
    assert body.why == "renewed"
    assert await shown(found.context) == body.digest != first
    assert found.until == body.until


async def test_a_problem_while_the_server_runs_is_told_once_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, made = presented(own(tmp_path), NOW)
    assert found is not None
    (tmp_path / "tls" / AUTHORITY).write_bytes(b"damaged")
    told: list[str] = []
    monkeypatch.setattr(module.log, "warning", lambda _event, problem: told.append(problem))

    async def record(_body: AboutTls) -> None:
        raise AssertionError("nothing was made")

    for _ in range(3):
        await found.look_again(record, NOW)
    assert len(told) == 1
    assert "damaged" in told[0]
    assert await shown(found.context) == made[1].digest


async def test_the_task_ends_with_its_block(tmp_path: Path) -> None:
    found, _ = presented(own(tmp_path), NOW)

    async def record(_body: AboutTls) -> None:
        pass

    async with asyncio.TaskGroup() as group:
        async with looked_after(found, group, record, lambda: NOW):
            pass
        async with looked_after(None, group, record, lambda: NOW):
            pass


async def test_a_certificate_that_was_brought_is_presented_and_recorded_at_each_start(tmp_path: Path) -> None:
    found, made = presented(brought(tmp_path), NOW)
    assert found is not None
    assert [body.why for body in made if isinstance(body, CertificateMade)] == ["brought"]
    assert await shown(found.context) == made[0].digest
    assert found.authority is None
    assert not (tmp_path / "tls").exists()
    assert found.look(NOW) == []


async def test_another_one_brought_into_its_place_is_taken_without_a_restart(tmp_path: Path) -> None:
    found, first = presented(brought(tmp_path), NOW)
    assert found is not None
    brought(tmp_path)
    (body,) = found.look(NOW)
    assert await shown(found.context) == body.digest != first[0].digest


async def test_one_that_does_not_fit_leaves_the_one_before_it(tmp_path: Path) -> None:
    found, made = presented(brought(tmp_path), NOW)
    assert found is not None
    key = (tmp_path / "key.pem").read_bytes()
    brought(tmp_path)
    (tmp_path / "key.pem").write_bytes(key)  # half of an exchange that is under way
    with pytest.raises(SettingError, match="do not belong together"):
        found.look(NOW)
    assert await shown(found.context) == made[0].digest


def test_one_that_has_ended_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"web\.certificate: .*cert\.pem ended on"):
        presented(brought(tmp_path), NOW + 400 * DAY)


def test_the_names_are_the_machines_and_those_of_the_settings(tmp_path: Path) -> None:
    placed = Config(web=Web(host="10.9.8.7"), tls=Tls(names=["lfr.force.example"])).at(tmp_path)
    words = names_for(placed).words()
    assert {"10.9.8.7", "lfr.force.example", "localhost", "127.0.0.1"} <= set(words)
    everywhere = Config(web=Web(host="0.0.0.0")).at(tmp_path)
    assert "0.0.0.0" not in names_for(everywhere).words()


def test_old_protocols_and_ciphers_are_off(tmp_path: Path) -> None:
    context = Presented(own(tmp_path)).context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    for cipher in context.get_ciphers():
        assert cipher["protocol"] == "TLSv1.3" or cipher["name"].startswith("ECDHE-")
        assert cipher["aead"], cipher["name"]
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert (tmp_path / "tls" / BOX).exists() is False
    assert read_authority(tmp_path / "tls") is None
