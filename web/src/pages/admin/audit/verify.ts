// Verifying an entry of the log in the browser: RFC 9162 sections 2.1.1 and 2.1.3.2, C2SP
// tlog-checkpoint and signed-note. Nothing that the appliance says about itself is taken for true
// but the key, which is shown to be compared.

export interface Proof {
  leaf_index: number;
  tree_size: number;
  /** Absent when its content was pruned: then the hash stands for it. */
  entry?: string | null;
  leaf_hash: string;
  path: string[];
}

export interface SignedHead {
  origin: string;
  note: string;
  public_key: string;
}

type Bytes = Uint8Array<ArrayBuffer>;

const utf8 = new TextEncoder();
const SIGNATURE_MARK = "— ";
const ED25519 = 0x01;
const KEY_ID_BYTES = 4;

export const fromHex = (text: string): Bytes =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

export const toHex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const fromBase64 = (text: string): Bytes => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

function joined(...parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const sha256 = async (bytes: Bytes): Promise<Bytes> => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

export const leafHash = (entry: string): Promise<Bytes> => sha256(joined(new Uint8Array([0]), utf8.encode(entry)));

const nodeHash = (left: Bytes, right: Bytes): Promise<Bytes> => sha256(joined(new Uint8Array([1]), left, right));

/** The root that the proof leads to; null when it can't be one (RFC 9162 section 2.1.3.2). */
export async function rootOf({ leaf_index, tree_size, entry, leaf_hash, path }: Proof): Promise<string | null> {
  if (leaf_index >= tree_size) return null;
  // Sizes are below 2^53; halving keeps them whole.
  let fn = leaf_index;
  let sn = tree_size - 1;
  let hash = entry ? await leafHash(entry) : fromHex(leaf_hash);
  for (const beside of path.map(fromHex)) {
    if (sn === 0) return null;
    if (fn % 2 === 1 || fn === sn) {
      hash = await nodeHash(beside, hash);
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2;
        sn = Math.floor(sn / 2);
      }
    } else hash = await nodeHash(hash, beside);
    fn = Math.floor(fn / 2);
    sn = Math.floor(sn / 2);
  }
  return sn === 0 ? toHex(hash) : null;
}

export interface Head {
  size: number;
  root: string;
  /** Null where the browser knows no Ed25519. */
  genuine: boolean | null;
}

/** Size and root that the note states, and whether the key signed them. */
export async function readHead({ origin, note, public_key }: SignedHead): Promise<Head | null> {
  const blank = note.lastIndexOf("\n\n");
  if (blank < 0) return null;
  const body = note.slice(0, blank + 1);
  const [name, size, root] = body.split("\n");
  if (name !== origin || !size || !root || !/^\d+$/.test(size)) return null;
  const signatures = note.slice(blank + 2).split("\n");
  const genuine = await isSigned(utf8.encode(body), signatures, origin, fromBase64(public_key));
  return { size: Number(size), root: toHex(fromBase64(root)), genuine };
}

async function isSigned(body: Bytes, lines: string[], origin: string, key: Bytes): Promise<boolean | null> {
  const head = joined(utf8.encode(`${origin}\n`), new Uint8Array([ED25519]), key);
  const id = toHex((await sha256(head)).slice(0, KEY_ID_BYTES));
  for (const line of lines) {
    const [name, data] = line.replace(SIGNATURE_MARK, "").split(" ");
    if (name !== origin || !data) continue;
    const raw = fromBase64(data);
    if (toHex(raw.slice(0, KEY_ID_BYTES)) !== id) continue;
    let imported: CryptoKey;
    try {
      imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    } catch {
      return null;
    }
    return crypto.subtle.verify({ name: "Ed25519" }, imported, raw.slice(KEY_ID_BYTES), body);
  }
  return false;
}

export interface Verdict {
  included: boolean;
  genuine: boolean | null;
}

/** Whether the entry is in the log that the key signed. */
export async function verifyEntry(proof: Proof, signed: SignedHead): Promise<Verdict> {
  const head = await readHead(signed);
  if (!head || head.size !== proof.tree_size) return { included: false, genuine: head?.genuine ?? false };
  return { included: (await rootOf(proof)) === head.root, genuine: head.genuine };
}
