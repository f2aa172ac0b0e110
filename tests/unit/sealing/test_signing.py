"""A signed statement verifies as long as nothing in it has changed, whatever its spaces."""

from __future__ import annotations

import contextlib
import json
import pickle
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfrd.errors import SealError
from lfrd.sealing.signing import Signer, read_signed, signed, verify

SIGNER = Signer(bytes(range(32)))
STATEMENTS = st.dictionaries(
    st.text(max_size=10),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=10),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=5,
)  # fmt: skip


@given(STATEMENTS)
def test_a_signed_statement_is_read_as_it_was_signed(statement: dict[str, Any]) -> None:
    document = signed(statement, SIGNER)
    assert read_signed(document, SIGNER.public_key) == statement
    assert read_signed(json.dumps(json.loads(document), separators=(",", ":"))) == statement


@given(st.data())
def test_a_document_with_another_letter_is_refused_or_says_the_same(data: st.DataObject) -> None:
    statement = {"receipt": "0a1b", "at": 1_760_000_000.5, "destroyed": {"entries": 3}}
    document = bytearray(signed(statement, SIGNER).encode())
    place = data.draw(st.integers(0, len(document) - 1))
    document[place] = data.draw(st.integers(32, 126))
    with contextlib.suppress(SealError):
        assert read_signed(bytes(document), SIGNER.public_key) == statement


def test_a_changed_statement_is_refused() -> None:
    document = signed({"alerts": 3}, SIGNER).replace("3", "2", 1)
    with pytest.raises(SealError, match="changed after it was signed"):
        read_signed(document)


def test_another_signer_than_the_trusted_one_is_refused() -> None:
    document = signed({"alerts": 3}, Signer(bytes(32)))
    assert read_signed(document) == {"alerts": 3}
    with pytest.raises(SealError, match="another key"):
        read_signed(document, SIGNER.public_key)


@pytest.mark.parametrize(
    "document",
    ["", "{}", "[]", "not json", '{"statement": {}, "public_key": "zz", "signature": "00"}', b"\xff\xfe"],
)
def test_what_is_no_signed_document_is_refused(document: str | bytes) -> None:
    with pytest.raises(SealError, match="not a signed document"):
        read_signed(document)


def test_a_statements_signature_is_good_for_no_other_data() -> None:
    read = json.loads(signed({"alerts": 3}, SIGNER))
    signature = bytes.fromhex(read["signature"])
    assert not verify(SIGNER.public_key, b'{"alerts":3}', signature)
    assert verify(SIGNER.public_key, b'lfrd statement 1\n{"alerts":3}', signature)


def test_a_key_or_signature_of_another_length_verifies_nothing() -> None:
    assert not verify(b"short", b"data", SIGNER.sign(b"data"))
    assert not verify(SIGNER.public_key, b"data", b"short")


def test_openssl_verifies_a_receipt_without_lfrd(tmp_path: Path) -> None:
    """As docs/sealing.md tells an auditor to."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    statement = {"destroyed": {"alerts": 2, "entries": 3}, "receipt": "0a1b"}
    read = json.loads(signed(statement, SIGNER))
    covered = "lfrd statement 1\n" + json.dumps(read["statement"], sort_keys=True, separators=(",", ":"))
    files = {
        "data": covered.encode(),
        "signature": bytes.fromhex(read["signature"]),
        "key.der": bytes.fromhex("302a300506032b6570032100" + read["public_key"]),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin", "-in",
         "data", "-sigfile", "signature"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Verified Successfully" in done.stdout, done.stderr


def test_a_signer_is_never_pickled() -> None:
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(SIGNER)
