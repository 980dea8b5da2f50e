"""Royalties on a real chain: made, changed, divided and paid out by what the plugin proposes."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from contextlib import closing

import pytest
from eth_utils.crypto import keccak
from real_chain import royalties_on

from tests.components import shares as judge
from tests.components.anvil import anvil
from tests.components.evm import Evm
from tests.components.market import open_market
from wylloh_server.sdk import NATIVE_COIN

NOBODY_ELSE = 3


@pytest.fixture(scope="module")
def node():
    with anvil(chain_id=31337) as node:
        yield node


@pytest.fixture(scope="module")
def market(node):
    with closing(Evm(node.url)) as evm:
        yield open_market(evm)


@pytest.fixture(scope="module")
def factory(market):
    return market.chain.deploy("RoyaltySplitterFactory")


@pytest.fixture
async def desk(node, market, factory, tmp_path):
    async with royalties_on(node.url, market, factory, tmp_path) as desk:
        yield desk


def form(*lines, do="propose", **more):
    names = ("account", "role", "share")
    columns = [list(column) for column in zip(*lines, strict=True)]
    return dict(zip(names, columns, strict=True)) | {"do": do} | more


async def splitter_of(desk, owner):
    page = await desk.get("", owner)
    return desk.evm.at("RoyaltySplitter", page.values["splitters"][0].splitter.address)


def judged(evm, splitter):
    """Compute from raw logs, in another way, what each recipient was credited and paid: wallet → coin → rows."""
    names = {
        "0x" + keccak(text="Credited(address,address,uint256)").hex(): 1,
        "0x" + keccak(text="Withdrawn(address,address,uint256)").hex(): -1,
    }
    found = defaultdict(lambda: defaultdict(list))
    query = {"address": splitter.address, "fromBlock": "0x0", "toBlock": "latest"}
    for log in evm.rpc("eth_getLogs", query):
        if sign := names.get(log["topics"][0]):
            who, coin = ("0x" + topic[-40:] for topic in log["topics"][1:3])
            row = (int(log["blockNumber"], 16), log["transactionHash"], sign * int(log["data"], 16))
            found[who][coin].append(row)
    return found


async def statement_rows(desk, splitter, who, by):
    """Give the credits and payouts of somebody's CSV of all years: coin → rows; and the closing balances."""
    reply = await desk.get(
        f"splitter/{splitter.address}/statement.csv",
        by,
        who=who,
        **{"from": "1970-01-02", "to": "9000-01-01"},
    )
    rows, closings = defaultdict(list), {}
    for row in csv.DictReader(io.StringIO(reply.body.decode())):
        if row["what"] in ("Credit", "Payout"):
            line = (int(row["block"]), row["transaction"], int(row["amount in base units"]))
            rows[row["coin address"]].append(line)
        elif row["what"] == "Closing balance":
            closings[row["coin address"]] = int(row["balance in base units"])
    return rows, closings


