"""Royalties on a real chain: made, changed, divided and paid out by what the plugin proposes."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from contextlib import closing

import pytest
from eth_utils.crypto import keccak
from real_chain import royalties_on, viewer

from tests.components import shares as reference_shares
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
async def royalties_client(node, market, factory, tmp_path):
    async with royalties_on(node.url, market, factory, tmp_path) as royalties_client:
        yield royalties_client


def form(*lines, do="propose", **more):
    names = ("account", "role", "share")
    columns = [list(column) for column in zip(*lines, strict=True)]
    return dict(zip(names, columns, strict=True)) | {"do": do} | more


async def splitter_of(royalties_client, owner):
    page = await royalties_client.get("", owner)
    return royalties_client.evm.at("RoyaltySplitter", page.values["splitters"][0].splitter.address)


def expected_statements(evm, splitter):
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


async def statement_rows(royalties_client, splitter, who, by):
    """Give the credits and payouts of somebody's CSV of all years: coin → rows; and the closing balances."""
    reply = await royalties_client.get(
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


async def new_splitter(royalties_client, market, owner, people):
    """Have the owner make a splitter for three people, and check that it is as typed."""
    ann, ben, cyn = people
    lines = (ann, "director", "33.33"), (ben, "music", "33.33"), (cyn, "Ton & Bild, “Öl”", "3334 bp")
    await royalties_client.confirm("new", owner, form(*lines, coin=market.coin.address))
    splitter = await splitter_of(royalties_client, owner)
    assert splitter.owner() == owner
    assert splitter.coins() == (market.coin.address,)
    assert [role for _, _, role in splitter.recipients()] == ["director", "music", "Ton & Bild, “Öl”"]
    assert [one.splitter.address for one in (await royalties_client.get("", ann)).values["splitters"]] == [
        splitter.address
    ]
    return splitter


def income(market, splitter):
    """A sale, a resale, and transfers of a coin and of the chain's own; gives what the film brings in."""
    film, coin = market.new_film(91, receiver=splitter.address), market.coin
    market.registry.mint(market.store, film, 50)
    market.set_offer(film, market.offer(payee=splitter.address))
    market.buy(7, 2**255, film=film, by=market.people[0])
    market.list(film, 3, coin, 1_000_003, by=market.people[0])
    listing = 1
    market.buy_listed(listing, 3, 2**255, by=market.people[1])
    coin.mint(splitter, 1_000_001)
    market.chain.send(splitter.address, value=10**18 + 1)
    sale, royalty = 7 * 5_000_000 * 9_750 // 10_000, 3 * 1_000_003 * 500 // 10_000
    return sale + royalty


async def earned_is_shown(royalties_client, splitter, who, of_film):
    page = await royalties_client.get(f"splitter/{splitter.address}", who)
    earned = {line.title: line.together for line in page.values["earned"]}
    known = next(iter({line.together for line in page.values["earned"] if line.sales}))
    assert known == f"{of_film / 10**6:.6f}".rstrip("0") + " dUSD"
    assert earned["Other transfers"] in ("1.000001 dUSD", "1.000000000000000001 ETH")


async def divided_and_taken_out(royalties_client, splitter, coin, people):
    ann, ben, _ = people
    path, pending = f"splitter/{splitter.address}", splitter.pending(coin)
    await royalties_client.confirm(f"{path}/distribute", ben, {"coin": coin.address})
    foretold = reference_shares.divided(pending, [3_333, 3_333, 3_334])
    assert [splitter.owed(who, coin) for who in people] == foretold
    before = coin.balanceOf(ann)
    await royalties_client.confirm(f"{path}/withdraw", ann, {"coin": coin.address})
    assert coin.balanceOf(ann) == before + foretold[0]


async def changed_and_divided(royalties_client, splitter, coin, owner, people):
    ann, _, cyn = people
    path = f"splitter/{splitter.address}"
    coin.mint(splitter, 999_999)  # comes before the change, and is divided the old way
    await royalties_client.confirm(
        f"{path}/recipients", owner, form((ann, "director", "1"), (owner, "producer", "99"))
    )
    assert splitter.pending(coin) == splitter.pending(NATIVE_COIN) == 0
    coin.mint(splitter, 12_345_679)
    await royalties_client.confirm(f"{path}/distribute", owner, {"coin": coin.address})
    await royalties_client.confirm(f"{path}/withdraw", cyn, {"coin": NATIVE_COIN})  # no recipient any more


async def everybody_s_statement_is_right(royalties_client, splitter, truth):
    for who in truth:
        rows, closings = await statement_rows(royalties_client, splitter, who, by=who)
        assert rows == truth[who]
        assert closings == {one: splitter.owed(who, one) for one in truth[who]}
        assert closings == {one: sum(row[-1] for row in parts) for one, parts in truth[who].items()}


async def the_whole_statement_is_right(royalties_client, market, splitter, owner, truth):
    coin = market.coin
    everything, closings = await statement_rows(royalties_client, splitter, "all", by=owner)
    for one in (coin.address, NATIVE_COIN):
        whole = sorted(row for who in truth for row in truth[who][one])
        assert sorted(everything[one]) == whole
        held = coin.balanceOf(splitter) if one == coin.address else market.chain.balance(splitter.address)
        assert closings[one] == held
    tables = await royalties_client.get(f"splitter/{splitter.address}", owner)
    for balance in tables.values["balances"]:
        assert balance.owed == splitter.owed(owner, balance.coin)


async def test_from_making_it_to_the_last_unit(royalties_client, market):
    owner, *people = market.chain.accounts[5:9]
    splitter = await new_splitter(royalties_client, market, owner, people)
    of_film = income(market, splitter)
    await royalties_client.read_on()
    await earned_is_shown(royalties_client, splitter, people[0], of_film)
    await divided_and_taken_out(royalties_client, splitter, market.coin, people)
    await changed_and_divided(royalties_client, splitter, market.coin, owner, people)
    truth = expected_statements(market.chain, splitter)
    assert set(truth) == {owner, *people}
    await everybody_s_statement_is_right(royalties_client, splitter, truth)
    await the_whole_statement_is_right(royalties_client, market, splitter, owner, truth)


async def test_a_splitter_of_an_earlier_release_goes_on_working(node, market, tmp_path):
    """It divides, pays out and is changed as before; what it does not promise is said (decision 41)."""
    evm, coin = market.chain, market.coin
    owner, ann, ben = evm.accounts[5:8]
    factory = evm.deploy("EarlierRoyaltySplitterFactory")
    async with royalties_on(node.url, market, factory, tmp_path) as client:
        await client.confirm(
            "new", owner, form((ann, "director", "60"), (ben, "music", "40"), coin=coin.address)
        )
        page = await client.get("", owner)
        splitter = evm.at("EarlierRoyaltySplitter", page.values["splitters"][0].splitter.address)
        path = f"splitter/{splitter.address}"
        coin.mint(splitter, 1_000_000)
        await client.confirm(f"{path}/distribute", owner, {"coin": coin.address})
        assert [splitter.owed(who, coin) for who in (ann, ben)] == [600_000, 400_000]
        before = coin.balanceOf(ann)
        await client.confirm(f"{path}/withdraw", ann, {"coin": coin.address})
        assert coin.balanceOf(ann) - before == 600_000
        coin.mint(splitter, 10)
        went = await client.post(f"{path}/recipients", owner, form((ben, "music", "100")))
        found = await client.transactions.get(viewer(owner).wallet, went.to.rpartition("/")[2])
        assert "This splitter is of an earlier release" in found.proposal.explanation[-1]
        await client.confirm(f"{path}/recipients", owner, form((ben, "music", "100")))
        assert [splitter.owed(who, coin) for who in (ann, ben)] == [6, 400_004], "divided the old way first"
        coin.mint(splitter, 10)
        await client.confirm(f"{path}/distribute", owner, {"coin": coin.address})
        assert [splitter.owed(who, coin) for who in (ann, ben)] == [6, 400_014]
        rows, closings = await statement_rows(client, splitter, ben, by=ben)
        assert closings == {coin.address: 400_014}


async def test_what_the_contract_refuses_is_said_before_a_wallet_is_asked(royalties_client, market):
    owner, ann = market.chain.accounts[6], market.chain.accounts[7]
    await royalties_client.confirm("new", owner, form((owner, "", "100")))
    splitter = await splitter_of(royalties_client, owner)
    page = await royalties_client.post(
        f"splitter/{splitter.address}/recipients", owner, form((splitter.address, "", "100"))
    )
    assert str(page.values["error"]).startswith("A recipient cannot be nobody or the splitter itself")
    assert splitter.recipients() == ((owner, 10_000, ""),)
    stranger = await royalties_client.post(
        f"splitter/{splitter.address}/distribute", ann, {"coin": market.coin.address}
    )
    assert stranger.status == 403
    factory_coin = await royalties_client.post(
        "new", owner, form((owner, "", "100"), coin=market.store.address)
    )
    assert "cannot be read" in str(factory_coin.values["error"])


async def test_an_owner_who_gave_it_away_is_one_no_more(royalties_client, market):
    owner, heir = market.chain.accounts[6], market.chain.accounts[8]
    await royalties_client.confirm("new", owner, form((heir, "", "100")))
    splitter = await splitter_of(royalties_client, owner)
    splitter.transferOwnership(heir, by=owner)
    splitter.acceptOwnership(by=heir)
    assert (await royalties_client.get(f"splitter/{splitter.address}/recipients", owner)).status == 403
    assert (await royalties_client.get(f"splitter/{splitter.address}", owner)).status == 403
    assert splitter.address not in [
        one.splitter.address for one in (await royalties_client.get("", owner)).values["splitters"]
    ]
    assert (await royalties_client.get(f"splitter/{splitter.address}/recipients", heir)).status == 200


async def test_a_split_of_0xsplits_is_read_as_a_films_receiver(royalties_client, market):
    evm = market.chain
    ann, ben = evm.accounts[1:3]
    foreign = evm.deploy("ForeignSplit", ([ann, ben], [666_667, 333_333], 1_000_000, 0))
    assert (await royalties_client.get("films", ann, address=foreign.address)).values[
        "looked"
    ].kind == "unread"
    market.new_film(92, receiver=foreign.address)
    foreign.pretend(([evm.accounts[9]], [1], 1, 0))
    await royalties_client.read_on()
    looked = (await royalties_client.get("films", ann, address=foreign.address)).values["looked"]
    assert (looked.kind, [(share.account, share.basis_points) for share in looked.shares]) == (
        "split",
        [(ann, 6_667), (ben, 3_333)],
    )
    kinds = {
        "wallet": ann,
        "unknown": market.store.address,
    }
    for kind, address in kinds.items():
        assert (await royalties_client.get("films", ann, address=address)).values["looked"].kind == kind
    own = (await royalties_client.get("films", market.owner)).values["films"]
    assert {film.royalty.kind for film in own} >= {"wallet", "split"}
