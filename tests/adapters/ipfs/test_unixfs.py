from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.ipfs.recipes import FOLDERS, hashes, stream, write_folder
from wylloh_server.adapters.ipfs.cid import DAG_PB, RAW, IpfsBlock
from wylloh_server.adapters.ipfs.dagpb import UnixfsKind, DagLink, DagNode, decode_node, encode_node
from wylloh_server.adapters.ipfs.unixfs import list_files, open_unixfs, resolve
from wylloh_server.adapters.ipfs.unixfs_builder import UnixfsProfile, UnixfsBuilder
from wylloh_server.domain.errors import BlockUnavailable, NotFound, PackageInvalid

MIB = 1 << 20
SIZES = [0, 1, 100, MIB - 1, MIB, MIB + 1, 3 * MIB, 5 * MIB + 17]


def test_files_get_the_cids_of_helia_and_ipfs_car(expected):
    small = {recipe: cid for recipe, cid in expected["files"].items() if recipe.startswith("hashes")}
    assert sorted(small) == sorted(f"hashes {size}" for size in SIZES)
    builder = UnixfsBuilder(lambda block: None)
    assert {recipe: builder.file(stream(recipe)).cid.text for recipe in small} == small


def test_more_than_1024_leaves_make_a_second_level_as_helia_does(expected):
    depth: list[int] = []
    builder = UnixfsBuilder(lambda block: depth.append(1) if block.cid.codec == DAG_PB else None)
    for recipe, nodes in (("stamped 1073741824", 1), ("stamped 1074790400", 3)):
        depth.clear()
        assert builder.file(stream(recipe)).cid.text == expected["files"][recipe]
        assert len(depth) == nodes


def test_deep_trees_get_helias_cids(expected, blocks):
    for recipe, cid in expected["trees"].items():
        size, chunk, links = map(int, recipe.split())
        assert blocks.file(hashes(size), chunk, links).text == cid


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_get_the_cids_of_helia_and_ipfs_car(name, expected, tmp_path):
    built = UnixfsBuilder(lambda block: None).folder(write_folder(name, tmp_path))
    assert built.cid.text == expected["folders"][name]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(0, 700),
    chunk=st.integers(1, 40),
    links=st.integers(2, 5),
    offset=st.integers(-3, 720),
    length=st.integers(0, 720),
)
async def test_any_range_of_any_tree_reads_as_from_the_file(blocks, size, chunk, links, offset, length):
    content = hashes(size)
    file = await open_unixfs(blocks.get, blocks.file(content, chunk, links))
    assert file.size == size
    assert await file.read(offset, length) == (content[offset : offset + length] if offset >= 0 else b"")


async def test_a_read_touches_only_the_leaves_it_needs(blocks):
    root = blocks.file(hashes(1000), 10, 4)
    for cid in [cid for cid, block in blocks.items() if cid.codec == RAW and block != hashes(1000)[500:510]]:
        del blocks[cid]
    file = await open_unixfs(blocks.get, root)
    assert await file.read(500, 10) == hashes(1000)[500:510]
    with pytest.raises(BlockUnavailable):
        await file.read(499, 10)
    await file.close()
    await file.close()


async def test_listing_and_paths(blocks, tmp_path):
    root = UnixfsBuilder(blocks).folder(write_folder("package", tmp_path)).cid
    listing = await list_files(blocks.get, root)
    assert {entry.path: entry.size for entry in listing} == FOLDERS["package"]
    for entry in listing:
        cid = await resolve(blocks.get, root, entry.path)
        assert cid.text == entry.cid
        file = await open_unixfs(blocks.get, cid)
        assert await file.read(0, file.size) == hashes(entry.size)
    for path in ("nothing", "manifest.json/x", "subtitles/..", "../x", "/".join("a" * 99)):
        with pytest.raises(NotFound):
            await resolve(blocks.get, root, path)
    with pytest.raises(PackageInvalid):
        await open_unixfs(blocks.get, await resolve(blocks.get, root, "subtitles"))
    with pytest.raises(PackageInvalid):
        await list_files(blocks.get, await resolve(blocks.get, root, "feature.enc"))


def test_a_folder_with_a_link_or_a_pipe_is_refused(tmp_path):
    builder = UnixfsBuilder(lambda block: None)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "link").symlink_to("/etc/passwd")
    (tmp_path / "b").mkdir()
    os.mkfifo(tmp_path / "b" / "pipe")
    for name in "ab":
        with pytest.raises(PackageInvalid):
            builder.folder(tmp_path / name)


def test_a_folder_too_large_for_one_directory_is_refused(tmp_path):
    for index in range(1500):
        (tmp_path / f"{index:0200}").touch()
    with pytest.raises(PackageInvalid):
        UnixfsBuilder(lambda block: None).folder(tmp_path)


def test_a_name_that_is_no_utf8_is_refused(tmp_path):
    with open(os.fsencode(tmp_path) + b"/\xff", "wb"):
        pass
    with pytest.raises(PackageInvalid):
        UnixfsBuilder(lambda block: None).folder(tmp_path)


def put(blocks, node: DagNode):
    block = IpfsBlock.of(DAG_PB, encode_node(node))
    blocks(block)
    return block.cid


async def test_old_style_leaves_and_data_beside_links_are_read(blocks):
    leaf = put(blocks, DagNode(UnixfsKind.FILE, data=b"world"))
    raw = blocks.file(b"!")
    root = put(
        blocks, DagNode(UnixfsKind.FILE, (DagLink(leaf, "", 20), DagLink(raw, "", 1)), b"hello ", (5, 1))
    )
    file = await open_unixfs(blocks.get, root)
    assert await file.read(0, 100) == b"hello world!"
    assert await file.read(4, 4) == b"o wo"


