// What typed data (EIP-712) is about, told from the data itself and not from what a page says of it.

/** @typedef {{primaryType: string, domain: {name?: string}, message: Record<string, string>}} TypedData */

/**
 * Return the question to ask before signing, and a sentence about what the signature does.
 * @param {TypedData} data
 * @returns {[question: string, about: string]}
 */
export function questionOf({ primaryType, domain, message }) {
  if (primaryType === "Permit") {
    return [
      "Sign a permission to spend?",
      `${short(message.spender)} could take ${domain.name} out of this wallet, up to the amount the page says.`,
    ];
  }
  if (primaryType === "Manifest" && domain.name === "Wylloh film manifest") {
    return [
      "Sign what is in a film’s package?",
      "It says that the package is yours. It moves nothing and costs nothing.",
    ];
  }
  return [
    `Sign “${primaryType}”?`,
    `It is for ${domain.name ?? "somebody without a name"}. The page says what it does.`,
  ];
}

/** @param {string} address */
function short(address) {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}
