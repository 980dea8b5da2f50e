"""Who may change what everybody here shares, and what forms ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import AccessRefused, FilmId, Redirect, Role

if TYPE_CHECKING:
    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Viewer

HERE = "/plugins/tagging"
"""The plugin's address."""


def may_edit(context: PluginContext, viewer: Viewer | None) -> bool:
    """Say whether somebody may change tags, which everybody here shares."""
    needed = Role.VIEWER if context.settings["viewers_may_edit"] else Role.PUBLISHER
    return viewer is not None and viewer.role.includes(needed)


def may_lock(viewer: Viewer | None) -> bool:
    """Say whether somebody may lock films for viewers."""
    return viewer is not None and viewer.role.includes(Role.ADMIN)


def check_may_edit(context: PluginContext, request: PluginRequest) -> None:
    """Let editors pass.

    Raises:
        AccessRefused: the viewer is none.
    """
    if not may_edit(context, request.viewer):
        raise AccessRefused(
            "You may look at tags here but not change them.", fix="Ask the owner of this server."
        )


def check_may_lock(request: PluginRequest) -> None:
    """Let admins pass.

    Raises:
        AccessRefused: the viewer is none.
    """
    if not may_lock(request.viewer):
        raise AccessRefused("Only admins may lock films for viewers.", fix="Ask the owner of this server.")


def signed_in(request: PluginRequest) -> Viewer:
    """Give who asks: the plugin's routes are for those who are signed in.

    Raises:
        AccessRefused: nobody is.
    """
    if request.viewer is None:
        raise AccessRefused("Please sign in first.", fix="Sign in with your wallet.")
    return request.viewer


async def film_of(context: PluginContext, request: PluginRequest) -> Film:
    """Give the film a route names.

    Raises:
        NotFound: there is no such film.
    """
    return await context.library.film(FilmId(request.params["film"]))


def back_to(request: PluginRequest, otherwise: str) -> Redirect:
    """Lead back to the page the form stood on, which names itself by one of a few words."""
    places = {"suggestions": f"{HERE}/suggestions", "tags": f"{HERE}/", "collections": f"{HERE}/collections"}
    return Redirect(places.get(request.value("back"), otherwise))
