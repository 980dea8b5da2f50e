"""The web floor: aiohttp lives here and nowhere else.

`assembly.new_application` makes the application. Once its services lie under their `keys`,
`assembly.set_up_pages` and `routes.add_routes` complete it, and `assembly.runner_of` serves it.
`client.http_client` implements the port `HttpClient`.
"""
