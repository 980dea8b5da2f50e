"""What a transaction knows of its own steps."""

from __future__ import annotations

import pytest

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.transaction import (
    ContractCall,
    Proposal,
    SignatureRequest,
    PendingCall,
    Transaction,
    TransactionId,
    TransactionState,
)
from wylloh_server.domain.types import BlockNumber, Timestamp, Wallet

STORE = Wallet("0x" + "5" * 40)
CALL, SIGN = ContractCall(STORE, "buy()"), SignatureRequest({})
TRAIL = PendingCall(Timestamp(1), BlockNumber(1), 0)


def transaction(*steps, **changes):
    about = {"step": 0, "hashes": (), "created": Timestamp(0), "changed": Timestamp(0)} | changes
    proposal = Proposal("Buy", ("You pay.",), steps, "Yours.")
    return Transaction(TransactionId("0" * 32), STORE, proposal, TransactionState.PREPARED, **about)


def test_calls_and_the_step_at_hand():
    whole = transaction(SIGN, CALL, CALL)
    assert whole.calls == (1, 2)
    assert whole.proposal.calls == (CALL, CALL)
    assert whole.current is SIGN
    assert transaction(CALL, step=1).current is None


def test_a_call_carries_the_signature_of_the_nearest_request_before_it():
    whole = transaction(SIGN, CALL, SIGN, CALL, signatures=("0x1", "0x2"))
    assert [whole.signature_for(step) for step in range(4)] == ["", "0x1", "0x1", "0x2"]
    assert transaction(SIGN, CALL, SIGN, CALL, signatures=("0x1",)).signature_for(3) == ""
    assert transaction(CALL).signature_for(0) == ""


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({}, False),
        ({"trail": TRAIL}, True),
        ({"trail": TRAIL, "hashes": ("0x1",)}, False),
        ({"trail": TRAIL, "hashes": ("0x1",), "step": 2}, True),
        ({"trail": TRAIL, "hashes": ("0x1",), "step": 1}, False),
        ({"trail": TRAIL, "hashes": ("0x1", "0x2"), "step": 3}, False),
    ],
)
def test_asked_is_a_call_of_which_no_hash_is_known(changes, asked):
    assert transaction(CALL, SIGN, CALL, **changes).asked is asked


@pytest.mark.parametrize("value", [-1, 1 << 256])
def test_an_amount_that_cannot_be_sent_is_refused(value):
    with pytest.raises(InvalidValue):
        ContractCall(STORE, "buy()", value=value)
