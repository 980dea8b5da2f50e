// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A coin that tells a receiver with code that it was paid, as ERC-777 coins do.
contract TellingCoin is ERC20("Telling Coin", "TELL") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from == address(0) || to.code.length == 0) return;
        (bool told, ) = to.call(abi.encodeWithSignature("told()"));
        require(told, "nobody listens");
    }
}
