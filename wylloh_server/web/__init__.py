"""The web floor: aiohttp handlers, and what surrounds a request.

`application.new_application` makes the application. Once its services lie under their `app_keys`,
`application.set_up_pages` and `routes.add_routes` complete it, and `application.serving` serves it.
"""
