"""Parental lock: films with certain tags are not for the role `viewer`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import Role, Verdict, Vote
from wylloh_tagging._store import TagStore
from wylloh_tagging.tags import tag_of

if TYPE_CHECKING:
    from wylloh_server.sdk import AccessRequest, PluginContext
    from wylloh_tagging.tags import Tag


def locked_tags(context: PluginContext) -> tuple[Tag, ...]:
    """Read the setting.

    Raises:
        InvalidValue: it names something that is no tag.
    """
    return tuple(tag_of(text) for text in context.settings["locked_for_viewers"])


async def vote(context: PluginContext, request: AccessRequest) -> Vote | None:
    """Deny a locked film to somebody with the role `viewer`; abstain otherwise."""
    locked = locked_tags(context)
    if not locked or request.viewer.role is not Role.VIEWER:
        return None
    for tag in await TagStore(context).of(request.film.id):
        if any(tag == lock or tag.startswith(f"{lock}/") for lock in locked):
            return Vote(Verdict.DENY, f"Films tagged {tag} are locked here. Ask the owner of this server.")
    return None
