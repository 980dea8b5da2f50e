"""A proposal as JSON and back. What JSON has no type for stands in an object whose one key names the type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wylloh_server.domain.transaction import ContractCall, Proposal, SignaturePart, SignatureRequest
from wylloh_server.domain.types import Wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wylloh_server.domain.transaction import Step


def proposal_as_json(proposal: Proposal) -> dict[str, Any]:
    """Return what `json.dumps` can write."""
    return {
        "title": proposal.title,
        "explanation": list(proposal.explanation),
        "steps": [_step_as_json(step) for step in proposal.steps],
        "done": proposal.done,
        "refusals": dict(proposal.refusals),
        "topics": list(proposal.topics),
        "back": proposal.back,
        "start": proposal.start,
        "recipe": dict(proposal.recipe),
        "spends": {asset: str(amount) for asset, amount in proposal.spends.items()},
        "functions": list(proposal.functions),
    }


def proposal_from_json(stored: Mapping[str, Any]) -> Proposal:
    """Read what `proposal_as_json` gave."""
    return Proposal(
        title=stored["title"],
        explanation=tuple(stored["explanation"]),
        steps=tuple(_step_from_json(step) for step in stored["steps"]),
        done=stored["done"],
        refusals=stored["refusals"],
        topics=tuple(stored["topics"]),
        back=stored["back"],
        start=stored.get("start", ""),
        recipe=stored.get("recipe", {}),
        spends={Wallet(asset): int(amount) for asset, amount in stored.get("spends", {}).items()},
        functions=tuple(stored.get("functions", ())),
    )


def _step_as_json(step: Step) -> dict[str, Any]:
    if isinstance(step, SignatureRequest):
        return {"typed_data": dict(step.typed_data), "says": step.summary}
    return {
        "to": step.to,
        "function": step.function,
        "arguments": [_written(argument) for argument in step.arguments],
        "value": str(step.value),
        "says": step.summary,
    }


def _step_from_json(stored: Mapping[str, Any]) -> Step:
    if "typed_data" in stored:
        return SignatureRequest(stored["typed_data"], stored["says"])
    arguments = tuple(_read(argument) for argument in stored["arguments"])
    return ContractCall(stored["to"], stored["function"], arguments, int(stored["value"]), stored["says"])


def _written(argument: Any) -> Any:
    if isinstance(argument, SignaturePart):
        return {"part": argument.value}
    if isinstance(argument, bytes):
        return {"bytes": argument.hex()}
    if isinstance(argument, int) and not isinstance(argument, bool):
        return {"int": str(argument)}  # not every JSON library keeps 256 bits
    if isinstance(argument, tuple | list):
        return [_written(inner) for inner in argument]
    return argument


def _read(stored: Any) -> Any:
    if isinstance(stored, list):
        return tuple(_read(inner) for inner in stored)
    if not isinstance(stored, dict):
        return stored
    ((kind, value),) = stored.items()
    kinds: dict[str, Callable[[str], Any]] = {"part": SignaturePart, "bytes": bytes.fromhex, "int": int}
    return kinds[kind](value)
