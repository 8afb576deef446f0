// @vitest-environment node
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { leafHash, readHead, rootOf, toHex, verifyEntry, type SignedHead } from "./verify";

const hash = (...parts: (string | Buffer | number[])[]): Buffer => {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(Array.isArray(part) ? Buffer.from(part) : part);
  return digest.digest();
};

/** RFC 9162 sections 2.1.1 and 2.1.3.1, in the recursive form of the text. */
function treeHash(entries: string[]): Buffer {
  if (entries.length === 1) return hash([0], entries[0]!);
  const half = split(entries.length);
  return hash([1], treeHash(entries.slice(0, half)), treeHash(entries.slice(half)));
}

function pathOf(index: number, entries: string[]): string[] {
  if (entries.length === 1) return [];
  const half = split(entries.length);
  return index < half
    ? [...pathOf(index, entries.slice(0, half)), treeHash(entries.slice(half)).toString("hex")]
    : [...pathOf(index - half, entries.slice(half)), treeHash(entries.slice(0, half)).toString("hex")];
}

const split = (size: number): number => 2 ** Math.floor(Math.log2(size - 1));

function signed(origin: string, entries: string[]): SignedHead {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const body = `${origin}\n${entries.length}\n${treeHash(entries).toString("base64")}\n`;
  const id = hash(`${origin}\n`, [1], key).subarray(0, 4);
  const signature = Buffer.concat([id, sign(null, Buffer.from(body), privateKey)]).toString("base64");
  return { origin, note: `${body}\n— ${origin} ${signature}\n`, public_key: key.toString("base64") };
}

const entries = (count: number) => Array.from({ length: count }, (_, index) => `{"index":${index}}`);

describe("a proof of inclusion", () => {
  it("leads to the root, for every entry of logs of 1 to 17 entries", async () => {
    for (let size = 1; size <= 17; size += 1) {
      const all = entries(size);
      const root = treeHash(all).toString("hex");
      for (let index = 0; index < size; index += 1) {
        const leaf_hash = toHex(await leafHash(all[index]!));
        const proof = { leaf_index: index, tree_size: size, entry: all[index]!, leaf_hash, path: pathOf(index, all) };
        expect(await rootOf(proof), `${index} of ${size}`).toBe(root);
        expect(await rootOf({ ...proof, entry: `${proof.entry} ` })).not.toBe(root);
        expect(await rootOf({ ...proof, entry: null }), "its content was pruned").toBe(root);
        if (proof.path.length) expect(await rootOf({ ...proof, path: proof.path.slice(1) })).not.toBe(root);
      }
    }
  });
});

describe("a signed head", () => {
  const all = entries(11);
  const head = signed("millwright/log/x", all);
  const proof = { leaf_index: 6, tree_size: 11, entry: all[6]!, leaf_hash: "", path: pathOf(6, all) };

  it("is genuine, and holds the entry", async () => {
    expect(await verifyEntry(proof, head)).toEqual({ included: true, genuine: true });
  });

  it("is not genuine when a letter of it was changed", async () => {
    const forged = { ...head, note: head.note.replace("\n11\n", "\n12\n") };
    expect((await readHead(forged))?.genuine).toBe(false);
    expect((await verifyEntry(proof, forged)).included).toBe(false);
  });

  it("is not genuine with another key, nor for another log", async () => {
    const other = signed("millwright/log/x", all);
    expect((await readHead({ ...head, public_key: other.public_key }))?.genuine).toBe(false);
    expect(await readHead({ ...head, origin: "millwright/log/y" })).toBeNull();
  });

  it("does not hold an entry that was altered", async () => {
    expect((await verifyEntry({ ...proof, entry: "{}" }, head)).included).toBe(false);
  });
});
