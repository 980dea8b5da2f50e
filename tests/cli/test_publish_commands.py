"""`wylloh film publish` with a key store file and with a browser wallet, on a real chain."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import subprocess

import pytest
from eth_account import Account

from tests.components.films import make_film
from tests.components.jsipfs import jsipfs, node_block
from tests.components.registry import open_pool
from tests.components.server import WYLLOH, clean_environment, server_settings, wylloh
from tests.components.environment import (
    PASSWORD,
    PUBLISHER,
    TIERS,
    publish,
    published,
    publisher_settings,
    signing_files,
)
from wylloh_server.adapters.chain import ChainLogReader
from wylloh_server.domain.chain_events import Contracts, FilmCreated, PackageChanged, RegisteredFilm
from wylloh_server.domain.types import BlockNumber, parse_wallet

WORDS = ("--title", "A Long Evening", "--supply", "1000")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("film") / "evening.mp4", 4, title="PLAINTEXT-MARKER")


@pytest.fixture(scope="module")
def signing(tmp_path_factory):
    return signing_files(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def server_under_test(tmp_path, chain):
    """Settings of a publisher's server, which does not run."""
    return publisher_settings(tmp_path, chain)


def registered(chain) -> dict:
    """The films on the chain, by token."""

    async def ask():
        async with open_pool(chain.rpc, contract=chain.contract) as pool:
            reader = ChainLogReader(pool, chain.contract, Contracts(chain.contract, None, None))
            read, found = None, []
            while read := await reader.read(BlockNumber(0 if read is None else read.last.number + 1), ()):
                found += read.events
            return found

    events = asyncio.run(ask())
    packages = {event.token: event for event in events if isinstance(event, PackageChanged)}
    return {
        film.token: RegisteredFilm(
            film.token,
            packages[film.token].root,
            packages[film.token].manifest_sha256,
            film.publisher,
            film.max_supply,
        )
        for film in events
        if isinstance(film, FilmCreated)
    }


