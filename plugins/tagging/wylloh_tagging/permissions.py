"""Who may change what everybody here shares, and what forms ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import AccessRefused, DeviceKind, FilmId, Redirect, Role

if TYPE_CHECKING:
    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Viewer

HERE = "/plugins/tagging"
"""The plugin's address."""


def may_edit(context: PluginContext, viewer: Viewer | None) -> bool:
    """Return whether somebody may change tags, which everybody here shares."""
    needed = Role.VIEWER if context.settings["viewers_may_edit"] else Role.PUBLISHER
    return viewer is not None and viewer.role.includes(needed) and may_collect(viewer)


def may_collect(viewer: Viewer | None) -> bool:
    """Return whether somebody may save collections of their own. A TV shows them only."""
    return viewer is not None and viewer.kind is not DeviceKind.TV


def may_lock(viewer: Viewer | None) -> bool:
    """Return whether somebody may lock films for viewers."""
    return viewer is not None and role_may_lock(viewer.role)


def role_may_lock(role: Role | None) -> bool:
    """Return whether a role may lock films for viewers; None is somebody without account."""
    return role is not None and role.includes(Role.ADMIN)


def check_may_edit(context: PluginContext, request: PluginRequest) -> None:
    """Raise AccessRefused unless the viewer is an editor.

    Raises:
        AccessRefused: the viewer is none.
    """
    if not may_edit(context, request.viewer):
        raise AccessRefused(
            "You may look at tags here but not change them.", fix="Ask the owner of this server."
        )


def signed_in(request: PluginRequest) -> Viewer:
    """Return who asks: the plugin's routes are for those who are signed in.

    Raises:
        AccessRefused: nobody is.
    """
    if request.viewer is None:
        raise AccessRefused("Please sign in first.", fix="Sign in with your wallet.")
    return request.viewer


async def film_of(context: PluginContext, request: PluginRequest) -> Film:
    """Return the film a route names.

    Raises:
        NotFound: there is no such film.
    """
    return await context.library.film(FilmId(request.params["film"]))


def back_to(request: PluginRequest, otherwise: str) -> Redirect:
    """Lead back to the page the form stood on, which names itself by one of a few words."""
    places = {"suggestions": f"{HERE}/suggestions", "tags": f"{HERE}/", "collections": f"{HERE}/collections"}
    return Redirect(places.get(request.value("back"), otherwise))
