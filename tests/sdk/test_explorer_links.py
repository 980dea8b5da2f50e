"""Links to the pages of block explorers."""

from __future__ import annotations

from wylloh_server.sdk import address_url, block_url, transaction_url

ANN = "0x" + "a1" * 20


def test_links_follow_the_custom_of_explorers():
    explorer = "https://explorer.example/block/{block}"
    assert block_url(explorer, 7) == "https://explorer.example/block/7"
    assert transaction_url(explorer, "0xab") == "https://explorer.example/tx/0xab"
    odd = "https://explorer.example/?height={block}"
    assert (block_url(odd, 7), address_url(odd, ANN)) == ("https://explorer.example/?height=7", "")
    assert block_url("", 7) == transaction_url("", "0xab") == ""
