"""Addresses that a page may give for waking its phone: those of the push services that the site names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.config.tables import PUSH_SERVICES
from lfrd.errors import NotAllowed
from lfrd.push.endpoints import LONGEST, check, fits, host_of

GOOD = [
    "https://fcm.googleapis.com/fcm/send/dXz:APA91b-_x",
    "https://updates.push.services.mozilla.com/wpush/v2/gAAAAA",
    "https://web.push.apple.com/QGtq=",
    "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAD%2b%2f",
    "https://fcm.googleapis.com:443/fcm/send/a",
]
REFUSED = {
    "http://fcm.googleapis.com/x": "endpoint",
    "HTTPS://fcm.googleapis.com/x": "endpoint",
    "ftp://fcm.googleapis.com/x": "endpoint",
    "https://fcm.googleapis.com": "endpoint",
    "https://fcm.googleapis.com/": "endpoint",
    "https://fcm.googleapis.com:8443/x": "endpoint",
    "https://fcm.googleapis.com:/x": "endpoint",
    "https://fcm.googleapis.com:443:443/x": "endpoint",
    "https://user@fcm.googleapis.com/x": "endpoint",
    "https://fcm.googleapis.com@evil.example/x": "endpoint",
    "https://evil.example\\@fcm.googleapis.com/x": "endpoint",
    "https://evil.example#@fcm.googleapis.com/x": "endpoint",
    "https://evil.example?@fcm.googleapis.com/x": "endpoint",
    "https://fcm.googleapis.com/x#y": "endpoint",
    "https://fcm.googleapis.com/x y": "endpoint",
    "https://fcm.googleapis.com/x\r\nhost: evil.example": "endpoint",
    "https://fcm.googleapis.com/x\n": "endpoint",
    "https://fcm.googleapis.com./x": "endpoint",
    "https://FCM.googleapis.com/x": "endpoint",
    "https://fcm.googleapis\uff0ecom/x": "endpoint",
    "https://127.0.0.1/x": "endpoint",
    "https://2130706433/x": "endpoint",
    "https://0x7f.1/x": "endpoint",
    "https://[::1]/x": "endpoint",
    "https://localhost/x": "endpoint",
    "https://169.254.169.254/latest/meta-data": "endpoint",
    "https://fcm.googleapis.com/" + "x" * LONGEST: "endpoint",
    "": "endpoint",
    "https://evil.example/x": "service",
    "https://fcm.googleapis.com.evil.example/x": "service",
    "https://xfcm.googleapis.com/x": "service",
    "https://push.apple.com/x": "service",
    "https://evilpush.apple.com/x": "service",
    "https://box.local/x": "service",
}


@pytest.mark.parametrize("endpoint", GOOD)
def test_the_addresses_that_browsers_give_are_taken(endpoint: str) -> None:
    check(endpoint, PUSH_SERVICES)


@pytest.mark.parametrize(("endpoint", "code"), REFUSED.items())
def test_whatever_else_is_refused_and_not_quoted(endpoint: str, code: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        check(endpoint, PUSH_SERVICES)
    assert refused.value.code == code
    assert not endpoint or endpoint not in str(refused.value)


@given(text=st.text(max_size=60))
def test_no_text_at_all_leads_to_a_host_that_the_site_does_not_name(text: str) -> None:
    for endpoint in (text, f"https://{text}", f"https://{text}@push.example.org/x", f"https://{text}/x"):
        try:
            check(endpoint, ["push.example.org"])
        except NotAllowed:
            continue
        assert host_of(endpoint) == "push.example.org"


def test_a_star_takes_every_host_below_and_not_the_name_itself() -> None:
    assert fits("a.b.example.org", "*.example.org")
    assert fits("a.example.org", "*.Example.org")
    assert not fits("example.org", "*.example.org")
    assert not fits("badexample.org", "*.example.org")