async def test_from_making_it_to_the_last_unit(desk, market):
    evm, coin = market.chain, market.coin
    owner, ann, ben, cyn = evm.accounts[5:9]
    lines = (ann, "director", "33.33"), (ben, "music", "33.33"), (cyn, "Ton & Bild, “Öl”", "3334 bp")
    await desk.confirm("new", owner, form(*lines, coin=coin.address))
    splitter = await splitter_of(desk, owner)
    assert splitter.owner() == owner
    assert splitter.coins() == (coin.address,)
    assert [role for _, _, role in splitter.recipients()] == ["director", "music", "Ton & Bild, “Öl”"]
    assert [one.splitter.address for one in (await desk.get("", ann)).values["splitters"]] == [
        splitter.address
    ]

    film = market.new_film(91, receiver=splitter.address)
    market.registry.mint(market.store, film, 50)
    market.store.setOffer(film, market.offer(payee=splitter.address))
    market.store.buy(film, 7, 2**255, by=market.people[0])
    market.store.list(film, 3, coin, 1_000_003, by=market.people[0])
    listing = 1
    market.store.buyListed(listing, 3, 2**255, by=market.people[1])
    coin.mint(splitter, 1_000_001)
    evm.send(splitter.address, value=10**18 + 1)
    await desk.read_on()
    page = await desk.get(f"splitter/{splitter.address}", ann)
    earned = {line.title: line.together for line in page.values["earned"]}
    sale, royalty = 7 * 5_000_000 * 9_750 // 10_000, 3 * 1_000_003 * 500 // 10_000
    known = next(iter({line.together for line in page.values["earned"] if line.sales}))
    assert known == f"{(sale + royalty) / 10**6:.6f}".rstrip("0") + " dUSD"
    assert earned["Other transfers"] in ("1.000001 dUSD", "1.000000000000000001 ETH")

    path = f"splitter/{splitter.address}"
    pending = splitter.pending(coin)
    await desk.confirm(f"{path}/distribute", ben, {"coin": coin.address})
    foretold = judge.divided(pending, [3_333, 3_333, 3_334])
    assert [splitter.owed(who, coin) for who in (ann, ben, cyn)] == foretold
    before = coin.balanceOf(ann)
    await desk.confirm(f"{path}/withdraw", ann, {"coin": coin.address})
    assert coin.balanceOf(ann) == before + foretold[0]

    coin.mint(splitter, 999_999)  # comes before the change, and is divided the old way
    await desk.confirm(f"{path}/recipients", owner, form((ann, "director", "1"), (owner, "producer", "99")))
    assert splitter.pending(coin) == splitter.pending(NATIVE_COIN) == 0
    coin.mint(splitter, 12_345_679)
    await desk.confirm(f"{path}/distribute", owner, {"coin": coin.address})
    await desk.confirm(f"{path}/withdraw", cyn, {"coin": NATIVE_COIN})  # no recipient any more

    truth = judged(evm, splitter)
    assert set(truth) == {owner, ann, ben, cyn}
    for who in truth:
        rows, closings = await statement_rows(desk, splitter, who, by=who)
        assert rows == truth[who]
        assert closings == {one: splitter.owed(who, one) for one in truth[who]}
        assert closings == {one: sum(row[-1] for row in parts) for one, parts in truth[who].items()}
    everything, closings = await statement_rows(desk, splitter, "all", by=owner)
    for one in (coin.address, NATIVE_COIN):
        whole = sorted(row for who in truth for row in truth[who][one])
        assert sorted(everything[one]) == whole
        held = coin.balanceOf(splitter) if one == coin.address else evm.balance(splitter.address)
        assert closings[one] == held
    tables = await desk.get(path, owner)
    for purse in tables.values["purses"]:
        assert purse.owed == splitter.owed(owner, purse.coin)


async def test_what_the_contract_refuses_is_said_before_a_wallet_is_asked(desk, market):
    owner, ann = market.chain.accounts[6], market.chain.accounts[7]
    await desk.confirm("new", owner, form((owner, "", "100")))
    splitter = await splitter_of(desk, owner)
    page = await desk.post(
        f"splitter/{splitter.address}/recipients", owner, form((splitter.address, "", "100"))
    )
    assert str(page.values["error"]).startswith("A recipient cannot be nobody or the splitter itself")
    assert splitter.recipients() == ((owner, 10_000, ""),)
    stranger = await desk.post(f"splitter/{splitter.address}/distribute", ann, {"coin": market.coin.address})
    assert stranger.status == 403
    factory_coin = await desk.post("new", owner, form((owner, "", "100"), coin=market.store.address))
    assert "cannot be read" in str(factory_coin.values["error"])


async def test_an_owner_who_gave_it_away_is_one_no_more(desk, market):
    owner, heir = market.chain.accounts[6], market.chain.accounts[8]
    await desk.confirm("new", owner, form((heir, "", "100")))
    splitter = await splitter_of(desk, owner)
    splitter.transferOwnership(heir, by=owner)
    splitter.acceptOwnership(by=heir)
    assert (await desk.get(f"splitter/{splitter.address}/recipients", owner)).status == 403
    assert (await desk.get(f"splitter/{splitter.address}", owner)).status == 403
    assert splitter.address not in [
        one.splitter.address for one in (await desk.get("", owner)).values["splitters"]
    ]
    assert (await desk.get(f"splitter/{splitter.address}/recipients", heir)).status == 200


async def test_a_split_of_0xsplits_is_read_as_a_films_receiver(desk, market):
    evm = market.chain
    ann, ben = evm.accounts[1:3]
    foreign = evm.deploy("ForeignSplit", ([ann, ben], [666_667, 333_333], 1_000_000, 0))
    assert (await desk.get("films", ann, address=foreign.address)).values["looked"].kind == "unread"
    market.new_film(92, receiver=foreign.address)
    foreign.pretend(([evm.accounts[9]], [1], 1, 0))
    await desk.read_on()
    looked = (await desk.get("films", ann, address=foreign.address)).values["looked"]
    assert (looked.kind, [(share.account, share.basis_points) for share in looked.shares]) == (
        "split",
        [(ann, 6_667), (ben, 3_333)],
    )
    kinds = {
        "wallet": ann,
        "unknown": market.store.address,
    }
    for kind, address in kinds.items():
        assert (await desk.get("films", ann, address=address)).values["looked"].kind == kind
    own = (await desk.get("films", market.owner)).values["films"]
    assert {film.royalty.kind for film in own} >= {"wallet", "split"}
