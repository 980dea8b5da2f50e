"""`wylloh film publish`: encrypt a film, sign its manifest, register it on the chain.

The publisher's key is either a key store file named for this one command, or never seen at all: then the
command prepares what a browser wallet signs (`--wallet`), and after that what it sends (`--signed`).
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wylloh_server.cli.option_types import SUBTITLES, TIER
from wylloh_server.cli.progress_bar import progress_bar
from wylloh_server.cli.publication_terms import keep_terms, kept_terms
from wylloh_server.cli.settings_option import with_settings
from wylloh_server.cli.wallet_signing import Signer, need_chain, with_signer
from wylloh_server.domain.errors import InvalidValue, SettingsError
from wylloh_server.domain.film import Description
from wylloh_server.domain.rights import new_ladder
from wylloh_server.domain.title import TitleTerms
from wylloh_server.domain.types import ChainId, Cid, TokenReference, Wallet, parse_wallet
from wylloh_server.services.publishing.film_packaging import PublishOrder
from wylloh_server.typed_address import parse_address

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from wylloh_server.adapters.chain.registry_calls import NewFilm
    from wylloh_server.app import PublishingCommandServices
    from wylloh_server.config import Settings
    from wylloh_server.domain.rights import Tier
    from wylloh_server.services.publishing.film_packaging import StagedFilm

_BASIS_POINTS = 100
_ANY_ROOT = Cid("bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354")
_ANY_DIGEST = "ff" * 32
"""The root of an empty directory and a digest of nothing, for asking only."""


@dataclass(frozen=True, slots=True)
class _PublishOptions:
    """What was typed, before it is known who publishes."""

    film: Path
    description: Description
    subtitles: tuple[tuple[str, Path], ...]
    poster: Path | None
    backdrop: Path | None
    trailer: Path | None
    supply: int
    royalty: float
    royalty_to: str
    tiers: tuple[Tier, ...]

    def terms(self, publisher: Wallet) -> TitleTerms:
        """Complete the terms; royalties go to the publisher unless said otherwise."""
        receiver = parse_address(self.royalty_to) if self.royalty_to else publisher
        return TitleTerms(self.supply, round(self.royalty * _BASIS_POINTS), receiver, self.tiers)


@click.command()
@click.argument("film", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--title", required=True)
@click.option("--synopsis", default="")
@click.option("--year", type=click.IntRange(1880, 2200))
@click.option("--rating", default="", help="For example 6+.")
@click.option("--genre", "genres", multiple=True, help="May be given more than once.")
@click.option("--subtitles", type=SUBTITLES, multiple=True, help="May be given more than once.")
@click.option(
    "--poster",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An upright picture: JPEG, PNG or WebP.",
)
@click.option(
    "--backdrop",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A wide picture: JPEG, PNG or WebP. Without one, a still is taken.",
)
@click.option(
    "--trailer",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A film of at most ten minutes, published unencrypted: everybody can watch it.",
)
@click.option("--supply", type=click.IntRange(1), required=True, help="Most tokens there will ever be.")
@click.option("--tier", "tiers", type=TIER, multiple=True, required=True, help="Lowest first, one each.")
@click.option("--royalty", type=click.FloatRange(0, 25), default=0.0, help="Percent of a resale.")
@click.option("--royalty-to", default="", help="Address; the publisher's own by default.")
@with_signer
def publish(settings: Settings, signer: Signer, **typed: Any) -> None:
    """Encrypt FILM, sign it and register it, with a key store file or for a browser wallet."""
    _need_chain(settings)
    words = {name: typed.pop(name) for name in ("title", "synopsis", "year", "rating", "genres")}
    options = _PublishOptions(description=Description(**words), **typed)
    if signer.keystore is not None:
        asyncio.run(_publish_here(settings, options, signer.keystore, signer.password()))
    else:
        asyncio.run(_prepare_for_wallet(settings, options, parse_address(signer.wallet)))


@click.command()
@click.argument("token")
@click.argument("signature")
@with_settings
def signed(settings: Settings, token: str, signature: str) -> None:
    """Go on after a browser wallet has signed: SIGNATURE is over what `publish --wallet` prepared."""
    _need_chain(settings)
    asyncio.run(_finish_for_wallet(settings, TokenReference.parse(token), signature))


async def _publish_here(settings: Settings, options: _PublishOptions, keystore: Path, password: str) -> None:
    from wylloh_server.adapters.chain import sign_manifest
    from wylloh_server.adapters.chain.eth_keyfile import load_keystore
    from wylloh_server.adapters.chain.registry_calls import create_film
    from wylloh_server.adapters.chain.transaction_sender import send
    from wylloh_server.app import open_publishing

    account: LocalAccount = await load_keystore(keystore, password)
    publisher = parse_wallet(str(account.address))
    async with open_publishing(settings) as services:
        token, terms = _new_token(settings, publisher), options.terms(publisher)
        staged = await _stage(services, settings, options, token, publisher)
        root = await _finish(services, staged, sign_manifest(account, token, staged.manifest_sha256))
        film = _new_film(token, root, staged.manifest_sha256, terms, publisher)
        mined = await send(services.pool, create_film(film), account)
        click.echo(f"Published {options.description.title}")
        click.echo(f"  token  {token}\n  root   {root}\n  block  {mined.block}")
        click.echo("  key    on this server only; wylloh backup keeps it safe")
        await _pin(services, staged, root)
        await services.publishing.discard(staged)


async def _prepare_for_wallet(settings: Settings, options: _PublishOptions, publisher: Wallet) -> None:
    from wylloh_server.adapters.chain import manifest_typed_data
    from wylloh_server.app import open_publishing

    token, terms = _new_token(settings, publisher), options.terms(publisher)
    async with open_publishing(settings) as services:
        staged = await _stage(services, settings, options, token, publisher)
    keep_terms(settings.server.data / "staging", token, terms)
    typed = manifest_typed_data(token, staged.manifest_sha256)
    request = {"method": "eth_signTypedData_v4", "params": [publisher, json.dumps(typed)]}
    click.echo("Let the wallet sign this, then go on with what it gives:\n", err=True)
    click.echo(json.dumps(request, indent=2))
    click.echo(f"\n  wylloh film signed {token} SIGNATURE", err=True)


async def _finish_for_wallet(settings: Settings, token: TokenReference, signature: str) -> None:
    from wylloh_server.adapters.chain import RegistryChain
    from wylloh_server.adapters.chain.registry_calls import create_film
    from wylloh_server.adapters.chain.transaction_sender import prepare
    from wylloh_server.app import open_publishing

    terms = kept_terms(settings.server.data / "staging", token)
    async with open_publishing(settings) as services:
        staged = services.publishing.staged(token)
        publisher, digest = staged.manifest.publisher, staged.manifest_sha256
        if not await RegistryChain(services.pool).signed_manifest(publisher, token, digest, signature):
            raise InvalidValue(
                f"{publisher} did not sign this manifest", fix="Sign it again with that wallet."
            )
        root = await _finish(services, staged, signature)
        film = _new_film(token, root, digest, terms, publisher)
        transaction = await prepare(services.pool, create_film(film), publisher)
        await _pin(services, staged, root)
    click.echo("Let the wallet send this; the film is published once it is mined:\n", err=True)
    click.echo(json.dumps({"method": "eth_sendTransaction", "params": [transaction]}, indent=2))


async def _stage(
    services: PublishingCommandServices,
    settings: Settings,
    options: _PublishOptions,
    token: TokenReference,
    publisher: Wallet,
) -> StagedFilm:
    """Encrypt a film, once the contract was asked whether it would take such a one.

    Raises:
        InvalidValue: the tiers are no ladder, or who gets the royalty could not take it out again.
        ChainError: the chain cannot be asked, or the contract would refuse.
    """
    from wylloh_server.adapters.chain.registry_calls import create_film
    from wylloh_server.adapters.chain.transaction_sender import prepare
    from wylloh_server.adapters.files.local_files import local_film

    terms = options.terms(publisher)
    await services.payees.check(terms.royalty_receiver)
    film = _new_film(token, _ANY_ROOT, _ANY_DIGEST, terms, publisher)
    await prepare(services.pool, create_film(film), publisher)
    order = PublishOrder(
        film=local_film(options.film),
        description=options.description,
        token=token,
        publisher=publisher,
        custodian_url=settings.server.public_url,
        subtitles=tuple((language, path.read_bytes()) for language, path in options.subtitles),
        poster=options.poster.read_bytes() if options.poster else None,
        backdrop=options.backdrop.read_bytes() if options.backdrop else None,
        trailer=local_film(options.trailer) if options.trailer else None,
    )
    with progress_bar("Encrypting") as advance:
        staged = await services.publishing.stage(order, advance)
    for note in staged.notes:
        click.echo(note, err=True)
    return staged


async def _finish(services: PublishingCommandServices, staged: StagedFilm, signature: str) -> Cid:
    with progress_bar("Building the package") as advance:
        return await services.publishing.finish(staged, signature, advance)


async def _pin(services: PublishingCommandServices, staged: StagedFilm, root: Cid) -> None:
    if services.publishing.add_to_node is None:
        return
    with progress_bar("Pinning on the IPFS node"):
        fault = await services.publishing.pin(staged, root)
    if fault:
        click.echo(fault, err=True)


def _new_film(
    token: TokenReference, root: Cid, manifest_sha256: str, terms: TitleTerms, publisher: Wallet
) -> NewFilm:
    from wylloh_server.adapters.chain.registry_calls import NewFilm

    return NewFilm(
        token=token,
        root=root,
        manifest_sha256=manifest_sha256,
        max_supply=terms.supply,
        royalty_receiver=terms.royalty_receiver or publisher,
        royalty_basis_points=terms.royalty_basis_points,
        ladder=new_ladder(terms.tiers),
    )


def _new_token(settings: Settings, publisher: Wallet) -> TokenReference:
    from wylloh_server.adapters.chain.registry_calls import new_token_id

    contract = parse_wallet(settings.chain.contract)
    return TokenReference(ChainId(settings.chain.id), contract, new_token_id(publisher))


def _need_chain(settings: Settings) -> None:
    need_chain(settings)
    if not settings.server.public_url:
        raise SettingsError(
            "holders must be able to reach this server for keys", fix="Set server.public_url to its address."
        )
