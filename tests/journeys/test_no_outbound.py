"""A whole day of a force without one packet to anybody outside, and without a try at it (rule 30).

The day runs in a network of its own, whose only way out leads into nothing: a default route, and a name
server behind it. What is sent there is counted by the interface, whoever sends it; and each Python process
notes whom it wants to reach or to look up, also where nothing is sent in the end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT, unavailable

pytestmark = pytest.mark.journey

DAY = (
    "tests/journeys/test_deployment_day.py::"
    "test_a_force_plans_authorises_runs_closes_and_publishes_a_deployment"
)

NETWORK = """
set -e
ip link set lo up
ip link add out type veth peer name nowhere
for name in out nowhere; do
    echo 1 > /proc/sys/net/ipv6/conf/$name/disable_ipv6 || true  # or the kernel greets its neighbours itself
    ip link set $name up
done
ip addr add 192.0.2.1/24 dev out
ip neigh add 192.0.2.254 lladdr 02:00:00:00:00:01 dev out nud permanent
ip route add default via 192.0.2.254
mount --bind "$NAMES" /etc/resolv.conf
set +e
"$@"
code=$?
cat /proc/net/dev > "$COUNTS"
exit $code
"""
"""Addresses for documentation (RFC 5737): nobody has them."""

NOTING = '''
"""Notes whom this process wants to reach: every address that is not this machine's own."""
import ipaddress, os, sys

def outside(host):
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host not in ("localhost", "")

def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else ""  # a path or None: of this machine
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0] or ""
        host = host.decode() if isinstance(host, bytes) else host
    else:
        return
    if outside(host):
        with open(os.environ["NOTED"], "a") as file:
            file.write(f"{event} {host} by {sys.argv}\\n")

def count():
    with open(os.environ["NOTED"] + ".processes", "a") as file:
        file.write(".")

sys.addaudithook(note)
count()
os.register_at_fork(after_in_child=count)  # what listens here listens there as well
'''


@dataclass(frozen=True)
class Tries:
    """What was tried in the network: packets that left by its only way out, and what processes noted."""

    packets: int
    noted: list[str]
    processes: int


@dataclass(frozen=True)
class Network:
    folder: Path

    def run(self, *command: str) -> Tries:
        """Run a command in a new network, to its end; it must go well."""
        (self.folder / "sitecustomize.py").write_text(NOTING, encoding="utf-8")
        names, noted, counts = (self.folder / name for name in ("names", "noted", "counts"))
        names.write_text("nameserver 198.51.100.53\noptions timeout:1 attempts:1\n", encoding="utf-8")
        for file in (noted, self.folder / "noted.processes"):
            file.write_text("", encoding="utf-8")
        # Libraries report less where they believe themselves in a test.
        quiet = ("CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS")
        environment = {key: value for key, value in os.environ.items() if key not in quiet} | {
            "NAMES": str(names),
            "NOTED": str(noted),
            "COUNTS": str(counts),
            "PYTHONPATH": str(self.folder),
        }
        ended = subprocess.run(
            ["unshare", "-rnm", "sh", "-c", NETWORK, "sh", *command],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        (line,) = (line for line in counts.read_text().splitlines() if line.strip().startswith("out:"))
        return Tries(
            packets=int(line.partition(":")[2].split()[9]),  # of the columns of /proc/net/dev: sent
            noted=noted.read_text(encoding="utf-8").splitlines(),
            processes=len((self.folder / "noted.processes").read_text()),
        )


@pytest.fixture
def network(tmp_path: Path) -> Network:
    made = Network(tmp_path / "network")
    made.folder.mkdir()
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        unavailable("needs unshare, of util-linux, and ip, of iproute2")
    try:
        made.run("true")
    except AssertionError as error:
        unavailable(f"needs a network namespace with a pair of interfaces: {error}")
    return made


REACHING = """
import contextlib, socket
with contextlib.suppress(OSError):
    socket.create_connection(("updates.example", 443), timeout=1)
"""
SENDING = """
import contextlib, socket
with contextlib.suppress(OSError):
    socket.create_connection(("198.51.100.7", 443), timeout=0.2)
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("198.51.100.7", 9))
"""


def test_a_look_up_a_connection_and_a_datagram_are_all_counted_here(network: Network) -> None:
    tries = network.run(sys.executable, "-c", REACHING)
    assert tries.packets >= 1, "the question to the name server"
    assert any("getaddrinfo updates.example" in line for line in tries.noted)
    tries = network.run(sys.executable, "-c", SENDING)
    assert tries.packets >= 2
    assert sum("198.51.100.7" in line for line in tries.noted) >= 2


def test_a_whole_day_of_a_force_sends_nothing_outside_and_does_not_try_to(
    network: Network, tmp_path: Path, astronaut: Path, admiral: Path
) -> None:
    pytest_here = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    tries = network.run(*pytest_here, f"--basetemp={tmp_path / 'day'}", DAY)
    assert tries.processes > 30, "the day's commands were not listened to"
    assert tries.noted == []
    assert tries.packets == 0
