// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";

import {Recipient, RoyaltySplitter} from "./RoyaltySplitter.sol";

/// @title Creates royalty splitters and keeps no power over them.
contract RoyaltySplitterFactory {
    mapping(bytes32 contents => uint256) private _made;

    /// @notice Comes before what the new splitter itself announces.
    event SplitterCreated(address indexed splitter, address indexed owner);

    /// @notice Create a splitter. Its address depends on nothing but owner, recipients, coins and how many of
    /// the same there are: even when blocks are reorganised, money sent to it finds these shares.
    function create(
        address owner,
        Recipient[] calldata recipients,
        address[] calldata coins
    ) external returns (address splitter) {
        bytes memory contents = abi.encodePacked(
            type(RoyaltySplitter).creationCode,
            abi.encode(owner, recipients, coins)
        );
        bytes32 fingerprint = keccak256(contents);
        bytes32 salt = bytes32(_made[fingerprint]++);
        splitter = Create2.computeAddress(salt, fingerprint);
        emit SplitterCreated(splitter, owner);
        Create2.deploy(0, salt, contents);
    }
}
