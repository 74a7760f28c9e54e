import { Buffer } from "node:buffer";

const NONCE_BYTES = 12;

export type Encryption = ReturnType<typeof createEncryption>;

/**
 * Secrets that Imago has to read back (so that a hash will not do), encrypted at rest with
 * AES-256-GCM: `base64url(nonce, ciphertext, tag)`. The first key seals, each opens, so a key is
 * changed by putting a new one in front.
 */
export function createEncryption(keys: readonly string[]) {
  const derived = keys.map(derive);
  const [current] = derived;
  if (!current) throw new TypeError("Cannot encrypt without a key");

  return {
    /** `context` names whose it is and what for (`<tenant>/webhook/<id>`): it opens nowhere else. */
    async seal(plain: string, context: string): Promise<string> {
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const data = new TextEncoder().encode(plain);
      const sealed = await crypto.subtle.encrypt(cipher(nonce, context), await current, data);
      return Buffer.concat([nonce, new Uint8Array(sealed)]).toString("base64url");
    },

    /** What was sealed; an `Error` when none of the keys opens it, or it was sealed elsewhere. */
    async open(sealed: string, context: string): Promise<string> {
      const bytes = new Uint8Array(Buffer.from(sealed, "base64url"));
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const data = bytes.subarray(NONCE_BYTES);
      for (const key of derived) {
        try {
          const plain = await crypto.subtle.decrypt(cipher(nonce, context), await key, data);
          return new TextDecoder().decode(plain);
        } catch (error) {
          if (!(error instanceof DOMException)) throw error;
        }
      }
      throw new Error("Cannot decrypt a kept secret: no ENCRYPTION_KEY opens it");
    },
  };
}

function cipher(iv: Uint8Array<ArrayBuffer>, context: string): AesGcmParams {
  return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(context) };
}

/** 256 bits of a secret of any length, kept apart from its other uses (HKDF, RFC 5869). */
async function derive(secret: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  const material = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveKey"]);
  const info = new TextEncoder().encode("imago encryption at rest v1");
  return await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}
