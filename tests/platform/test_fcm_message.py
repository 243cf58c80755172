"""A push is encoded by filling in what the SDK encoded once: it must be what the SDK would have said, whatever is filled in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.platform.fcm import _ID, _SEQ, _VALUE, encode_by_sdk, encode_message
from app.platform.push import Push
from tests.platform.pushes import a_push

# With lone surrogates, control characters, quotes, percent signs and the very marks that are filled in.
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=[])),
    st.sampled_from(["%", "%s%(value)s%%", '"\\', "\u2028\x00", _VALUE, _ID, str(_SEQ), "{}"]),
)
PUSH = st.builds(
    Push,
    kind=st.sampled_from(["fid", "token"]),
    value=TEXT.filter(bool),
    delivery_id=TEXT,
    seq=st.integers(-(2**63), 2**63),
    entry_class=st.sampled_from(["card", "security", "notice"]),
    title=st.sampled_from(["Ada perubahan", '100 % "kartu" {value} %(id)s', "Perubahan – é"]),
    body=st.sampled_from(["Buka aplikasi.", "%d %%"]),
    urgent=st.booleans(),
    ttl_s=st.sampled_from([60, 3600, 28 * 24 * 3600, 10**9]),
)


@given(PUSH)
def test_every_push_is_encoded_byte_for_byte_as_the_sdk_does(push: Push) -> None:
    assert encode_message(push) == encode_by_sdk(push).encode()


def test_two_pushes_share_nothing_of_their_own() -> None:
    one, other = a_push(seq=1), a_push(seq=2)
    encode_message(one)
    taken = json.loads(encode_message(other))["message"]
    assert taken["fid"] == other.value
    assert taken["data"] == {"v": "1", "seq": "2", "class": "card", "id": other.delivery_id}
    assert one.value not in str(taken)


@pytest.mark.parametrize("encode", [encode_message, encode_by_sdk])
def test_a_push_to_nobody_cannot_be_encoded(encode: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode(replace(a_push(), value=""))  # type: ignore[operator]
