// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A coin that can be broken in several ways after people have trusted it.
contract BreakingCoin is ERC20("Breaking Coin", "CRACK") {
    enum Fault {
        None,
        Reverts,
        BurnsGas,
        AnswersNothing,
        AnswersMegabytes,
        AnswersTheMost,
        Shrinks
    }

    Fault public fault;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setFault(Fault fault_) external {
        fault = fault_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        require(fault == Fault.None, "broken");
        return super.transfer(to, amount);
    }

    function balanceOf(address account) public view override returns (uint256) {
        if (fault == Fault.Reverts) revert("broken");
        if (fault == Fault.AnswersTheMost) return type(uint256).max;
        if (fault == Fault.Shrinks) return super.balanceOf(account) / 2;
        if (fault == Fault.AnswersNothing) _answer(0);
        if (fault == Fault.AnswersMegabytes) _answer(1_000_000);
        while (fault == Fault.BurnsGas) {}
        return super.balanceOf(account);
    }

    function _answer(uint256 length) private pure {
        assembly {
            return(0, length)
        }
    }
}
