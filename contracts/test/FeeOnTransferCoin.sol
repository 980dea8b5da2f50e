// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A coin that keeps one percent of what is moved: of what arrives, or on top from the sender.
contract FeeOnTransferCoin is ERC20("Fee On Transfer Coin", "TOLL") {
    bool private immutable _onTop;

    constructor(bool onTop) {
        _onTop = onTop;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from == address(0) || to == address(0)) return;
        super._update(_onTop ? from : to, address(0), amount / 100);
    }
}
