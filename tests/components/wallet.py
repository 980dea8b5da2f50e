"""A small EIP-1193 wallet for Chromium tests: real signatures, really sent to a real chain.

    wallet = Wallet(chain.url, ACCOUNTS[1])
    await wallet.join(context)              # every page of the context finds it (EIP-6963)

It lives in the test's own process, so a test sees what it was asked and decides what it does: it may refuse,
wait, know other chains, or use another account. Nothing of it is part of the product.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from eth_account.messages import encode_defunct, encode_typed_data
from eth_account.signers.local import LocalAccount

SCRIPT = (Path(__file__).parent / "wallet.js").read_text()
REJECTED = 4001
UNKNOWN_CHAIN = 4902
UNAUTHORIZED = 4100
UNSUPPORTED = 4200
_LOOKS = 100
ASKING = {"eth_requestAccounts", "personal_sign", "eth_signTypedData_v4", "eth_sendTransaction"}
"""What a real wallet asks its owner about."""


class WalletError(Exception):
    """What the page gets instead of an answer: a code of EIP-1193 and some words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """What a page asked."""

    method: str
    params: Any


@dataclass
class Wallet:
    """One wallet with one or more accounts.

    Attributes:
        rpc: the chain it sends to.
        accounts: those it shows to pages; the first is the one in use.
        chain_id: the chain it is on; `chains` are those it knows.
        requests: everything it was asked, in order.
        refuses: methods to which its owner says no.
        sent: hashes of what it sent, in order.
        gas_price: of what it sends next, in wei; None takes a little more than the chain wants.
        gas: given to what it sends next; None asks the chain, which may see what others have sent.
    """

    rpc: str
    accounts: list[LocalAccount]
    chain_id: int = 31337
    chains: set[int] = field(default_factory=lambda: {31337})
    name: str = "Test Wallet"
    connected: bool = True
    requests: list[Request] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    sent: list[str] = field(default_factory=list)
    gas_price: int | None = None
    gas: int | None = None
    _answering: asyncio.Event = field(default_factory=asyncio.Event)
    _pages: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._answering.set()

    async def join(self, context) -> None:
        """Let every page of a browser context find this wallet."""
        await context.expose_binding("__walletAsked", self._asked)
        await context.add_init_script(SCRIPT.replace('"__NAME__"', json.dumps(self.name)))
        context.on("page", lambda page: self._pages.append(page))
        self._pages += context.pages

    def asked(self, method: str) -> list[Any]:
        """Give the parameters of every request of a method."""
        return [request.params for request in self.requests if request.method == method]

    @contextmanager
    def thinking(self):
        """Let its owner look at the question until the context ends."""
        self._answering.clear()
        try:
            yield
        finally:
            self._answering.set()

    async def use(self, account: LocalAccount) -> None:
        """Let its owner choose another account."""
        self.accounts = [account]
        await self._tell("accountsChanged", [account.address])

    async def switch(self, chain_id: int) -> None:
        """Let its owner choose another chain."""
        self.chain_id = chain_id
        self.chains.add(chain_id)
        await self._tell("chainChanged", hex(chain_id))

    async def speed_up(self, sent: str) -> str:
        """Send the same once more with the same number for a higher fee; gives the new hash."""
        return await self._replace(sent, keep=True)

    async def cancel(self, sent: str) -> str:
        """Put an empty transaction in the place of one that waits; gives its hash."""
        return await self._replace(sent, keep=False)

    async def request(self, method: str, params: Any = None) -> Any:
        """Answer as to a page."""
        self.requests.append(Request(method, params))
        if method in ASKING:
            await self._answering.wait()
        if method in self.refuses:
            raise WalletError(REJECTED, "User rejected the request.")
        handler = getattr(self, f"_{method}", None)
        if handler is None:
            raise WalletError(UNSUPPORTED, f"{method} is not supported")
        return await handler(*(params or []))

    async def _asked(self, _source, method: str, params: Any) -> dict[str, Any]:
        try:
            return {"result": await self.request(method, params)}
        except WalletError as error:
            return {"error": {"code": error.code, "message": str(error)}}

    async def _tell(self, event: str, value: Any) -> None:
        for page in self._pages:
            if not page.is_closed():
                await page.evaluate(
                    "([event, value]) => window.__walletTells?.(event, value)", [event, value]
                )

    async def _eth_chainId(self) -> str:
        return hex(self.chain_id)

    async def _eth_accounts(self) -> list[str]:
        return [account.address for account in self.accounts] if self.connected else []

    async def _eth_requestAccounts(self) -> list[str]:
        self.connected = True
        return await self._eth_accounts()

    async def _wallet_switchEthereumChain(self, chain: dict[str, str]) -> None:
        wanted = int(chain["chainId"], 16)
        if wanted not in self.chains:
            raise WalletError(UNKNOWN_CHAIN, "Unrecognized chain ID.")
        await self.switch(wanted)

    async def _wallet_addEthereumChain(self, chain: dict[str, Any]) -> None:
        assert chain["rpcUrls"] and chain["chainName"] and chain["nativeCurrency"]["decimals"] == 18
        await self.switch(int(chain["chainId"], 16))

    async def _personal_sign(self, text: str, address: str) -> str:
        message = encode_defunct(hexstr=text)
        return "0x" + bytes(self._account(address).sign_message(message).signature).hex()

    async def _eth_signTypedData_v4(self, address: str, data: str) -> str:
        message = encode_typed_data(full_message=json.loads(data))
        return "0x" + bytes(self._account(address).sign_message(message).signature).hex()

    async def _eth_sendTransaction(self, call: dict[str, str]) -> str:
        account = self._account(call["from"])
        whole = {
            "to": bytes.fromhex(call["to"][2:]),
            "data": call.get("data", "0x"),
            "value": int(call.get("value", "0x0"), 16),
            "nonce": int(await self._rpc("eth_getTransactionCount", account.address, "pending"), 16),
            "gas": self.gas or int(await self._rpc("eth_estimateGas", call), 16) * 6 // 5,
        }
        return await self._send(account, whole)

    async def _replace(self, sent: str, *, keep: bool) -> str:
        before = await self._rpc("eth_getTransactionByHash", sent)
        account = self._account(before["from"])
        whole = {
            "to": bytes.fromhex((before["to"] if keep else account.address)[2:]),
            "data": before["input"] if keep else "0x",
            "value": int(before["value"], 16) if keep else 0,
            "nonce": int(before["nonce"], 16),
            "gas": int(before["gas"], 16),
        }
        self.gas_price = int(before["gasPrice"], 16) * 2
        return await self._send(account, whole)

    async def _send(self, account: LocalAccount, whole: dict[str, Any]) -> str:
        price = self.gas_price or await self._price()
        signed = account.sign_transaction({**whole, "gasPrice": price, "chainId": self.chain_id})
        sent = await self._rpc("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
        self.sent.append(sent)
        await self._mined(sent)
        return sent

    async def _mined(self, sent: str) -> None:
        """Wait for the block of a chain that mines by itself: it answers a little before it mines."""
        for _ in range(_LOOKS if await self._rpc("anvil_getAutomine") else 0):
            if await self._rpc("eth_getTransactionReceipt", sent):
                return
            await asyncio.sleep(0.02)

    async def _price(self) -> int:
        """Twice the base fee and a tip. Not what the node suggests: that follows what was paid last."""
        newest = await self._rpc("eth_getBlockByNumber", "latest", False)
        return 2 * int(newest["baseFeePerGas"], 16) + 10**9

    def _account(self, address: str) -> LocalAccount:
        for account in self.accounts:
            if account.address.lower() == address.lower():
                return account
        raise WalletError(UNAUTHORIZED, "The requested account has not been authorized by the user.")

    async def _rpc(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        async with aiohttp.ClientSession() as session, session.post(self.rpc, json=body) as reply:
            answer = await reply.json()
        if "error" in answer:
            raise WalletError(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]
