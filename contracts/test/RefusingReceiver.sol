// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Puppet} from "./Puppet.sol";

/// @title An account that can take neither film tokens nor the chain's own coin.
contract RefusingReceiver is Puppet {}
