// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title An account with code that does whatever it is told to, and passes on the reason when that fails.
abstract contract Puppet {
    function act(address target, bytes calldata data) external {
        (bool done, bytes memory answer) = target.call(data);
        if (!done) _fail(answer);
    }

    function _fail(bytes memory reason) internal pure {
        assembly ("memory-safe") {
            revert(add(reason, 0x20), mload(reason))
        }
    }
}