def refused(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout == ""
    assert code == 2 or 1 <= len(done.stderr.splitlines()) <= 2
    return done.stderr


def staged(tmp_path) -> list[str]:
    folder = tmp_path / "data" / "staging"
    return sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []


def test_with_a_key_store_file(tmp_path, chain, server_under_test, film, signing):
    done = publish(server_under_test, film, signing, "--year", "1999", "--royalty", "5")
    assert done.stderr == ""
    said = published(done)
    found = registered(chain)[said.token]
    assert (found.root, found.publisher, found.max_supply) == (
        said.root,
        parse_wallet(PUBLISHER.address),
        1000,
    )
    assert staged(tmp_path) == []
    everything = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert b"PLAINTEXT-MARKER" not in everything
    assert b"PLAINTEXT-MARKER" in film.read_bytes()


def test_a_wrong_password(tmp_path, chain, server_under_test, film, signing):
    before = registered(chain)
    signing.password.write_text("not this one")
    try:
        assert "the password does not open" in refused(publish(server_under_test, film, signing))
    finally:
        signing.password.write_text(PASSWORD)
    assert registered(chain) == before
    assert staged(tmp_path) == []


def test_a_royalty_for_the_registry_itself_is_refused_before_anything_is_encrypted(
    tmp_path, chain, server_under_test, film, signing
):
    words = "--royalty", "5", "--royalty-to", chain.contract
    assert "stays there for good" in refused(publish(server_under_test, film, signing, *words))
    assert staged(tmp_path) == []


def test_a_file_that_is_no_key_store(tmp_path, server_under_test, film, signing):
    files = signing_files(tmp_path / "keys")
    files.keystore.write_text('{"version": 1}')
    assert "not an Ethereum key store file" in refused(publish(server_under_test, film, files))


@pytest.mark.parametrize("content", [b"", b"A diary.\n" * 500, b"#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd\n"])
def test_a_file_that_is_no_film(tmp_path, chain, server_under_test, signing, content):
    before = registered(chain)
    (tmp_path / "film.mp4").write_bytes(content)
    assert "registry" not in refused(publish(server_under_test, tmp_path / "film.mp4", signing))
    assert registered(chain) == before
    assert staged(tmp_path) == []


def test_a_poster_that_is_no_picture(tmp_path, server_under_test, film, signing):
    (tmp_path / "poster.jpg").write_text("A diary")
    words = refused(publish(server_under_test, film, signing, "--poster", str(tmp_path / "poster.jpg")))
    assert "not a JPEG" in words
    assert staged(tmp_path) == []


def test_a_chain_that_is_down_is_found_out_before_the_work(tmp_path, film, signing):
    chain = {"rpc": ["http://127.0.0.1:9"], "contract": "0x" + "11" * 20}
    settings = server_settings(tmp_path, server={"public_url": "http://127.0.0.1:1"}, chain=chain)
    assert "cannot be reached" in refused(publish(settings, film, signing))
    assert not (tmp_path / "data" / "staging").exists()


def test_no_chain_at_all(tmp_path, film, signing):
    words = refused(publish(server_settings(tmp_path), film, signing))
    assert "chain.rpc" in words


def test_no_address_for_holders(tmp_path, chain, film, signing):
    settings = server_settings(tmp_path, chain=chain.settings)
    assert "server.public_url" in refused(publish(settings, film, signing))


def test_an_account_that_may_not_publish(tmp_path, chain, server_under_test, film):
    stranger = signing_files(tmp_path / "keys", Account.create())
    before = registered(chain)
    assert "publisher role" in refused(publish(server_under_test, film, stranger))
    assert registered(chain) == before


@pytest.mark.parametrize(
    ("tier", "said"),
    [
        ("many:personal", "100:small-venue:50 seats"),
        ("100", "100:small-venue:50 seats"),
        ("100:Small Venue", "100:small-venue:50 seats"),
        ("100:small-venue:fifty", "50 seats"),
        ("100:streaming:Germany", "DE,AT,CH"),
    ],
)
def test_a_tier_that_cannot_be_read(server_under_test, film, signing, tier, said):
    done = wylloh(
        "film", "publish", film, "--config", server_under_test, *signing.words, *WORDS, "--tier", tier
    )
    assert said in refused(done, 2)


@pytest.mark.parametrize("tiers", [["0:personal"], ["100:small-venue", "1:personal"], ["1:a", "1:b"]])
def test_a_ladder_that_is_none(tmp_path, server_under_test, film, signing, tiers):
    words = [part for tier in tiers for part in ("--tier", tier)]
    refused(wylloh("film", "publish", film, "--config", server_under_test, *signing.words, *WORDS, *words))
    assert staged(tmp_path) == []


def test_neither_key_store_nor_wallet_and_both(server_under_test, film, signing):
    command = ["film", "publish", film, "--config", server_under_test, *WORDS, *TIERS]
    assert "--keystore" in refused(wylloh(*command), 2)
    assert "--wallet" in refused(wylloh(*command, *signing.words, "--wallet", PUBLISHER.address), 2)
    refused(wylloh(*command, "--wallet", "0x12"))


def test_with_a_browser_wallet(tmp_path, chain, server_under_test, film):
    genres = ["--genre", "Drama", "--genre", "Film noir"]
    wallet = ["--wallet", PUBLISHER.address]
    command = ["film", "publish", film, "--config", server_under_test, *WORDS, *genres, *TIERS, *wallet]
    prepared = wylloh(*command)
    assert prepared.returncode == 0, prepared
    (manifest,) = (tmp_path / "data" / "staging").glob("*/manifest.json")
    assert json.loads(manifest.read_bytes())["genres"] == ["Drama", "Film noir"]
    request = json.loads(prepared.stdout)
    assert request["method"] == "eth_signTypedData_v4"
    assert request["params"][0] == parse_wallet(PUBLISHER.address)
    token = prepared.stderr.split("film signed ")[1].split()[0]

    typed = json.loads(request["params"][1])
    forged = Account.create().sign_typed_data(full_message=typed).signature.to_0x_hex()
    assert "did not sign" in refused(wylloh("film", "signed", token, forged, "--config", server_under_test))
    signature = PUBLISHER.sign_typed_data(full_message=typed).signature.to_0x_hex()
    done = wylloh("film", "signed", token, signature, "--config", server_under_test)
    assert done.returncode == 0, done
    sending = json.loads(done.stdout)
    assert sending["method"] == "eth_sendTransaction"
    assert token not in map(str, registered(chain))

    asyncio.run(_send_as_a_wallet_does(chain, sending["params"][0]))
    assert token in map(str, registered(chain))


def test_a_signature_for_nothing(server_under_test):
    token = f"eip155:31337/erc1155:0x{'11' * 20}/7"
    assert "nothing is prepared" in refused(
        wylloh("film", "signed", token, "0x00", "--config", server_under_test)
    )
    refused(wylloh("film", "signed", "no token", "0x00", "--config", server_under_test))


async def _send_as_a_wallet_does(chain, transaction: dict) -> None:
    """Choose nonce and fees, sign with the account's own key, send, and wait for the receipt."""
    async with open_pool(chain.rpc) as pool:
        nonce = await pool.request("eth_getTransactionCount", [PUBLISHER.address, "pending"])
        plain = {name: value for name, value in transaction.items() if name != "from"}
        plain |= {"nonce": nonce, "chainId": 31337, "to": _checksummed(plain["to"])}
        plain |= {"maxFeePerGas": hex(10**11), "maxPriorityFeePerGas": hex(10**9), "type": "0x2"}
        raw = PUBLISHER.sign_transaction(plain).raw_transaction.to_0x_hex()
        sent = await pool.request("eth_sendRawTransaction", [raw])
        while (receipt := await pool.request("eth_getTransactionReceipt", [sent])) is None:
            await asyncio.sleep(0.1)
        assert receipt["status"] == "0x1"


def _checksummed(address: str) -> str:
    from eth_utils import to_checksum_address

    return to_checksum_address(address)


def test_bars_are_drawn_on_a_terminal(server_under_test, film, signing):
    ours, theirs = pty.openpty()
    words = [
        *WYLLOH,
        "film",
        "publish",
        str(film),
        "--config",
        str(server_under_test),
        *signing.words,
        *WORDS,
        *TIERS,
    ]
    process = subprocess.Popen(
        words,
        stderr=theirs,
        stdout=subprocess.PIPE,
        env=clean_environment(TERM="xterm", COLUMNS="100"),
        text=True,
    )
    os.close(theirs)
    drawn = _all_of(ours)
    said, _ = process.communicate()
    assert process.returncode == 0, drawn
    assert "Encrypting" in drawn
    assert "Building the package" in drawn
    assert "100%" in drawn
    assert said.startswith("Published A Long Evening\n")
    assert "wylloh backup keeps it safe" in said


def _all_of(terminal: int) -> str:
    said = b""
    try:
        while piece := os.read(terminal, 65536):
            said += piece
    except OSError:  # how Linux says that nobody writes there any more
        pass
    os.close(terminal)
    return said.decode()


@pytest.mark.filterwarnings("ignore:The 'strict' parameter is no longer needed:FutureWarning")
def test_it_is_pinned_on_the_ipfs_node(tmp_path, chain, film, signing):
    with jsipfs() as address:
        settings = publisher_settings(tmp_path, chain, ipfs={"node_rpc": address})
        done = publish(settings, film, signing)
        assert done.stderr == ""
        root = published(done).root
        assert node_block(address, root)


def test_an_ipfs_node_that_is_down_undoes_nothing(tmp_path, chain, film, signing):
    settings = publisher_settings(tmp_path, chain, ipfs={"node_rpc": "/ip4/127.0.0.1/tcp/9"})
    done = publish(settings, film, signing)
    said = published(done)
    assert "IPFS node" in done.stderr
    assert "Traceback" not in done.stderr
    assert said.token in registered(chain)
