"""`http.route` from a path: what varies becomes a placeholder, and nobody can make the number of routes grow."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.routes import Routes, template

TEMPLATES = {
    "/": "/",
    "/cart/items": "/cart/items",
    "/user/42": "/user/{id}",
    "/user/42/": "/user/{id}/",
    "/v2/user/42/orders/7": "/v2/user/{id}/orders/{id}",
    "/o/2f1c9a0e-5a3b-4c58-9d5e-0123456789ab": "/o/{uuid}",
    "/o/2F1C9A0E5A3B4C589D5E0123456789AB": "/o/{uuid}",
    "/commit/9fceb02d0ae598e95dc970b74767f19372d61af8": "/commit/{hex}",
    "/report/2026-11-21": "/report/{date}",
    "/downloads/product_1": "/downloads/product_{n}",
    "/static/app.3f9a2c.js": "/static/{file}.js",
    "/img/logo.png": "/img/{file}.png",
    "/index.html": "/index.html",
    "/posts/2026-review-7.html": "/posts/{file}.html",
    "/mail/ann@example.org": "/mail/{email}",
    "/search/caf%C3%A9": "/search/{token}",
    "/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9abcdefgh": "/t/{token}",
    "/a/b;jsessionid=77": "/a/b",
    "/1/2/3/4/5/6/7/8/9/10": "/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{id}/{rest}",
    "*": "*",
    "example.org:443": "{other}",
    "": "{other}",
}


@pytest.mark.parametrize(("path", "route"), TEMPLATES.items())
def test_template(path: str, route: str) -> None:
    """Ids, dates, tokens and file names give way; words and versions stay."""
    assert template(path) == route


def test_cardinality_is_bounded() -> None:
    """A scan over words that no placeholder catches fills the routes up to the cap, and then counts under few names."""
    letters = random.Random(1)
    routes = Routes(max_routes=50, max_groups=10)

    found = {routes.of("/" + "".join(letters.choices("abcdefghij", k=12)) + "/x") for _ in range(5000)}

    assert len(found) == 50 + 10 + 1
    assert "{other}" in found


def test_known_routes_outlive_a_scan() -> None:
    """Routes that came before a scan keep their names, however the cache is flushed."""
    routes = Routes()
    routes.of("/pay")

    for number in range(20_000):
        routes.of("/scan/" + "".join(chr(97 + int(digit)) for digit in str(number)))

    assert routes.of("/pay") == "/pay"
    assert routes.of("/scan/zzzz") == "/scan/{rest}"


@given(st.lists(st.text(max_size=30).map("/".__add__), max_size=30))
def test_same_paths_same_routes(paths: list[str]) -> None:
    """The routes are a function of the paths in their order: a replay gives each line the same one."""
    one, other = Routes(max_routes=5, max_groups=3), Routes(max_routes=5, max_groups=3)

    assert [one.of(path) for path in paths] == [other.of(path) for path in paths]
    assert len({one.of(path) for path in paths}) <= 5 + 3 + 1