async def test_trees_that_lie_about_sizes_are_refused(blocks):
    leaf, raw = put(blocks, DagNode(UnixfsKind.FILE, data=b"world")), blocks.file(b"wor")
    for child in (leaf, raw):
        file = await open_unixfs(
            blocks.get, put(blocks, DagNode(UnixfsKind.FILE, (DagLink(child, "", 5),), b"", (4,)))
        )
        with pytest.raises(PackageInvalid):
            await file.read(0, 4)
    directory = put(blocks, DagNode(UnixfsKind.DIRECTORY))
    file = await open_unixfs(
        blocks.get, put(blocks, DagNode(UnixfsKind.FILE, (DagLink(directory, "", 5),), b"", (4,)))
    )
    with pytest.raises(PackageInvalid):
        await file.read(0, 4)


async def test_bottomless_trees_are_refused(blocks):
    deep, folder = blocks.file(b"x"), blocks.file(b"x")
    for _ in range(50):
        deep = put(blocks, DagNode(UnixfsKind.FILE, (DagLink(deep, "", 1),), b"", (1,)))
        folder = put(blocks, DagNode(UnixfsKind.DIRECTORY, (DagLink(folder, "a", 1),)))
    with pytest.raises(PackageInvalid):
        await (await open_unixfs(blocks.get, deep)).read(0, 1)
    with pytest.raises(PackageInvalid):
        await list_files(blocks.get, folder)


async def test_a_directory_bomb_is_refused(blocks):
    folder = blocks.file(b"x")
    for _ in range(6):
        folder = put(
            blocks, DagNode(UnixfsKind.DIRECTORY, tuple(DagLink(folder, str(n), 1) for n in range(20)))
        )
    with pytest.raises(PackageInvalid):
        await list_files(blocks.get, folder)


async def test_a_bomb_of_empty_directories_is_refused(blocks):
    """A few small blocks, a billion paths, and not one file."""
    folder = put(blocks, DagNode(UnixfsKind.DIRECTORY))
    for _ in range(30):
        folder = put(
            blocks, DagNode(UnixfsKind.DIRECTORY, (DagLink(folder, "a", 1), DagLink(folder, "b", 1)))
        )
    with pytest.raises(PackageInvalid, match="too many"):
        await list_files(blocks.get, folder)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b"])
def test_names_that_could_climb_are_refused(name):
    with pytest.raises(PackageInvalid):
        decode_node(
            encode_node(DagNode(UnixfsKind.DIRECTORY, (DagLink(IpfsBlock.of(RAW, b"").cid, name, 0),)))
        )


def test_doubled_names_are_refused():
    link = DagLink(IpfsBlock.of(RAW, b"").cid, "a", 0)
    with pytest.raises(PackageInvalid):
        decode_node(encode_node(DagNode(UnixfsKind.DIRECTORY, (link, link))))


def framed(message: str) -> str:
    """A node whose UnixFS data is this message."""
    return f"0a{len(message) // 2:02x}" + message


def linked(link: str) -> str:
    """An empty directory with this link."""
    return f"12{len(link) // 2:02x}" + link + framed("0801")


LINK = "0a24" + "01551220" + "00" * 32
MALFORMED = {
    "empty": "",
    "no UnixFS data": "1226" + LINK,
    "symlink": framed("08041203616263"),
    "sharded directory": framed("0805280230 80 02".replace(" ", "")),
    "metadata": framed("0803"),
    "no type": framed("1203616263"),
    "type twice": framed("08020802"),
    "unknown field in the message": framed("08024801"),
    "unknown field in the node": framed("0801") + "2a00",
    "cut": "0a0408",
    "group": "0b",
    "data twice": framed("0801") * 2,
    "directory with a file size": framed("08011805"),
    "directory with data": framed("08011203616263"),
    "wrong file size": framed("080212036162631804"),
    "sizes without links": framed("080218052005"),
    "link without CID": linked("120161"),
    "link with a CID and more": linked("0a25" + LINK[4:] + "00" + "120161"),
    "link with a name twice": linked(LINK + "120161120161"),
    "link with an unknown field": linked(LINK + "2001"),
    "name that is not UTF-8": linked(LINK + "1201ff"),
}


def test_the_frames_of_the_malformed_nodes_are_sound():
    assert decode_node(bytes.fromhex(linked(LINK + "120161"))).links[0].name == "a"
    assert decode_node(bytes.fromhex(framed("080212036162631803"))).data == b"abc"


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_nodes_are_refused(name):
    with pytest.raises(PackageInvalid):
        decode_node(bytes.fromhex(MALFORMED[name]))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data):
    try:
        node = decode_node(data)
    except PackageInvalid:
        return
    assert decode_node(encode_node(node)) == node


def test_mode_and_mtime_are_passed_over():
    # A file written by a node that keeps them: type 2, data "abc", size 3, mode 0644, mtime.
    message = bytes.fromhex("0802" + "1203616263" + "1803" + "38a403" + "42020801")
    assert decode_node(b"\x0a" + bytes([len(message)]) + message).data == b"abc"


def test_progress_is_told(tmp_path, blocks):
    steps: list[int] = []
    UnixfsBuilder(blocks, steps.append, UnixfsProfile(chunk_bytes=100)).folder(
        write_folder("single", tmp_path)
    )
    assert sum(steps) == 300
