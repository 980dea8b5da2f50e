// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Announces whatever it is told, true or not.
/// @notice Stands for a contract that lies, and for one with a long history.
contract Announcer {
    event TransferSingle(address indexed operator, address indexed from, address indexed to, uint256 id, uint256 value);

    /// @notice One log of any kind.
    /// @param topics At most four.
    function announce(bytes32[] calldata topics, bytes calldata data) external {
        bytes memory body = data;
        assembly ("memory-safe") {
            let size := mload(body)
            let at := add(body, 32)
            let first := topics.offset
            switch topics.length
            case 0 {
                log0(at, size)
            }
            case 1 {
                log1(at, size, calldataload(first))
            }
            case 2 {
                log2(at, size, calldataload(first), calldataload(add(first, 32)))
            }
            case 3 {
                log3(at, size, calldataload(first), calldataload(add(first, 32)), calldataload(add(first, 64)))
            }
            default {
                log4(
                    at,
                    size,
                    calldataload(first),
                    calldataload(add(first, 32)),
                    calldataload(add(first, 64)),
                    calldataload(add(first, 96))
                )
            }
        }
    }

    /// @notice So many mints of one token to as many accounts in a row.
    function mints(uint256 tokenId, uint160 firstAccount, uint256 count) external {
        for (uint160 i = 0; i < count; ++i) {
            emit TransferSingle(msg.sender, address(0), address(firstAccount + i), tokenId, 1);
        }
    }
}
