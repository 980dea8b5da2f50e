// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A split as 0xSplits v2 makes them, as far as it can be read.
/// @notice Keeps the hash of its shares and announces them; a real one divides money, too.
/// https://github.com/0xSplits/splits-contracts-monorepo (SplitWalletV2, SplitV2Lib)
contract ForeignSplit {
    struct Split {
        address[] recipients;
        uint256[] allocations;
        uint256 totalAllocation;
        uint16 distributionIncentive;
    }

    bytes32 public splitHash;

    event SplitUpdated(Split _split);

    constructor(Split memory split) {
        _update(split);
    }

    function updateSplit(Split calldata split) external {
        _update(split);
    }

    /// @notice Announce shares that do not hold.
    function pretend(Split calldata split) external {
        emit SplitUpdated(split);
    }

    function _update(Split memory split) private {
        splitHash = keccak256(abi.encode(split));
        emit SplitUpdated(split);
    }
}
