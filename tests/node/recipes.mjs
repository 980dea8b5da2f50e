// The contents whose CIDs are compared. tests/adapters/ipfs/recipes.py makes the same bytes.
//
// "hashes":  SHA-256 of 0, 1, 2, … (each as 8 bytes, big-endian), one digest after another, cut to the size.
// "stamped": every MiB begins with its own number (8 bytes, big-endian), the rest is zero. For sizes of a GiB.
import { createHash } from "node:crypto";

export const MIB = 1 << 20;

function* hashes(size) {
  const number = Buffer.alloc(8);
  for (let done = 0, next = 0n; done < size; ) {
    const piece = Buffer.alloc(Math.min(MIB, size - done));
    for (let at = 0; at < piece.length; at += 32) {
      number.writeBigUInt64BE(next++);
      createHash("sha256").update(number).digest().copy(piece, at);
    }
    done += piece.length;
    yield piece;
  }
}

function* stamped(size) {
  for (let done = 0, index = 0; done < size; index++) {
    const piece = Buffer.alloc(Math.min(MIB, size - done));
    if (piece.length >= 8) piece.writeBigUInt64BE(BigInt(index));
    done += piece.length;
    yield piece;
  }
}

export function content([kind, size]) {
  return kind === "hashes" ? hashes(size) : stamped(size);
}

export const files = [0, 1, 100, MIB - 1, MIB, MIB + 1, 3 * MIB, 5 * MIB + 17]
  .map((size) => ["hashes", size])
  .concat([
    ["stamped", 1024 * MIB],
    ["stamped", 1025 * MIB],
  ]);

export const folders = {
  single: { "manifest.json": ["hashes", 300] },
  package: {
    "feature.enc": ["hashes", 2 * MIB + 5],
    "manifest.json": ["hashes", 900],
    "manifest.sig": ["hashes", 130],
    "poster.jpg": ["hashes", 40000],
    "subtitles/en.vtt": ["hashes", 700],
    "subtitles/forced/de.vtt": ["hashes", 0],
    "trailer.mp4": ["hashes", MIB],
  },
  names: {
    "B.txt": ["hashes", 1],
    "a.txt": ["hashes", 2],
    "é.txt": ["hashes", 3],
    "\u{1F39E}.txt": ["hashes", 4],
    "\uFF5E.txt": ["hashes", 5],
  },
};

// Trees of many levels from few bytes: [size, chunk size, links a node].
export const trees = [
  [1, 4, 3],
  [12, 4, 3],
  [13, 4, 3],
  [36, 4, 3],
  [37, 4, 3],
  [500, 4, 3],
  [1001, 10, 2],
];
