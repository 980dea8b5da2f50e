// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";

import {Puppet} from "./Puppet.sol";

/// @title An account that calls back into its target whenever it is paid or gets tokens.
contract ReentrantBuyer is ERC1155Holder, Puppet {
    address private _target;
    bytes private _call;
    bool private _insists;

    /// @notice How many times the call back was refused, and the last reason.
    uint256 public refusals;
    bytes public reason;

    /// @param insists Whether a refused call back is reason enough to fail as a whole.
    function aim(address target, bytes calldata call, bool insists) external {
        (_target, _call, _insists) = (target, call, insists);
    }

    receive() external payable {
        _callBack();
    }

    function told() external {
        _callBack();
    }

    function onERC1155Received(
        address operator,
        address from,
        uint256 id,
        uint256 amount,
        bytes memory data
    ) public override returns (bytes4) {
        _callBack();
        return super.onERC1155Received(operator, from, id, amount, data);
    }

    function _callBack() private {
        if (_target == address(0)) return;
        (bool done, bytes memory answer) = _target.call(_call);
        if (done) return;
        if (_insists) _fail(answer);
        ++refusals;
        reason = answer;
    }
}
