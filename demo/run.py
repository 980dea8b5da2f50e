"""`make demo`: the command that starts everything, shows where it is, and stops everything."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import socket
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from demo import demo_chain
from demo.child_processes import STOP_DEADLINE
from demo.claim_owner import claim
from demo.demo_publisher import Publisher, publish_once
from demo.demo_servers import answers, holder_settings, publisher_settings, server
from demo.demo_state import State, load_state, save_state
from demo.film_maker import film_maker
from demo.scenario import BEGIN, deploy_market, seed_chain
from demo.seed_history import DAY
from demo.seed_market import SeedMarket
from wylloh_server.cli.banner import qr_text
from wylloh_server.cli.listen_addresses import lan_address
from wylloh_server.domain.errors import SettingsError
from wylloh_server.domain.types import parse_wallet

if TYPE_CHECKING:
    from types import FrameType

    from demo.child_processes import Child
    from demo.demo_chain import DemoAccounts


@click.command()
@click.option("--film", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="One of your own.")
@click.option("--port", default=8484, type=click.IntRange(1, 65535), help="Port of the holder's server.")
@click.option(
    "--folder", default=".demo", type=click.Path(path_type=Path), help="Where the demo keeps things."
)
@click.option("--name", default="Wylloh demo", help="What the holder's server is called.")
@click.option(
    "--lease-seconds",
    default=60.0,
    type=click.FloatRange(1),
    help="How often the right to watch is checked again while a film plays.",
)
def command(film: Path | None, port: int, folder: Path, name: str, lease_seconds: float) -> None:
    """See everything work on this machine: chain, publisher, holder, six films and three months of trade."""
    _need_free(port)
    home = (folder / str(port)).absolute()
    home.mkdir(parents=True, exist_ok=True)
    cast = demo_chain.accounts()
    for number in (signal.SIGINT, signal.SIGTERM):  # both tidy up, also where a shell had Ctrl-C ignored
        signal.signal(number, _stop)
    try:
        with ExitStack() as stack:
            _run(stack, home, cast, _Options(film, port, name, lease_seconds))
    except KeyboardInterrupt:
        click.echo("\nEverything has stopped. Another `make demo` goes on from here.")


@dataclass(frozen=True, slots=True)
class _Options:
    """What was asked for on the command line."""

    film: Path | None
    port: int
    name: str
    lease_seconds: float


def _run(stack: ExitStack, home: Path, cast: DemoAccounts, options: _Options) -> None:
    port = options.port
    films = stack.enter_context(film_maker(home.parent, home / "films.log"))
    rpc, state = _chain(stack, home, cast)
    market = SeedMarket.read(state.market)
    settings = demo_chain.chain_settings(rpc, market)
    gateway = f"http://127.0.0.1:{state.publisher_port}"
    publisher = publisher_settings(home, settings, state.publisher_port)
    publishing = stack.enter_context(server("publisher", publisher, gateway))
    _say("publisher", gateway)
    buyer = parse_wallet(cast.full.address)
    stage = Publisher(home, films, publisher, cast.publisher, buyer, rpc, market.splitter)
    _publish(stage, state, market, options.film)
    public = f"http://{lan_address()}:{port}"
    about = {"name": options.name, "port": port, "public_url": public}
    playback = {"lease_seconds": options.lease_seconds}
    wallets = {"node": rpc} | demo_chain.named_wallets(cast)
    holder = holder_settings(home, settings, about, gateway, wallets=wallets, playback=playback)
    holding = stack.enter_context(server("holder", holder, f"http://127.0.0.1:{port}"))
    _claim(holding, f"http://127.0.0.1:{port}", public, cast)
    _say("holder", public)
    holding.wait_for(lambda: answers(f"http://127.0.0.1:{port}/healthz"), seconds=300)
    _say("film", "here, verified, its key received")
    _welcome(public, port)
    for one in (publishing, holding):
        stack.callback(one.ask_to_stop)
    _watch(holding, publishing)


def _chain(stack: ExitStack, home: Path, cast: DemoAccounts) -> tuple[str, State]:
    """Go on with the chain of an earlier demo; begin again when there is none, or it is not what it was."""
    state = load_state(home)
    if state is not None:
        with ExitStack() as trial:
            rpc = trial.enter_context(demo_chain.running_chain(home))
            if asyncio.run(demo_chain.still_there(rpc, state.contract, state.block)):
                stack.push(trial.pop_all())
                _say("chain", f"{rpc}, registry {state.contract}")
                return rpc, state
    for name in ("publisher", "holder"):
        shutil.rmtree(home / name, ignore_errors=True)
    for name in ("chain.json", "demo.json"):
        (home / name).unlink(missing_ok=True)
    rpc = stack.enter_context(demo_chain.running_chain(home, int(time.time() - BEGIN * DAY)))
    market = deploy_market(rpc, cast)
    _say("chain", f"{rpc}, registry {market.registry}")
    return rpc, State(market.registry, _free_port(), 1, market.stored())


def _publish(stage: Publisher, state: State, market: SeedMarket, film: Path | None) -> None:
    """Publish what is not on the chain yet: the catalogue with its past, then a film of one's own."""
    if not state.published:
        _say("films", "drawing six landscapes, and three months of trade (about a minute) …")
        tokens, block = seed_chain(stage, market, _say)
        for key, token in tokens.items():
            state = state.with_film(key, str(token), block)
        save_state(stage.home, state)
    if film is not None:
        _say("published", publish_once(stage, state, film.absolute()))


def _claim(holder: Child, url: str, origin: str, cast: DemoAccounts) -> None:
    """Make the demo wallet the owner of the holder's server, and the publisher a publisher there."""
    code = re.search(r"claim=([A-Z0-9]+)", holder.said())
    if code:
        claim(url, origin, cast.full, code[1], cast.publisher.address)


def _welcome(public: str, port: int) -> None:
    click.echo(
        f"\nOpen {click.style(f'http://localhost:{port}', bold=True)} here, or {public} on your network."
    )
    click.echo(f"On a TV open {public}/tv. To pair a phone, scan this:\n")
    click.echo(qr_text(public))
    click.echo("Ctrl-C stops everything.")


def _watch(*children: Child) -> None:
    """Wait until somebody presses Ctrl-C, or something dies."""
    while True:
        for one in children:
            one.check()
        time.sleep(1)


def _stop(number: int, frame: FrameType | None) -> None:
    """Stop everything; pressed again, it changes nothing: what stops has its bounds."""
    STOP_DEADLINE.begin()
    for again in (signal.SIGINT, signal.SIGTERM):
        signal.signal(again, signal.SIG_IGN)
    signal.default_int_handler(number, frame)


def _need_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104 - where the holder will listen
        except OSError:
            raise SettingsError(
                f"port {port} is in use", fix=f"Stop what uses it, or type: make demo PORT={port + 100}"
            ) from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _say(what: str, text: str) -> None:
    click.echo(f"  {click.style(f'{what:<10}', bold=True)} {text}")
    sys.stdout.flush()
