// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A plain ERC-20 that knows no permits.
contract NoPermitCoin is ERC20("No Permit Coin", "PLAIN") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
